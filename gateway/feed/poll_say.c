/* SPDX-License-Identifier: MIT */
/* Answers of the API as messages: see poll_say.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/feed/poll_say.h"
#include "proto/json.h"

enum { ITEMS = 100 }; /* of a list in one message */

/* JSON's own object is the struct known: of a list its items by their key,
 * else the message under "". */
static json_t *json_of(const struct known *k)
{
	return (json_t *)(uintptr_t)k;
}

struct known *known_free(struct known *k)
{
	json_decref(json_of(k));

	return NULL;
}

void poll_frames_reset(struct poll_frames *fr)
{
	for (size_t i = 0; i < fr->n; i++)
		ws_frame_drop(fr->v[i]);
	free(fr->v);
	fr->v = NULL;
	fr->n = 0;
}

/* @param j  Taken. */
static int add_frame(struct poll_frames *fr, json_t *j)
{
	struct ws_frame **v = realloc(fr->v, (fr->n + 1) * sizeof(*v));
	char *text = j ? json_dumps(j, JSON_DUMP_FLAGS) : NULL;
	int err = ENOMEM;

	json_decref(j);
	if (v)
		fr->v = v;
	if (v && text)
		err = ws_frame_shared(&fr->v[fr->n], text,
				      strlen(text));
	if (!err)
		fr->n++;
	free(text);

	return err;
}

/* ----------------------------------------------------------------- reading */

static int add_items(json_t *all, const json_t *items, const char *key)
{
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item) {
		const char *id = json_string_value(json_object_get(item, key));

		if (!id || json_object_set(all, id, item))
			return EBADMSG;
	}

	return 0;
}

int known_add(struct known **kp, const struct poll_form *form,
	      const char *text, size_t len, char *next, size_t nextsize)
{
	json_t *j = json_loadb(text, len, 0, NULL);
	json_t *all = *kp ? json_of(*kp) : json_object();
	const char *cursor = "";
	int err = 0;

	if (!j || !all) {
		json_decref(j);
		if (!*kp)
			json_decref(all);
		return EBADMSG;
	}
	*kp = (struct known *)all;
	if (form->key) {
		const json_t *c = json_object_get(j, "nextCursor");

		err = add_items(all, json_object_get(j, "items"), form->key);
		cursor = json_string_value(c) ? json_string_value(c) : "";
	}
	else if (json_object_set(all, "", j)) {
		err = ENOMEM;
	}
	(void)snprintf(next, nextsize, "%s", cursor);
	json_decref(j);

	return err;
}

/* ----------------------------------------------------------------- telling */

static json_t *snapshot_of(const char *topic, const char *seq,
			   const char *field, json_t *value, bool more)
{
	json_t *s = json_pack("{s:s}", "topic", topic);

	if (*seq)
		json_object_set_new(s, "seq", json_string(seq));
	if (value)
		json_object_set_new(s, field, value);
	if (more)
		json_object_set_new(s, "more", json_true());

	return json_pack("{s:o}", "snapshot", s);
}

int known_snapshot(struct poll_frames *fr, const struct known *k,
		   const struct poll_form *form, const char *topic,
		   const char *seq)
{
	json_t *all = json_of(k), *part, *item;
	size_t left = json_object_size(all);
	const char *id;
	int err = 0;

	if (!form->key) {
		item = json_incref(json_object_get(all, ""));
		if (item && !strcmp(form->snapshot, "calls"))
			item = json_pack("[o]", item);
		return add_frame(fr, snapshot_of(topic, seq, form->snapshot,
						 item, false));
	}

	part = json_array();
	json_object_foreach(all, id, item) {
		json_array_append(part, item);
		if (--left && json_array_size(part) < ITEMS)
			continue;
		if (!err)
			err = add_frame(fr, snapshot_of(topic, seq,
							form->snapshot, part,
							left > 0));
		else
			json_decref(part);
		part = json_array();
	}
	if (!fr->n && !err)
		err = add_frame(fr, snapshot_of(topic, seq, form->snapshot,
						json_incref(part), false));
	json_decref(part);

	return err;
}

/* An item that is gone is its key alone. */
static void add_gone(json_t *changed, json_t *all, json_t *was,
		     const char *key)
{
	const char *id;
	json_t *item;

	json_object_foreach(was, id, item) {
		if (!json_object_get(all, id))
			json_array_append_new(changed, json_pack("{s:s}", key,
								 id));
	}
}

int known_change(struct poll_frames *fr, const struct known *k,
		 const struct known *old, const struct poll_form *form)
{
	json_t *all = json_of(k), *was = json_of(old), *item, *changed;
	const char *id;
	int err = 0;

	if (old && json_equal(all, was))
		return 0;
	if (!form->key)
		return add_frame(fr, json_pack("{s:O}", form->change,
					       json_object_get(all, "")));

	changed = json_array();
	json_object_foreach(all, id, item) {
		if (form->whole || !old ||
		    !json_equal(item, json_object_get(was, id)))
			json_array_append(changed, item);
	}
	if (old && !form->whole)
		add_gone(changed, all, was, form->key);
	err = add_frame(fr, json_pack("{s:{s:o}}", form->change, "items",
				      changed));

	return err;
}
