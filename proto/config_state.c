/* SPDX-License-Identifier: MIT */
/* Revisions: see config_state.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>

#include "proto/config_state.h"
#include "proto/config_unpack.h"

int config_state_read(struct config_state *s, const redisReply *reply)
{
	const redisReply *stamp = reply->element[8];
	struct config_state n = {NULL};
	int err;

	n.conf = malloc(sizeof(*n.conf));
	if (!n.conf)
		return ENOMEM;
	sy__config__init(n.conf);

	err = config_unpack(n.conf, reply);
	if (!err)
		err = config_index_alloc(&n.index, n.conf);
	if (err) {
		config_state_free(&n);
		return err;
	}
	if (stamp->type == REDIS_REPLY_STRING)
		str_ncpy(n.stamp, stamp->str, sizeof(n.stamp));
	*s = n;

	return 0;
}

/* ------------------------------------------------------------------ change */

/* One change while it is made. */
struct change {
	const struct config_section_def *def;
	enum config_section s;
	ProtobufCMessage *item;    /* NULL: it is removed                  */
	ProtobufCMessage *was;     /* NULL: it is new                      */
	ProtobufCMessage **v;      /* its section; NULL in settings        */
	size_t n;
};

static bool find_section(struct change *ch, const char *name)
{
	for (ch->s = 0; ch->s < CONFIG_SECTIONS; ch->s++) {
		ch->def = config_section_def(ch->s);
		if (!strcmp(ch->def->name, name))
			return true;
	}

	return false;
}

static int read_item(struct change *ch, const Sy__ConfigChanged *cc)
{
	if (!find_section(ch, cc->section))
		return EBADMSG;
	if (!cc->record.len)
		return ch->s == CONFIG_SETTINGS ? EBADMSG : 0;
	ch->item = protobuf_c_message_unpack(ch->def->desc, NULL,
					     cc->record.len, cc->record.data);
	if (!ch->item || strcmp(config_item_id(ch->s, ch->item), cc->id))
		return EBADMSG;

	return 0;
}

/* The section as it will be, in its order: the item may have another place
 * (routes). */
static int make_list(struct change *ch, const Sy__Config *old, const char *id)
{
	size_t n, i;
	ProtobufCMessage **have = config_section_items(old, ch->s, &n);

	ch->v = malloc((n + 1) * sizeof(*ch->v));
	if (!ch->v)
		return ENOMEM;
	for (i = 0; i < n; i++) {
		if (!ch->was && !strcmp(config_item_id(ch->s, have[i]), id))
			ch->was = have[i];
		else
			ch->v[ch->n++] = have[i];
	}
	if (!ch->item)
		return 0;
	for (i = ch->n++; i && config_unpack_cmp(ch->s, &ch->item,
						 &ch->v[i - 1]) < 0; i--)
		ch->v[i] = ch->v[i - 1];
	ch->v[i] = ch->item;

	return 0;
}

static void put_section(Sy__Config *conf, const struct change *ch)
{
	uint8_t *base = (uint8_t *)conf;

	if (ch->s == CONFIG_SETTINGS) {
		conf->settings = (Sy__Settings *)ch->item;
		return;
	}
	memcpy(base + ch->def->v_offset, &ch->v, sizeof(ch->v));
	memcpy(base + ch->def->n_offset, &ch->n, sizeof(ch->n));
}

static void pass_on(struct config_state *old, const struct change *ch)
{
	old->passed_on = true;
	old->gone_item = ch->was;
	if (ch->s != CONFIG_SETTINGS)
		memcpy(&old->gone, (uint8_t *)old->conf + ch->def->v_offset,
		       sizeof(old->gone));
}

int config_state_change(struct config_state *s, struct config_state *old,
			const Sy__ConfigChanged *cc)
{
	struct change ch = {.n = 0};
	struct config_state n = {NULL};
	int err = read_item(&ch, cc);

	if (!err && ch.s == CONFIG_SETTINGS)
		ch.was = &old->conf->settings->base;
	else if (!err)
		err = make_list(&ch, old->conf, cc->id);
	if (!err) {
		n.conf = malloc(sizeof(*n.conf));
		err = n.conf ? 0 : ENOMEM;
	}
	if (!err) {
		*n.conf = *old->conf;
		n.conf->revision = cc->revision;
		put_section(n.conf, &ch);
		err = config_index_change(&n.index, old->index, n.conf, ch.s,
					  ch.was, ch.item);
	}
	if (err) {
		free(n.conf);
		free(ch.v);
		if (ch.item)
			protobuf_c_message_free_unpacked(ch.item, NULL);
		return err;
	}
	str_ncpy(n.stamp, cc->stamp, sizeof(n.stamp));
	pass_on(old, &ch);
	*s = n;

	return 0;
}

void config_state_free(struct config_state *s)
{
	mem_deref(s->index);
	if (s->passed_on) {
		free(s->gone);
		if (s->gone_item)
			protobuf_c_message_free_unpacked(s->gone_item, NULL);
		free(s->conf);
	}
	else if (s->conf) {
		sy__config__free_unpacked(s->conf, NULL);
	}
	memset(s, 0, sizeof(*s));
}
