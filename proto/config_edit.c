/* SPDX-License-Identifier: MIT */
/* Changes: see config_edit.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/config_check.h"
#include "proto/config_edit.h"
#include "proto/config_turn.h"

/* ------------------------------------------------------------------ check */

/* The section with the item changed: the others as they are, then the item.
 * As the last one it is the one that is wrong, where two cannot be together.
 * @param v  As many as there are now, and one */
static size_t replace(ProtobufCMessage **v, enum config_section s,
		      const Sy__Config *now, const char *id,
		      const ProtobufCMessage *item)
{
	size_t count, n = 0;
	ProtobufCMessage **have = config_section_items(now, s, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(config_item_id(s, have[i]), id))
			v[n++] = have[i];
	}
	if (item)
		v[n++] = (ProtobufCMessage *)(uintptr_t)item;

	return n;
}

/* The candidate, while it is checked. */
struct candidate {
	const Sy__Config *conf;
	enum config_section s;
	const char *id;
	const ProtobufCMessage *item;
	struct config_edit_error *e;
	config_wrong_h *h;
	void *arg;
};

/* What is wrong with the item itself counts before what is with others. */
static void tell(struct candidate *c, bool own, const char *section,
		 const char *id, const char *text)
{
	struct config_edit_error *e = c->e;

	if (own && c->h)
		c->h(text, c->arg);
	if (e->text[0] && (e->own || !own))
		return;
	e->own = own;
	(void)snprintf(e->section, sizeof(e->section), "%s", section);
	(void)snprintf(e->id, sizeof(e->id), "%s", id);
	(void)snprintf(e->text, sizeof(e->text), "%s", text);
}

/* "routes[3].target.device: there is ..." of the candidate */
static void on_wrong(const char *text, void *arg)
{
	struct candidate *c = arg;
	const size_t len = strcspn(text, "[.:");
	const char *rest = text + len;
	enum config_section k = CONFIG_SETTINGS;
	ProtobufCMessage **v;
	size_t n, i = 0;
	char *end;

	while (k < CONFIG_SECTIONS &&
	       (strlen(config_section_def(k)->name) != len ||
		strncmp(config_section_def(k)->name, text, len)))
		k++;
	if (k == CONFIG_SECTIONS) { /* of none */
		tell(c, true, "", "", text);
		return;
	}
	if (*rest == '[') {
		i = strtoul(rest + 1, &end, 10);
		rest = *end ? end + 1 : end;
	}
	rest += *rest == '.';
	v = config_section_items(c->conf, k, &n);
	tell(c, k == c->s && c->item && i < n && v[i] == c->item,
	     config_section_def(k)->name,
	     i < n ? config_item_id(k, v[i]) : c->id, rest);
}

/* Their passwords are hashed with it. */
static bool loses_devices(const Sy__Config *now, const Sy__Settings *s)
{
	return now->n_devices && now->settings &&
	       strcmp(now->settings->realm, s->realm) != 0;
}

int config_edit_check(const Sy__Config *now, enum config_section s,
		      const char *id, const ProtobufCMessage *item,
		      struct config_edit_error *e, config_wrong_h *h,
		      void *arg)
{
	const struct config_section_def *def = config_section_def(s);
	ProtobufCMessage **v = NULL;
	Sy__Config conf = *now;
	struct candidate c = {.conf = &conf, .s = s, .id = id, .item = item,
			      .e = e, .h = h, .arg = arg};
	size_t n;
	int err;

	memset(e, 0, sizeof(*e));
	if (s == CONFIG_SETTINGS &&
	    loses_devices(now, (const Sy__Settings *)item)) {
		tell(&c, true, "settings", "",
		     "realm: the passwords of devices are hashed with it: it "
		     "can only be changed together with all of them");
		return EBADMSG;
	}
	if (s == CONFIG_SETTINGS) {
		conf.settings = (Sy__Settings *)(uintptr_t)item;
	} else {
		(void)config_section_items(now, s, &n);
		v = calloc(n + 1, sizeof(*v));
		if (!v)
			return ENOMEM;
		n = replace(v, s, now, id, item);
		memcpy((uint8_t *)&conf + def->v_offset, &v, sizeof(v));
		memcpy((uint8_t *)&conf + def->n_offset, &n, sizeof(n));
	}

	err = config_check_all(&conf, on_wrong, &c);
	free(v);

	return err;
}

