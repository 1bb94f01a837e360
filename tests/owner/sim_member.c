/* SPDX-License-Identifier: MIT */
/* A node's membership: what member_beat.c, member_look.c and member.c do with
 * the real table and watch, on simulated wires. */
#include <stdlib.h>
#include <string.h>
#include "proto/member_priv.h"
#include "tests/owner/sim.h"

enum { BEAT_US = 1000000 };

static void changed(const Sy__Member *m, bool gone, void *arg)
{
	struct snode *n = arg;

	if (gone && m->kind == SY__MEMBER_KIND__NODE) {
		sim_trace(n->s, "%s: %s/%u is gone", n->id, m->id, m->instance);
		owner_died(n->o, m->instance);
		node_wake(n);
	}
}

void member_init(struct snode *n)
{
	sy__member__init(&n->self);
	sy__load__init(&n->load);
	n->self.id = n->id;
	n->self.kind = SY__MEMBER_KIND__NODE;
	n->self.state = SY__MEMBER_STATE__LIVE;
	n->self.load = &n->load;
	member_table_init(&n->table, MEMBER_LEASE_MS, 1500, changed, n);
	memset(&n->watch, 0, sizeof(n->watch));
	n->ready = n->listing = n->beating = n->again = n->known = false;
	n->looking = n->conn_up = false;
	n->beaten_us = 0;
}

/* -------------------------------------------------------------- the table */

static void list_handler(struct snode *n, int err, const struct val *v,
			 const struct call *c)
{
	(void)c;

	n->listing = false;
	for (size_t i = 0; !err && i < v->c; i += 2) {
		Sy__Member *m = NULL;

		if (v->v[i + 1]->n >= 0) /* else it was removed */
			m = sy__member__unpack(NULL, v->v[i]->len,
					       (const uint8_t *)v->v[i]->s);
		if (!m)
			continue;
		member_table_learn(&n->table, m, n->s->now_us, 0);
		sy__member__free_unpacked(m, NULL);
	}
	n->ready = n->ready || !err;
}

static void read_table(struct snode *n)
{
	static const char *const argv[] = {MEMBER_KEY, MEMBER_KEY_LEASE};
	const struct send snd = {.script = SCRIPT_MEMBER_LIST,
				 .keyc = 2,
				 .argc = 2,
				 .argv = argv,
				 .h = list_handler};

	if (!n->listing)
		n->listing = !wire_send(n, WIRE_CMD, &snd);
}

void member_heard(struct snode *n, const char *p, size_t len)
{
	Sy__Envelope *env = sy__envelope__unpack(NULL, len, (const uint8_t *)p);
	const Sy__Heartbeat *hb = env->heartbeat;
	const Sy__Member *m = hb->member;

	if (!hb->leaving && !hb->died) {
		member_table_learn(&n->table, m, n->s->now_us, 0);
	} else {
		if (hb->died && m->instance == n->self.instance)
			member_beat_now(n);
		member_table_forget(&n->table, m->id, m->instance);
	}
	sy__envelope__free_unpacked(env, NULL);
}

/* ------------------------------------------------------------------ beats */

static void beat_handler(struct snode *n, int err, const struct val *v,
			 const struct call *c)
{
	(void)c;

	n->beating = false;
	if (err)
		return;

	member_table_answered(&n->table, n->s->now_us);
	if (!n->self.instance) {
		n->self.instance = (uint32_t)v->v[0]->n;
		n->again = true;
		owner_self(n->o, n->self.instance);
		sim_trace(n->s, "%s: instance %u", n->id, n->self.instance);
	} else {
		const bool forgotten = n->known && v->v[1]->n;

		n->known = true;
		if (forgotten) {
			sim_trace(n->s, "%s: was forgotten", n->id);
			owner_forgotten(n->o);
			node_wake(n);
		}
	}
	if (n->again)
		member_beat_now(n);
}

void member_beat_now(struct snode *n)
{
	size_t mlen = 0, elen = 0;
	char instance[16];
	uint8_t *p;

	if (n->leaving || !wire_is_up(n))
		return;
	n->again = n->beating;
	if (n->beating)
		return;

	n->self.state =
	    n->draining ? SY__MEMBER_STATE__DRAINING : SY__MEMBER_STATE__LIVE;
	n->load.hubs = (uint32_t)n->hubc;
	n->load.legs = (uint32_t)n->hubc * 2;
	n->self.beat++;
	p = member_pack(&n->self, n->id, MEMBER_BEATS, 0, &mlen, &elen);
	(void)re_snprintf(instance, sizeof(instance), "%u", n->self.instance);
	{
		const char *argv[] = {MEMBER_KEY,
				      MEMBER_KEY_LEASE,
				      MEMBER_KEY_INSTANCE,
				      n->id,
				      instance,
				      (char *)p,
				      "3000",
				      BUS_CHANNEL_MEMBERS,
				      (char *)p + mlen};
		size_t lenv[ARRAY_SIZE(argv)];
		struct send snd = {.script = SCRIPT_MEMBER_BEAT,
				   .keyc = 3,
				   .argc = ARRAY_SIZE(argv),
				   .argv = argv,
				   .lenv = lenv,
				   .h = beat_handler};

		for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
			lenv[i] = i == 5   ? mlen
				  : i == 8 ? elen
					   : strlen(argv[i]);
		n->beating = !wire_send(n, WIRE_CMD, &snd);
	}
	if (n->beating)
		n->beaten_us = n->s->now_us;
	mem_deref(p);
}

