/* SPDX-License-Identifier: MIT */
/* Sections: see config_section.h. */

#include <string.h>

#include "proto/config_keys.h"
#include "proto/config_section.h"
#include "proto/config_turn.h"
#include "proto/schema_copy.h"

#define SECTION(field, what_, type)                                           \
	{                                                                     \
		.name = #field, .what = what_, .key = CONFIG_KEY ":" #field,  \
		.desc = &sy__##type##__descriptor,                            \
		.v_offset = offsetof(Sy__Config, field),                      \
		.n_offset = offsetof(Sy__Config, n_##field),                  \
	}

static const struct config_section_def defv[CONFIG_SECTIONS] = {
	[CONFIG_SETTINGS] = {.name = "settings",
			     .what = "settings",
			     .key = CONFIG_KEY ":settings",
			     .desc = &sy__settings__descriptor,
			     .v_offset = offsetof(Sy__Config, settings)},
	[CONFIG_DEVICES] = SECTION(devices, "device", device),
	[CONFIG_TRUNKS] = SECTION(trunks, "trunk", trunk),
	[CONFIG_ROUTES] = SECTION(routes, "route", route),
	[CONFIG_GROUPS] = SECTION(groups, "group", group),
	[CONFIG_TOKENS] = SECTION(tokens, "token", api_token),
};

const struct config_section_def *config_section_def(enum config_section s)
{
	return &defv[s];
}

ProtobufCMessage **config_section_items(const Sy__Config *conf,
					enum config_section s, size_t *np)
{
	const uint8_t *base = (const uint8_t *)conf;
	ProtobufCMessage **v;

	if (s == CONFIG_SETTINGS) {
		*np = conf->settings ? 1 : 0;
		return (ProtobufCMessage **)(uintptr_t)&conf->settings;
	}
	memcpy(&v, base + defv[s].v_offset, sizeof(v));
	memcpy(np, base + defv[s].n_offset, sizeof(*np));

	return v;
}

/* Every message that has an id has it as its first field. */
const char *config_item_id(enum config_section s,
			   const ProtobufCMessage *item)
{
	const char *id;

	if (s == CONFIG_SETTINGS)
		return "";
	memcpy(&id, (const uint8_t *)item + item->descriptor->fields[0].offset,
	       sizeof(id));

	return id;
}

ProtobufCMessage *config_item_find(const Sy__Config *conf,
				   enum config_section s, const char *id)
{
	size_t n;
	ProtobufCMessage **v = config_section_items(conf, s, &n);

	for (size_t i = 0; i < n; i++) {
		if (s == CONFIG_SETTINGS ||
		    !strcmp(config_item_id(s, v[i]), id))
			return v[i];
	}

	return NULL;
}

bool config_section_is_plain(enum config_section s,
			     const ProtobufCMessage *item)
{
	if (s == CONFIG_DEVICES)
		return item && ((const Sy__Device *)item)->password[0];
	if (s == CONFIG_TRUNKS)
		return item && ((const Sy__Trunk *)item)->password[0];
	if (s == CONFIG_SETTINGS)
		return config_turn_is_plain((const Sy__Settings *)item);

	return false;
}

ProtobufCMessage *config_item_copy(const ProtobufCMessage *item)
{
	return schema_copy(item);
}

bool config_item_equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	return schema_equal(a, b);
}
