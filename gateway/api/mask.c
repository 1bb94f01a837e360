/* SPDX-License-Identifier: MIT */
/* Changes by messages: see mask.h. */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "gateway/api/mask.h"
#include "proto/json_scalar.h"

/* A message that is there once: one can look into it. */
static const ProtobufCMessageDescriptor *
inside(const ProtobufCFieldDescriptor *f)
{
	return f->type == PROTOBUF_C_TYPE_MESSAGE &&
			       f->label != PROTOBUF_C_LABEL_REPEATED
		       ? f->descriptor
		       : NULL;
}

static const ProtobufCFieldDescriptor *
find(const ProtobufCMessageDescriptor *d, const char *name, size_t len)
{
	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];
		char buf[JSON_NAME_MAX];

		if ((strlen(f->name) == len && !memcmp(f->name, name, len)) ||
		    (strlen(json_name(buf, f)) == len &&
		     !memcmp(buf, name, len)))
			return f;
	}

	return NULL;
}

/* The other members of its oneof. */
static void drop_rivals(json_t *target, const ProtobufCMessageDescriptor *d,
			const ProtobufCFieldDescriptor *f)
{
	if (!(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return;
	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *o = &d->fields[i];
		char buf[JSON_NAME_MAX];

		if (o != f && o->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
		    o->quantifier_offset == f->quantifier_offset)
			(void)json_object_del(target, json_name(buf, o));
	}
}

/* The object below a name; made where there is none. */
static json_t *below(json_t *target, const char *name)
{
	json_t *o = json_object_get(target, name);

	if (json_is_object(o))
		return o;
	o = json_object();

	return json_object_set_new(target, name, o) ? NULL : o;
}

int mask_set(json_t *target, const json_t *patch,
	     const ProtobufCMessageDescriptor *d)
{
	const char *key;
	json_t *val;
	int err = 0;

	json_object_foreach((json_t *)(uintptr_t)patch, key, val) {
		const ProtobufCFieldDescriptor *f = find(d, key, strlen(key));
		const ProtobufCMessageDescriptor *in = f ? inside(f) : NULL;
		json_t *sub;

		if (f)
			drop_rivals(target, d, f);
		if (!in || !json_is_object(val)) {
			err |= json_object_set(target, key, val);
			continue;
		}
		sub = below(target, key);
		if (!sub)
			return ENOMEM;
		err |= mask_set(sub, val, in);
	}

	return err ? ENOMEM : 0;
}

/* Is there such a field? */
static bool is_path(const ProtobufCMessageDescriptor *d, const char *path,
		    size_t len)
{
	while (d) {
		const char *dot = memchr(path, '.', len);
		const size_t n = dot ? (size_t)(dot - path) : len;
		const ProtobufCFieldDescriptor *f = find(d, path, n);

		if (!f || !dot)
			return f != NULL;
		d = inside(f);
		path += n + 1;
		len -= n + 1;
	}

	return false;
}

/* @param path  Of len characters, and there is such a field. */
static int apply(json_t *target, const json_t *patch,
		 const ProtobufCMessageDescriptor *d, const char *path,
		 size_t len)
{
	const char *dot = memchr(path, '.', len);
	const size_t n = dot ? (size_t)(dot - path) : len;
	const ProtobufCFieldDescriptor *f = find(d, path, n);
	char name[JSON_NAME_MAX];
	json_t *val, *sub;

	val = json_object_get(patch, json_name(name, f));
	if (val)
		drop_rivals(target, d, f);
	if (!dot && val)
		return json_object_set(target, name, val) ? ENOMEM : 0;
	if (!dot)
		(void)json_object_del(target, name);
	if (!dot || (!val && !json_object_get(target, name)))
		return 0;

	sub = below(target, name);

	return sub ? apply(sub, val, inside(f), dot + 1, len - n - 1)
		   : ENOMEM;
}

int mask_apply(json_t *target, const json_t *patch,
	       const ProtobufCMessageDescriptor *d, const char *paths,
	       char *bad, size_t size)
{
	int err = 0;

	while (!err && *paths) {
		const size_t len = strcspn(paths, ",");

		if (len == 1 && *paths == '*') {
			err = json_object_clear(target) ||
			      json_object_update(target,
						 (json_t *)(uintptr_t)patch)
				      ? ENOMEM
				      : 0;
		}
		else if (is_path(d, paths, len)) {
			err = apply(target, patch, d, paths, len);
		}
		else {
			(void)snprintf(bad, size, "%.*s", (int)len, paths);
			err = EINVAL;
		}
		paths += len + (paths[len] == ',');
	}

	return err;
}