/* ---------------------------------------------------------------- secrets */

static void drop(char **sp)
{
	if (*sp && *sp != protobuf_c_empty_string) {
		explicit_bzero(*sp, strlen(*sp));
		free(*sp);
	}
	*sp = (char *)(uintptr_t)protobuf_c_empty_string;
}

static int take(char **sp, const char *from)
{
	char *copy = from[0] ? strdup(from) : NULL;

	if (from[0] && !copy)
		return ENOMEM;
	drop(sp);
	if (copy)
		*sp = copy;

	return 0;
}

static int keep_device(Sy__Device *d, const Sy__Device *old)
{
	int err;

	if (d->password[0] || d->ha1_md5[0] || d->ha1_sha256[0] || !old)
		return 0;

	err = take(&d->ha1_md5, old->ha1_md5);

	return err ? err : take(&d->ha1_sha256, old->ha1_sha256);
}

static int keep_trunk(Sy__Trunk *t, const Sy__Trunk *old)
{
	const ProtobufCBinaryData *from = old ? &old->password_sealed : NULL;
	uint8_t *copy;

	if (t->password[0] || t->password_sealed.len || !from || !from->len ||
	    !t->username[0])
		return 0;

	copy = malloc(from->len);
	if (!copy)
		return ENOMEM;
	memcpy(copy, from->data, from->len);
	free(t->password_sealed.data);
	t->password_sealed.data = copy;
	t->password_sealed.len = from->len;

	return 0;
}

int config_edit_keep(enum config_section s, ProtobufCMessage *item,
		     const ProtobufCMessage *old)
{
	if (s == CONFIG_DEVICES)
		return keep_device((Sy__Device *)item,
				   (const Sy__Device *)old);
	if (s == CONFIG_TRUNKS)
		return keep_trunk((Sy__Trunk *)item, (const Sy__Trunk *)old);
	if (s == CONFIG_SETTINGS)
		return config_turn_keep((Sy__Settings *)item,
					(const Sy__Settings *)old);
	if (s == CONFIG_TOKENS && old && !((Sy__ApiToken *)item)->hash[0])
		return take(&((Sy__ApiToken *)item)->hash,
			    ((const Sy__ApiToken *)old)->hash);

	return 0;
}

void config_edit_forget(enum config_section s, ProtobufCMessage *item)
{
	if (s == CONFIG_DEVICES) {
		Sy__Device *d = (Sy__Device *)item;

		drop(&d->password);
		drop(&d->ha1_md5);
		drop(&d->ha1_sha256);
	} else if (s == CONFIG_TRUNKS) {
		Sy__Trunk *t = (Sy__Trunk *)item;

		drop(&t->password);
		free(t->password_sealed.data);
		t->password_sealed = (ProtobufCBinaryData){0, NULL};
	} else if (s == CONFIG_SETTINGS) {
		config_turn_forget((Sy__Settings *)item);
	} else if (s == CONFIG_TOKENS) {
		drop(&((Sy__ApiToken *)item)->hash);
	}
}

void config_edit_hide(enum config_section s, void *out,
		      const ProtobufCMessage *item)
{
	static char none[] = "";

	memcpy(out, item, item->descriptor->sizeof_message);
	if (s == CONFIG_DEVICES) {
		Sy__Device *d = out;

		d->password = d->ha1_md5 = d->ha1_sha256 = none;
	} else if (s == CONFIG_TRUNKS) {
		Sy__Trunk *t = out;

		t->password = none;
		t->password_sealed = (ProtobufCBinaryData){0, NULL};
	} else if (s == CONFIG_SETTINGS) {
		((Sy__Settings *)out)->n_ice_secrets = 0;
	} else if (s == CONFIG_TOKENS) {
		((Sy__ApiToken *)out)->hash = none;
	}
}