void member_end(struct snode *n, bool died)
{
	size_t mlen = 0, elen = 0;
	char instance[16];
	uint8_t *p =
	    member_pack(&n->self, n->id, died ? MEMBER_DIED : MEMBER_LEAVES, 0,
			&mlen, &elen);

	n->leaving = true;
	(void)re_snprintf(instance, sizeof(instance), "%u", n->self.instance);
	{
		const char *argv[] = {
		    MEMBER_KEY, MEMBER_KEY_LEASE,    n->id,
		    instance,	BUS_CHANNEL_MEMBERS, (char *)p + mlen};
		const size_t lenv[] = {strlen(argv[0]), strlen(argv[1]),
				       strlen(argv[2]), strlen(argv[3]),
				       strlen(argv[4]), elen};
		const struct send snd = {.script = SCRIPT_MEMBER_LEAVE,
					 .keyc = 2,
					 .argc = 6,
					 .argv = argv,
					 .lenv = lenv};

		(void)wire_send(n, WIRE_CMD, &snd);
	}
	mem_deref(p);
}

/* -------------------------------------------------------------------
 * neighbours */

static void declare(struct snode *n, const Sy__Member *m)
{
	size_t mlen = 0, elen = 0;
	char instance[16], channel[64];
	uint8_t *p = member_pack(m, n->id, MEMBER_DIED, 0, &mlen, &elen);

	sim_trace(n->s, "%s: nobody listens at %s", n->id, m->id);
	(void)re_snprintf(instance, sizeof(instance), "%u", m->instance);
	(void)re_snprintf(channel, sizeof(channel), "%s%s", BUS_CHANNEL_MEMBER,
			  m->id);
	{
		const char *argv[] = {
		    MEMBER_KEY, MEMBER_KEY_LEASE,    m->id,	      instance,
		    channel,	BUS_CHANNEL_MEMBERS, (char *)p + mlen};
		size_t lenv[ARRAY_SIZE(argv)];
		const struct send snd = {.script = SCRIPT_MEMBER_DIED,
					 .keyc = 2,
					 .argc = ARRAY_SIZE(argv),
					 .argv = argv,
					 .lenv = lenv};

		for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
			lenv[i] = i == 6 ? elen : strlen(argv[i]);
		(void)wire_send(n, WIRE_CMD, &snd);
	}
	mem_deref(p);
}

bool member_settled(const struct snode *n)
{
	if (n->s->mut == MUT_NO_SETTLE)
		return wire_is_up(n);

	return wire_is_up(n) &&
	       member_table_is_settled(&n->table, n->s->now_us);
}

static void look_handler(struct snode *n, int err, const struct val *v,
			 const struct call *c)
{
	const size_t prefix = strlen(BUS_CHANNEL_MEMBER);
	(void)c;

	n->looking = false;
	if (err || !member_settled(n)) {
		member_watch_reset(&n->watch);
		return;
	}
	for (size_t i = 0; i + 1 < v->c; i += 2) {
		const char *id = v->v[i]->s + prefix;
		const struct member_entry *e = member_table_find(&n->table, id);

		if (e &&
		    member_watch_saw(&n->watch, id, e->m->instance,
				     (uint64_t)v->v[i + 1]->n, n->s->now_us))
			declare(n, e->m);
	}
}

/* Asked for only when somebody whom we know is missing: so the simulation is
 * fast. */
static bool is_anybody_missing(const struct snode *n)
{
	for (struct le *le = n->table.l.head; le; le = le->next) {
		const struct member_entry *e = le->data;
		const struct wire *w =
		    n->s->nodev[atoi(e->m->id + 1)].w[WIRE_SUB];

		if (!w || !w->subscribed)
			return true;
	}

	return false;
}

static void look(struct snode *n)
{
	char channel[MEMBER_WATCH_MAX][64];
	const char *argv[2 + MEMBER_WATCH_MAX] = {"PUBSUB", "NUMSUB"};
	const bool asked = is_anybody_missing(n);
	struct send snd = {.script = -1, .argv = argv, .h = look_handler};

	if (n->looking || !n->self.instance || n->leaving)
		return;
	if (!member_settled(n) || !asked) {
		member_watch_reset(&n->watch);
		return;
	}
	snd.argc = 2 + (int)member_watch_pick(&n->watch, &n->table, n->id);
	for (int i = 2; i < snd.argc; i++) {
		(void)re_snprintf(channel[i - 2], sizeof(channel[0]), "%s%s",
				  BUS_CHANNEL_MEMBER, n->watch.v[i - 2].id);
		argv[i] = channel[i - 2];
	}
	if (snd.argc > 2)
		n->looking = !wire_send(n, WIRE_CMD, &snd);
}

/* ------------------------------------------------------------------- tick */

/* Every MEMBER_WATCH_MS. */
void member_tick(struct snode *n)
{
	const uint64_t now = n->s->now_us;
	const bool up = wire_is_up(n);

	if (up && !n->conn_up) {
		n->beaten_us = 0;
		read_table(n);
	}
	n->conn_up = up;
	member_table_redis(&n->table, up, now);
	if (up && !n->ready)
		read_table(n);
	if (up && !n->beating &&
	    (!n->beaten_us || now - n->beaten_us >= BEAT_US))
		member_beat_now(n);
	look(n);
	if (n->s->mut == MUT_NO_SETTLE && up)
		n->table.up_us = 1;
	member_table_expire(&n->table, now);
}
