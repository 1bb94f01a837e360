/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include "proto/config_unpack.h"

/* A list of records of one section. @param vp, np  Of the configuration. */
static int unpack_section(void ***vp, size_t *np, const redisReply *r,
			  const ProtobufCMessageDescriptor *d)
{
	void **v;
	size_t i;

	if (r->type != REDIS_REPLY_ARRAY)
		return EBADMSG;
	if (!r->elements)
		return 0;

	v = calloc(r->elements, sizeof(*v));
	if (!v)
		return ENOMEM;
	*vp = v;

	for (i = 0; i < r->elements; i++) {
		const redisReply *e = r->element[i];

		if (e->type == REDIS_REPLY_STRING)
			v[i] = protobuf_c_message_unpack(
			    d, NULL, (size_t)e->len, (const uint8_t *)e->str);
		if (!v[i])
			return EBADMSG;
		++*np;
	}

	return 0;
}

static int sections(Sy__Config *conf, const redisReply *r)
{
	const redisReply *s = r->element[1];
	int err;

	conf->revision = strtoull(r->element[0]->str, NULL, 10);
	if (s->type != REDIS_REPLY_STRING)
		return EBADMSG;
	conf->settings =
	    sy__settings__unpack(NULL, (size_t)s->len, (const uint8_t *)s->str);
	if (!conf->settings)
		return EBADMSG;

	err = unpack_section((void ***)&conf->devices, &conf->n_devices,
			     r->element[2], &sy__device__descriptor);
	if (!err)
		err = unpack_section((void ***)&conf->trunks, &conf->n_trunks,
				     r->element[3], &sy__trunk__descriptor);
	if (!err)
		err = unpack_section((void ***)&conf->routes, &conf->n_routes,
				     r->element[4], &sy__route__descriptor);
	if (!err)
		err = unpack_section((void ***)&conf->tokens, &conf->n_tokens,
				     r->element[5], &sy__api_token__descriptor);
	if (!err)
		err = unpack_section((void ***)&conf->groups, &conf->n_groups,
				     r->element[6], &sy__group__descriptor);

	return err;
}

static int device_cmp(const void *a, const void *b)
{
	return strcmp((*(Sy__Device *const *)a)->id,
		      (*(Sy__Device *const *)b)->id);
}

static int trunk_cmp(const void *a, const void *b)
{
	return strcmp((*(Sy__Trunk *const *)a)->id,
		      (*(Sy__Trunk *const *)b)->id);
}

static int token_cmp(const void *a, const void *b)
{
	return strcmp((*(Sy__ApiToken *const *)a)->id,
		      (*(Sy__ApiToken *const *)b)->id);
}

static int group_cmp(const void *a, const void *b)
{
	return strcmp((*(Sy__Group *const *)a)->id,
		      (*(Sy__Group *const *)b)->id);
}

static int route_cmp(const void *a, const void *b)
{
	const Sy__Route *x = *(Sy__Route *const *)a;
	const Sy__Route *y = *(Sy__Route *const *)b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;

	return strcmp(x->id, y->id);
}

static int (*const cmpv[CONFIG_SECTIONS])(const void *a, const void *b) = {
	[CONFIG_DEVICES] = device_cmp, [CONFIG_TRUNKS] = trunk_cmp,
	[CONFIG_ROUTES] = route_cmp, [CONFIG_TOKENS] = token_cmp,
	[CONFIG_GROUPS] = group_cmp,
};

int config_unpack_cmp(enum config_section s, const void *a, const void *b)
{
	return cmpv[s](a, b);
}

/* Redis' hashes have no order: every process shall see the same one. */
static void sort(Sy__Config *conf)
{
	for (enum config_section s = 0; s < CONFIG_SECTIONS; s++) {
		size_t n;
		ProtobufCMessage **v;

		if (!cmpv[s])
			continue;
		v = config_section_items(conf, s, &n);
		if (n)
			qsort(v, n, sizeof(*v), cmpv[s]);
	}
}

int config_unpack(Sy__Config *conf, const redisReply *reply)
{
	int err = sections(conf, reply);

	if (!err)
		sort(conf);

	return err;
}
