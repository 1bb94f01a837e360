/* SPDX-License-Identifier: MIT */
/* A ringing tone: see ringback.h. */

#include "node/app/ringback.h"
#include "proto/log.h"

struct ringback {
	struct node *node;       /* borrowed, as the hub       */
	struct hub *hub;
	struct media_leg *media; /* owned; NULL: it is silent  */
};

static void destructor(void *data)
{
	struct ringback *r = data;

	mem_deref(r->media);
}

int ringback_alloc(struct ringback **rp, struct node *n, struct hub *hub)
{
	struct ringback *r = mem_zalloc(sizeof(*r), destructor);

	if (!r)
		return ENOMEM;

	r->node = n;
	r->hub = hub;
	*rp = r;

	return 0;
}

static int start(struct ringback *r)
{
	/* ITU-T E.180: most of Europe. */
	static const struct media_tone tone = {
		.hz = {425},
		.level_db = -20,
		.on_ms = 1000,
		.off_ms = 4000,
	};
	struct mix *mix;
	int err = node_mix(&mix, r->node, r->hub);

	return err ? err : media_leg_tone_alloc(&r->media, mix, &tone, NULL,
						NULL);
}

void ringback_set(struct ringback *r, bool on)
{
	int err = 0;

	if (!on)
		r->media = mem_deref(r->media);
	else if (!r->media)
		err = start(r);

	if (err)
		log_warn("no ringing tone", LOG_S("call", r->hub->id),
			 LOG_E(err));
}
