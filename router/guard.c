/* SPDX-License-Identifier: MIT */
/* The guard: who is listened to; see guard.h.  Who is banned, and why, is in
 * guard_ban.c. */

#include <errno.h>
#include <string.h>
#include "router/guard_impl.h"

static void destructor(void *arg)
{
	struct guard *g = arg;

	mem_deref(g->table);
	mem_deref(g->allow);
	mem_deref(g->deny);
	mem_deref(g->trunks);
	mem_deref(g->ports);
	mem_deref(g->members);
}

int guard_alloc(struct guard **gp, uint64_t seed, guard_ban_h *banh,
		guard_trunk_h *trunkh, void *arg)
{
	static const Sy__Config none = SY__CONFIG__INIT;
	struct guard *g = mem_zalloc(sizeof(*g), destructor);
	int err;

	if (!g)
		return ENOMEM;
	g->banh = banh;
	g->trunkh = trunkh;
	g->arg = arg;
	err = guard_table_alloc(&g->table, seed);
	if (!err)
		err = guard_configure(g, &none);
	if (err)
		mem_deref(g);
	else
		*gp = g;

	return err;
}

/* Of the whole /64 that an entry stands for: what lists and trunks name more
 * narrowly than that counts for all of it. */
static enum guard_standing standing(const struct guard *g,
				    const struct sa *from)
{
	struct config_net net;

	if (config_net_from_sa(&net, from))
		return GUARD_PLAIN;
	if (nets_has(g->allow, net.addr) || nets_has(g->trunks, net.addr))
		return GUARD_ALLOWED;
	if (nets_has(g->deny, net.addr))
		return GUARD_DENIED;
	if (nets_has(g->members, net.addr))
		return sa_is_loopback(from) ? GUARD_MEMBER : GUARD_ALLOWED;

	return nets_has(g->ports, net.addr) ? GUARD_PORTS : GUARD_PLAIN;
}

struct guard_entry *guard_source(struct guard *g, const struct sa *from,
				 uint64_t now_ms)
{
	struct guard_entry *e;
	struct guard_key key;

	guard_key_source(&key, from);
	e = guard_table_get(g->table, &key, now_ms);
	if (e->generation != g->generation) {
		e->standing = (uint8_t)standing(g, from);
		e->generation = g->generation;
	}

	return e;
}

bool guard_is_exempt(const struct guard *g, const struct guard_entry *e,
		     const struct sa *from)
{
	if (e->standing == GUARD_ALLOWED || g->rules.off)
		return true;
	if (e->standing == GUARD_PLAIN || e->standing == GUARD_DENIED)
		return false;

	/* a loopback address of members may have a trunk's port as well */
	return g->trunkh && g->trunkh(from, g->arg);
}

enum guard_look guard_look(struct guard *g, const struct sa *from,
			   uint64_t now_ms)
{
	struct guard_entry *e = guard_source(g, from, now_ms);
	enum guard_look look;

	if (e->standing == GUARD_DENIED)
		return GUARD_DROP_DENIED;
	if (e->until_ms > now_ms)
		look = GUARD_DROP_BANNED;
	else if (bucket_is_empty(&e->work, &g->rules.source, now_ms))
		look = GUARD_DROP_RATE;
	else
		return GUARD_READ;

	return guard_is_known(e, now_ms) || guard_is_exempt(g, e, from)
		       ? GUARD_READ
		       : look;
}

enum guard_look guard_work(struct guard *g, const struct sa *from,
			   bool credentials, uint64_t now_ms)
{
	struct guard_entry *e = guard_source(g, from, now_ms);

	if (guard_is_exempt(g, e, from))
		return GUARD_READ;
	if (e->until_ms > now_ms)
		return GUARD_DROP_BANNED;
	if (bucket_take(&e->work, &g->rules.source, now_ms))
		return GUARD_READ;

	return credentials && guard_is_known(e, now_ms) ? GUARD_READ
							: GUARD_DROP_RATE;
}

enum guard_look guard_keepalive(struct guard *g, const struct sa *from,
				uint64_t now_ms)
{
	struct guard_entry *e = guard_source(g, from, now_ms);

	if (guard_is_exempt(g, e, from))
		return GUARD_READ;
	if (guard_is_known(e, now_ms))
		return bucket_take(&e->tries, &g->rules.keepalives, now_ms)
			       ? GUARD_READ
			       : GUARD_DROP_RATE;
	if (e->until_ms > now_ms)
		return GUARD_DROP_BANNED;

	return bucket_take(&e->work, &g->rules.source, now_ms)
		       ? GUARD_READ
		       : GUARD_DROP_RATE;
}

void guard_junk(struct guard *g, const struct sa *from, uint64_t now_ms)
{
	struct guard_entry *e = guard_source(g, from, now_ms);

	(void)bucket_take(&e->work, &g->rules.source, now_ms);
}

void guard_known(struct guard *g, const struct sa *from, uint64_t now_ms)
{
	guard_source(g, from, now_ms)->good_ms = now_ms;
}

void guard_good(struct guard *g, const struct sa *from, uint64_t now_ms)
{
	struct guard_entry *e = guard_source(g, from, now_ms);

	e->good_ms = now_ms;
	bucket_give(&e->work, &g->rules.source, 2); /* and its challenge */
}

uint64_t guard_hash_bytes(const struct guard *g, const void *p, size_t len)
{
	return guard_hash(g->table, p, len);
}

bool guard_account(struct guard *g, const char *account, enum guard_act act,
		   uint64_t now_ms)
{
	struct guard_key key = {.kind = GUARD_ACCOUNT};
	struct guard_entry *e;

	if (g->rules.off)
		return true;
	key.name = guard_hash(g->table, account, strlen(account));
	if (act == GUARD_MESSAGE)
		key.name = ~key.name; /* an entry of their own */
	e = guard_table_get(g->table, &key, now_ms);

	switch (act) {

	case GUARD_REGISTER:
		return bucket_take(&e->work, &g->rules.registers, now_ms);
	case GUARD_MESSAGE:
		return bucket_take(&e->work, &g->rules.messages, now_ms);
	case GUARD_CALL:
	default:
		return bucket_take(&e->tries, &g->rules.calls, now_ms);
	}
}
