/* SPDX-License-Identifier: MIT */
/* Moves between live nodes, as node/move.c makes them: the giver asks, the
 * taker claims from it and answers; without an answer the record tells. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/owner/sim.h"

enum { DEADLINE_US = 2000000, AGAIN_US = 500000 };

static void say(struct snode *n, const char *to, const char *text)
{
	char channel[64];

	(void)re_snprintf(channel, sizeof(channel), "%s%s", BUS_CHANNEL_MEMBER,
			  to);
	node_publish(n, channel, text);
}

/* ------------------------------------------------------------------ giver */

void node_move(struct snode *n, struct nhub *h, struct snode *to)
{
	char text[128];

	h->moving = true;
	h->move = ++n->s->move_last;
	h->move_us = n->s->now_us + DEADLINE_US;
	(void)re_snprintf(text, sizeof(text), "T %s %u %s %u", h->id,
			  n->self.instance, n->id, h->move);
	say(n, to->id, text);
}

static void depart(struct snode *n, struct nhub *h)
{
	char id[ULID_LEN + 1];

	str_ncpy(id, h->id, sizeof(id));
	node_free_hub(n, h);
	owner_departed(n->o, id);
	n->s->moved++;
}

static void owner_handler(struct snode *n, int err, const struct val *v,
			  const struct call *c)
{
	struct nhub *h = node_find(n, c->hub);
	uint32_t owner;

	if (!h || !h->moving || h->move != c->a)
		return;
	if (err) {
		h->move_us = n->s->now_us + AGAIN_US;
		return;
	}

	owner = v->type == VAL_STR ? (uint32_t)strtoul(v->s, NULL, 10)
				   : n->self.instance;
	if (owner == n->self.instance)
		h->moving = false;
	else
		depart(n, h);
}

/* No answer came: whose is it? */
void move_tick(struct snode *n, struct nhub *h)
{
	char key[64];
	const char *argv[] = {"HGET", key, "owner"};
	const struct send snd = {.script = -1,
				 .argc = 3,
				 .argv = argv,
				 .h = owner_handler,
				 .hub = h->id,
				 .a = h->move};

	if (!h->moving || n->s->now_us < h->move_us)
		return;

	(void)re_snprintf(key, sizeof(key), "sy:hub:{%s}", h->id);
	h->move_us = n->s->now_us + DEADLINE_US;
	if (wire_send(n, WIRE_CMD, &snd))
		h->move_us = n->s->now_us + AGAIN_US;
}

static void replied(struct snode *n, const char *hub, uint32_t move, bool ok)
{
	struct nhub *h = node_find(n, hub);

	if (!h || !h->moving || h->move != move)
		return;
	if (ok)
		depart(n, h);
	else
		h->moving = false;
}

/* ------------------------------------------------------------------ taker */

static void reply(struct snode *n, const char *to, const char *hub,
		  uint32_t move, bool ok)
{
	char text[96];

	(void)re_snprintf(text, sizeof(text), "R %s %u %d", hub, move, ok);
	say(n, to, text);
}

static void claimed(struct snode *n, int err, const struct val *v,
		    const struct call *c)
{
	if (err || v->v[0]->n < 1) {
		owner_released(n->o, c->hub);
		if (!err)
			reply(n, c->who, c->hub, c->b, false);
	} else {
		const struct val *all = v->v[1];
		uint32_t epoch = 0;

		for (size_t i = 0; i + 1 < all->c; i += 2) {
			if (!strcmp(all->v[i]->s, "epoch"))
				epoch = (uint32_t)atoi(all->v[i + 1]->s);
		}
		node_claimed(n, c->a, c->hub);
		(void)owner_begun(n->o, c->hub, epoch);
		node_put(n, node_take(n, c->hub, epoch), true);
		reply(n, c->who, c->hub, c->b, true);
		sim_trace(n->s, "%s: has %s at epoch %u, moved", n->id, c->hub,
			  epoch);
	}
	node_wake(n);
}

static void asked(struct snode *n, const char *hub, uint32_t from,
		  const char *giver, uint32_t move)
{
	if (n->draining || n->leaving || !n->self.instance ||
	    owner_take(n->o, hub)) {
		reply(n, giver, hub, move, false);
		return;
	}
	if (node_claim(n, hub, from, false, claimed, giver, move)) {
		owner_released(n->o, hub);
		node_wake(n);
	}
}

void move_message(struct snode *n, const char *text)
{
	char hub[ULID_LEN + 1], giver[16];
	unsigned instance, move, ok;

	if (sscanf(text, "T %26s %u %15s %u", hub, &instance, giver, &move) ==
	    4)
		asked(n, hub, instance, giver, move);
	else if (sscanf(text, "R %26s %u %u", hub, &move, &ok) == 3)
		replied(n, hub, move, ok);
}
