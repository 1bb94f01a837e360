/* SPDX-License-Identifier: MIT */
/*
 * Both sections sorted by id, and walked side by side.  What was changed of an
 * item is found in its JSON.  (No header of libre: see body.c.)
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/config_diff.h"
#include "proto/json.h"

/* As people know them. */
static const char *public_name(const char *field)
{
	if (!strncmp(field, "ha1", 3) || !strcmp(field, "passwordSealed"))
		return "password";
	if (!strcmp(field, "hash"))
		return "token";
	if (!strcmp(field, "iceSecrets"))
		return "iceServers";

	return field;
}

static int add_field(Sy__ConfigChange *c, const char *field)
{
	const char *name = public_name(field);
	char **v;

	for (size_t i = 0; i < c->n_fields; i++) {
		if (!strcmp(c->fields[i], name))
			return 0;
	}
	v = realloc(c->fields, (c->n_fields + 1) * sizeof(*v));
	if (!v)
		return ENOMEM;
	c->fields = v;
	v[c->n_fields] = strdup(name);
	if (!v[c->n_fields])
		return ENOMEM;
	c->n_fields++;

	return 0;
}

/* Names that are in a, and not the same in b. */
static int add_fields(Sy__ConfigChange *c, json_t *a, json_t *b, bool twice)
{
	const char *key;
	json_t *val;
	int err = 0;

	json_object_foreach(a, key, val) {
		json_t *other = json_object_get(b, key);

		if (other ? !twice && !json_equal(val, other) : true)
			err |= add_field(c, key);
	}

	return err ? ENOMEM : 0;
}

static Sy__ConfigChange *add_change(Sy__ConfigCheck *out,
				    enum config_section s, const char *id,
				    const char *what)
{
	Sy__ConfigChange **v, *c;

	v = realloc(out->changes, (out->n_changes + 1) * sizeof(*v));
	if (!v)
		return NULL;
	out->changes = v;
	c = malloc(sizeof(*c));
	if (!c)
		return NULL;
	sy__config_change__init(c);
	c->section = strdup(config_section_def(s)->name);
	c->id = strdup(id);
	c->change = strdup(what);
	v[out->n_changes++] = c;

	return c->section && c->id && c->change ? c : NULL;
}

static int compare(Sy__ConfigCheck *out, enum config_section s,
		   const ProtobufCMessage *from, const ProtobufCMessage *to)
{
	const ProtobufCMessage *any = from ? from : to;
	Sy__ConfigChange *c;
	json_t *a, *b;
	int err;

	if (from && to && config_item_equal(from, to))
		return 0;
	c = add_change(out, s, config_item_id(s, any),
		       !from ? "add" : !to ? "remove" : "change");
	if (!c)
		return ENOMEM;
	if (!from || !to)
		return 0;

	a = json_from_message(from, 0);
	b = json_from_message(to, 0);
	err = a && b ? add_fields(c, a, b, false) : ENOMEM;
	if (!err)
		err = add_fields(c, b, a, true);
	json_decref(a);
	json_decref(b);

	return err;
}

static int id_cmp(const void *a, const void *b)
{
	/* The id is the first field of all that have one. */
	return strcmp(config_item_id(CONFIG_DEVICES,
				     *(const ProtobufCMessage *const *)a),
		      config_item_id(CONFIG_DEVICES,
				     *(const ProtobufCMessage *const *)b));
}

static ProtobufCMessage **sorted(const Sy__Config *conf,
				 enum config_section s, size_t *np)
{
	ProtobufCMessage **have = config_section_items(conf, s, np), **v;

	v = calloc(*np + 1, sizeof(*v));
	if (v && *np) {
		memcpy(v, have, *np * sizeof(*v));
		if (s != CONFIG_SETTINGS)
			qsort(v, *np, sizeof(*v), id_cmp);
	}

	return v;
}

static int diff_section(Sy__ConfigCheck *out, enum config_section s,
			const Sy__Config *from, const Sy__Config *to)
{
	size_t an, bn, i = 0, k = 0;
	ProtobufCMessage **a = sorted(from, s, &an), **b = sorted(to, s, &bn);
	int err = a && b ? 0 : ENOMEM;

	while (!err && (i < an || k < bn)) {
		const int d = i == an ? 1
			      : k == bn
				      ? -1
				      : strcmp(config_item_id(s, a[i]),
					       config_item_id(s, b[k]));

		err = compare(out, s, d > 0 ? NULL : a[i],
			      d < 0 ? NULL : b[k]);
		i += d <= 0;
		k += d >= 0;
	}
	free(a);
	free(b);

	return err;
}

int config_diff(Sy__ConfigCheck *out, const Sy__Config *from,
		const Sy__Config *to)
{
	int err = 0;

	for (int s = 0; !err && s < CONFIG_SECTIONS; s++)
		err = diff_section(out, (enum config_section)s, from, to);

	return err;
}
