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

/* Redis' hashes have no order: every process shall see the same one. */
static void sort(Sy__Config *conf)
{
	static const struct {
		size_t v, n;
		int (*cmp)(const void *a, const void *b);
	} sections[] = {
	    {offsetof(Sy__Config, devices), offsetof(Sy__Config, n_devices),
	     device_cmp},
	    {offsetof(Sy__Config, trunks), offsetof(Sy__Config, n_trunks),
	     trunk_cmp},
	    {offsetof(Sy__Config, routes), offsetof(Sy__Config, n_routes),
	     route_cmp},
	    {offsetof(Sy__Config, tokens), offsetof(Sy__Config, n_tokens),
	     token_cmp},
	    {offsetof(Sy__Config, groups), offsetof(Sy__Config, n_groups),
	     group_cmp},
	};
	size_t i;

	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		uint8_t *base = (uint8_t *)conf;
		void *v;
		size_t n;

		memcpy(&v, base + sections[i].v, sizeof(v));
		memcpy(&n, base + sections[i].n, sizeof(n));
		if (n)
			qsort(v, n, sizeof(void *), sections[i].cmp);
	}
}

int config_unpack(Sy__Config *conf, const redisReply *reply)
{
	int err = sections(conf, reply);

	if (!err)
		sort(conf);

	return err;
}
