/* SPDX-License-Identifier: MIT */
/* A node's hubs, as node/checkpoint.c and node/adopt.c have them: the real
 * protocol decides, the store's commands are sent on simulated wires. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/owner/sim.h"

enum {
	BUCKETS = 64,
	RETRY_US = 1000000,
	RESUME_US = 50000, /* until a re-INVITE tells who is gone */
};

/* For an event that concerns one life of a node. */
struct moment {
	struct snode *n;
	unsigned life;
	uint64_t at_us;
	char hub[ULID_LEN + 1];
};

bool node_lives(const struct snode *n)
{
	return n->life & 1;
}

bool node_runs(const struct snode *n)
{
	return node_lives(n) && n->paused_us <= n->s->now_us;
}

uint64_t node_ms(const struct snode *n)
{
	return n->s->now_us / SIM_MS;
}

static struct moment *moment(struct snode *n)
{
	struct moment *m = mem_zalloc(sizeof(*m), NULL);

	m->n = n;
	m->life = n->life;

	return m;
}

/* @return true: not now; it was put off, or its time is over. */
static bool put_off(struct sim *s, struct moment *m, sim_event_h *h)
{
	if (m->n->life != m->life)
		return true;
	if (m->n->paused_us <= s->now_us)
		return false;

	sim_at(s, m->n->paused_us + 1, h, mem_ref(m));

	return true;
}

/* ------------------------------------------------------------------ table */

static bool is_hub(struct le *le, void *arg)
{
	return !strcmp(((struct nhub *)le->data)->id, arg);
}

struct nhub *node_find(const struct snode *n, const char *hub)
{
	struct le *le =
	    hash_lookup(n->hubs, hash_joaat_str(hub), is_hub, (void *)hub);

	return le ? le->data : NULL;
}

static void nhub_destructor(void *arg)
{
	hash_unlink(&((struct nhub *)arg)->le);
}

static void bye_destructor(void *arg)
{
	list_unlink(&((struct bye *)arg)->le);
}

struct nhub *node_take(struct snode *n, const char *hub, uint32_t epoch)
{
	struct nhub *h = node_find(n, hub);

	if (!h) {
		h = mem_zalloc(sizeof(*h), nhub_destructor);
		str_ncpy(h->id, hub, sizeof(h->id));
		hash_append(n->hubs, hash_joaat_str(hub), &h->le, h);
		n->hubc++;
	}
	h->epoch = epoch;
	h->moving = false;

	return h;
}

void node_free_hub(struct snode *n, struct nhub *h)
{
	n->hubc--;
	mem_deref(h);
}

/* --------------------------------------------------------------- commands */

static int command(struct snode *n, int argc, const char *const *argv)
{
	const struct send snd = {.script = -1, .argc = argc, .argv = argv};

	return wire_send(n, WIRE_CMD, &snd);
}

static void set_command(struct snode *n, const char *name, uint32_t instance,
			const char *hub)
{
	char key[64];
	const char *argv[] = {name, key, hub};

	(void)re_snprintf(key, sizeof(key), "sy:owned:{%u}", instance);
	(void)command(n, 3, argv);
}

static void announce(struct snode *n)
{
	char text[16];
	const char *argv[] = {"HSET", "sy:owners", text, n->id};

	(void)re_snprintf(text, sizeof(text), "%u", n->self.instance);
	(void)command(n, 4, argv);
}

/* store_owned_add() */
static void name_hub(struct snode *n, const char *hub)
{
	announce(n);
	set_command(n, "SADD", n->self.instance, hub);
}

void node_claimed(struct snode *n, uint32_t from, const char *hub)
{
	if (from != n->self.instance)
		set_command(n, "SREM", from, hub);
}

void node_publish(struct snode *n, const char *channel, const char *text)
{
	const char *argv[] = {"PUBLISH", channel, text};

	(void)command(n, 3, argv);
}

/* ------------------------------------------------------------------
 * checkpoints */

static void put_handler(struct snode *n, int err, const struct val *v,
			const struct call *c)
{
	if (!err && v->type == VAL_STR)
		set_command(n, "SREM", (uint32_t)strtoul(v->s, NULL, 10),
			    c->hub);
	else if (!err && v->n < 1)
		err = !v->n ? ESTALE : v->n == -1 ? ENOENT : ENODATA;
	if (err && err != ESTALE && err != ENOENT)
		n->whole = true;
	owner_written(n->o, c->hub, c->a, err);
	node_wake(n);
}

void node_put(struct snode *n, struct nhub *h, bool first)
{
	char key[64], gone[64], epoch[16], instance[16];
	const char *argv[] = {
	    key, gone,	 epoch, n->id, instance, "86400", first ? "1" : "0",
	    "1", "call", "x"};
	const struct send snd = {.script = SCRIPT_HUB_PUT,
				 .keyc = 2,
				 .argc = ARRAY_SIZE(argv),
				 .argv = argv,
				 .h = put_handler,
				 .hub = h->id,
				 .a = h->epoch};
	const bool late = n->s->mut == MUT_NAME_LATE;

	(void)re_snprintf(key, sizeof(key), "sy:hub:{%s}", h->id);
	(void)re_snprintf(gone, sizeof(gone), "sy:gone:{%s}", h->id);
	(void)re_snprintf(epoch, sizeof(epoch), "%u", h->epoch);
	(void)re_snprintf(instance, sizeof(instance), "%u", n->self.instance);
	if (first && !late)
		name_hub(n, h->id);
	if (wire_send(n, WIRE_CMD, &snd))
		n->whole = true;
	if (first && late)
		name_hub(n, h->id);
}

static bool put_whole(struct le *le, void *arg)
{
	node_put(arg, le->data, true);

	return false;
}

/* -------------------------------------------------------------------------
 * ends */

/* One command after the other, each once the last was answered, as
 * proto/store_drop.c: record, what is left, set. */
static void bye_done(struct snode *n, const char *hub, uint32_t epoch, int err)
{
	for (struct le *le = n->byes.head; le; le = le->next) {
		struct bye *b = le->data;

		if (strcmp(b->id, hub) || b->epoch != epoch)
			continue;
		b->sent = false;
		if (!err)
			mem_deref(b);
		break;
	}
}

static void removed_handler(struct snode *n, int err, const struct val *v,
			    const struct call *c)
{
	(void)v;
	if (*c->who) { /* found by a claim */
		owner_claimed(n->o, c->hub, err ? err : ENOENT, 0, 0);
		node_wake(n);
		return;
	}
	if (!err)
		set_command(n, "SREM", n->self.instance, c->hub);
	bye_done(n, c->hub, c->a, err);
}

static void recorded_handler(struct snode *n, int err, const struct val *v,
			     const struct call *c)
{
	char key[64];
	const char *argv[] = {"DEL", key};
	const struct send snd = {.script = -1,
				 .argc = ARRAY_SIZE(argv),
				 .argv = argv,
				 .h = removed_handler,
				 .hub = c->hub,
				 .who = c->who,
				 .a = c->a};

	(void)re_snprintf(key, sizeof(key), "sy:end:{%s}", c->hub);
	if (err || wire_send(n, WIRE_CMD, &snd))
		removed_handler(n, err ? err : ENOTCONN, v, c);
}

/* What is left of a hub that has ended. */
static void finish(struct snode *n, const struct call *c, const char *who)
{
	const char *argv[] = {"sy:cdr", "{sy:cdr}:seen", c->hub, "200000",
			      "3600000", "record"};
	const struct send snd = {.script = SCRIPT_CDR_PUT,
				 .keyc = 2,
				 .argc = ARRAY_SIZE(argv),
				 .argv = argv,
				 .h = recorded_handler,
				 .hub = c->hub,
				 .who = who,
				 .a = c->a};
	struct call next = *c;

	str_ncpy(next.who, who, sizeof(next.who));
	if (wire_send(n, WIRE_CMD, &snd))
		removed_handler(n, ENOTCONN, NULL, &next);
}

static void drop_handler(struct snode *n, int err, const struct val *v,
			 const struct call *c)
{
	if (!err && (v->n || v->type == VAL_STR)) {
		finish(n, c, "");
		return;
	}
	if (!err) /* it is another's */
		set_command(n, "SREM", n->self.instance, c->hub);
	bye_done(n, c->hub, c->a, err);
}

static int send_drop(struct snode *n, const char *hub, uint32_t epoch,
		     bool first)
{
	char key[64], gone[64], end[64], text[16], instance[16];
	const char *argv[] = {key,      gone,  end,		   text,
			      instance, "120", first ? "end" : "", "86400"};
	const struct send snd = {.script = SCRIPT_HUB_DROP,
				 .keyc = 3,
				 .argc = ARRAY_SIZE(argv),
				 .argv = argv,
				 .h = drop_handler,
				 .hub = hub,
				 .a = epoch};

	(void)re_snprintf(key, sizeof(key), "sy:hub:{%s}", hub);
	(void)re_snprintf(gone, sizeof(gone), "sy:gone:{%s}", hub);
	(void)re_snprintf(end, sizeof(end), "sy:end:{%s}", hub);
	(void)re_snprintf(text, sizeof(text), "%u", epoch);
	(void)re_snprintf(instance, sizeof(instance), "%u", n->self.instance);
	if (first)
		name_hub(n, hub);

	return wire_send(n, WIRE_CMD, &snd);
}

void node_end(struct snode *n, struct nhub *h)
{
	struct bye *b = mem_zalloc(sizeof(*b), bye_destructor);

	str_ncpy(b->id, h->id, sizeof(b->id));
	b->epoch = h->epoch;
	list_append(&n->byes, &b->le, b);
	owner_ended(n->o, h->id);
	node_free_hub(n, h);
	b->sent = !send_drop(n, b->id, b->epoch, true);
}

int node_begin(struct snode *n, const char *hub)
{
	if (!wire_is_up(n) || !n->self.instance || n->draining || n->leaving)
		return ENOTCONN;

	(void)owner_begun(n->o, hub, 1);
	node_put(n, node_take(n, hub, 1), true);

	return 0;
}

void node_change(struct snode *n, struct nhub *h)
{
	if (!h->moving)
		node_put(n, h, false);
}

static void retry(struct snode *n)
{
	if (!wire_is_up(n))
		return;
	if (n->whole && n->s->mut != MUT_NO_REWRITE) {
		n->whole = false;
		(void)hash_apply(n->hubs, put_whole, n);
	}
	for (struct le *le = n->byes.head; le; le = le->next) {
		struct bye *b = le->data;

		if (!b->sent)
			b->sent = !send_drop(n, b->id, b->epoch, true);
	}
}

/* --------------------------------------------------------------- owner's
 * orders */

static size_t op_peers(struct owner_peer *peerv, size_t max, void *arg)
{
	struct snode *n = arg;
	struct sim *s = n->s;
	size_t k = 0;

	if (!s->shared)
		return member_table_peers(&n->table, s->now_us, peerv, max);

	for (unsigned i = 0; i < s->nodec && k < max; i++) {
		if (node_lives(&s->nodev[i]))
			peerv[k++] = (struct owner_peer){
			    .instance = s->nodev[i].self.instance, .room = 16};
	}

	return k;
}

static bool op_is_live(uint32_t instance, void *arg)
{
	struct snode *n = arg;

	return n->s->shared
		   ? sim_by_instance(n->s, instance) != NULL
		   : member_table_instance(&n->table, instance) != NULL;
}

static bool op_is_settled(void *arg)
{
	struct snode *n = arg;

	return n->s->shared || member_settled(n);
}

static void owned_handler(struct snode *n, int err, const struct val *v,
			  const struct call *c)
{
	const char **hubv =
	    mem_zalloc(((v ? v->c : 0) + 1) * sizeof(*hubv), NULL);

	for (size_t i = 0; v && i < v->c; i++)
		hubv[i] = v->v[i]->s;
	owner_owned(n->o, c->a, err, hubv, v ? v->c : 0);
	mem_deref((void *)hubv);
	node_wake(n);
}

/* Of a mutation: a question is asked once, or never. */
static bool is_mute(struct snode *n, uint32_t instance)
{
	bool *asked = &n->asked_once[instance % ARRAY_SIZE(n->asked_once)];
	const bool before = *asked;

	if (instance == n->self.instance)
		return n->s->mut == MUT_NO_CHECK;
	*asked = true;

	return n->s->mut == MUT_ONE_ROUND && before;
}

static int op_list_owned(uint32_t instance, void *arg)
{
	char key[64];
	const char *argv[] = {"SMEMBERS", key};
	const struct send snd = {.script = -1,
				 .argc = 2,
				 .argv = argv,
				 .h = owned_handler,
				 .a = instance};

	if (is_mute(arg, instance))
		return ENOTCONN;

	(void)re_snprintf(key, sizeof(key), "sy:owned:{%u}", instance);

	return wire_send(arg, WIRE_CMD, &snd);
}

static void owners_handler(struct snode *n, int err, const struct val *v,
			   const struct call *c)
{
	uint32_t instancev[2048];
	size_t k = 0;
	(void)c;

	for (size_t i = 0; v && i < v->c && k < ARRAY_SIZE(instancev); i += 2)
		instancev[k++] = (uint32_t)strtoul(v->v[i]->s, NULL, 10);
	owner_owners(n->o, err, instancev, k);
	node_wake(n);
}

static int op_list_owners(void *arg)
{
	static const char *const argv[] = {"HGETALL", "sy:owners"};
	const struct send snd = {
	    .script = -1, .argc = 2, .argv = argv, .h = owners_handler};
	struct snode *n = arg;

	if (n->s->mut == MUT_NO_SCAN)
		return ENOTCONN;

	return wire_send(n, WIRE_CMD, &snd);
}

/* The re-INVITEs of an adopted hub tell whether its peers are still there. */
static void resumed(struct sim *s, void *arg)
{
	struct moment *m = arg;
	struct nhub *h;

	if (put_off(s, m, resumed))
		return;
	h = node_find(m->n, m->hub);
	if (h && truth_find(s, m->hub)->hung && !h->moving)
		node_end(m->n, h);
}

static void adopted(struct snode *n, const char *hub, uint32_t epoch,
		    uint32_t from)
{
	struct snode *old = sim_by_instance(n->s, from);
	struct moment *m = moment(n);
	char channel[64], text[96];

	sim_trace(n->s, "%s: has %s at epoch %u, from %u", n->id, hub, epoch,
		  from);
	n->s->adopted++;
	node_put(n, node_take(n, hub, epoch), true);
	if (old && old != n) {
		(void)re_snprintf(channel, sizeof(channel), "%s%s",
				  BUS_CHANNEL_MEMBER, old->id);
		(void)re_snprintf(text, sizeof(text), "H %s %u", hub, epoch);
		node_publish(n, channel, text);
	}
	str_ncpy(m->hub, hub, sizeof(m->hub));
	sim_at(n->s, n->s->now_us + RESUME_US, resumed, m);
}

/* The epoch among the fields of a record. */
static uint32_t read_epoch(const struct val *all)
{
	for (size_t i = 0; i + 1 < all->c; i += 2) {
		if (!strcmp(all->v[i]->s, "epoch"))
			return (uint32_t)strtoul(all->v[i + 1]->s, NULL, 10);
	}

	return 0;
}

static void claim_handler(struct snode *n, int err, const struct val *v,
			  const struct call *c)
{
	uint32_t epoch = 0, who = 0;

	if (!err && v->v[0]->n > 0)
		epoch = read_epoch(v->v[1]);
	else if (!err)
		err = v->v[0]->n ? ENOENT : ESTALE;
	if (err == ENOENT && v && v->c > 1 && v->v[1]->type == VAL_STR) {
		finish(n, c, "claim");
		return;
	}
	if (err == ESTALE)
		who = (uint32_t)strtoul(v->v[1]->s, NULL, 10);
	if (!err)
		node_claimed(n, c->a, c->hub);
	owner_claimed(n->o, c->hub, err, epoch, who);
	if (!err)
		adopted(n, c->hub, epoch, c->a);
	node_wake(n);
}

int node_claim(struct snode *n, const char *hub, uint32_t from, bool dead,
	       call_h *h, const char *who, uint32_t b)
{
	char key[64], gone[64], end[64], owner[16], instance[16];
	const char *argv[] = {key,   gone,     end,	owner,
			      n->id, instance, "86400", dead ? "120" : "0"};
	const struct send snd = {.script = SCRIPT_HUB_CLAIM,
				 .keyc = 3,
				 .argc = ARRAY_SIZE(argv),
				 .argv = argv,
				 .h = h,
				 .hub = hub,
				 .who = who,
				 .a = from,
				 .b = b};

	(void)re_snprintf(key, sizeof(key), "sy:hub:{%s}", hub);
	(void)re_snprintf(gone, sizeof(gone), "sy:gone:{%s}", hub);
	(void)re_snprintf(end, sizeof(end), "sy:end:{%s}", hub);
	(void)re_snprintf(owner, sizeof(owner), "%u", from);
	(void)re_snprintf(instance, sizeof(instance), "%u", n->self.instance);
	name_hub(n, hub);

	return wire_send(n, WIRE_CMD, &snd);
}

static int op_claim(const char *hub, uint32_t from, void *arg)
{
	const struct snode *n = arg;

	return node_claim(arg, hub, from, from != n->self.instance,
			  claim_handler, NULL, 0);
}

static void op_let_go(const char *hub, void *arg)
{
	struct snode *n = arg;
	struct nhub *h = node_find(n, hub);

	sim_trace(n->s, "%s: lets %s go", n->id, hub);
	if (h && n->s->mut != MUT_KEEPS)
		node_free_hub(n, h);
}

static void op_write(const char *hub, void *arg)
{
	struct snode *n = arg;
	struct nhub *h = hub ? node_find(n, hub) : NULL;

	if (n->s->mut == MUT_NO_REWRITE)
		return;
	if (h)
		node_put(n, h, true);
	else if (!hub)
		(void)hash_apply(n->hubs, put_whole, n);
}

static void op_drop(const char *hub, uint32_t epoch, void *arg)
{
	(void)send_drop(arg, hub, epoch, false);
}

static void op_forget(uint32_t instance, const char *hub, void *arg)
{
	set_command(arg, "SREM", instance, hub);
}

static void op_announce(void *arg)
{
	announce(arg);
}

static void op_forget_owner(uint32_t instance, void *arg)
{
	char text[16];
	const char *argv[] = {"HDEL", "sy:owners", text};

	(void)re_snprintf(text, sizeof(text), "%u", instance);
	(void)command(arg, 3, argv);
}

static const struct owner_ops ops = {
    .peers = op_peers,
    .is_live = op_is_live,
    .is_settled = op_is_settled,
    .list_owned = op_list_owned,
    .list_owners = op_list_owners,
    .claim = op_claim,
    .let_go = op_let_go,
    .write = op_write,
    .drop = op_drop,
    .forget = op_forget,
    .announce = op_announce,
    .forget_owner = op_forget_owner,
};

/* ------------------------------------------------------------------- time */

static void wake(struct sim *s, void *arg)
{
	struct moment *m = arg;

	if (put_off(s, m, wake) || m->n->wake_us != m->at_us)
		return;
	node_wake(m->n);
}

void node_wake(struct snode *n)
{
	struct moment *m;
	const uint64_t at = n->s->now_us + owner_run(n->o, node_ms(n)) * SIM_MS;

	/* the time to run is the earliest that was named */
	if (n->wake_us > n->s->now_us && n->wake_us <= at)
		return;

	n->wake_us = at;
	m = moment(n);
	m->at_us = at;
	sim_at(n->s, at, wake, m);
}

static bool tick_hub(struct le *le, void *arg)
{
	move_tick(arg, le->data);

	return false;
}

static void tick(struct sim *s, void *arg)
{
	struct moment *m = arg;
	struct snode *n = m->n;

	if (put_off(s, m, tick))
		return;

	sim_at(s, s->now_us + MEMBER_WATCH_MS * SIM_MS, tick, mem_ref(m));
	wire_tick(n);
	member_tick(n);
	(void)hash_apply(n->hubs, tick_hub, n);
	if (s->now_us >= n->retry_us) {
		n->retry_us = s->now_us + RETRY_US;
		retry(n);
	}
}

void node_bus(struct snode *n)
{
	const bool up = wire_is_up(n);

	if (up == n->was_up)
		return;

	n->was_up = up;
	sim_trace(n->s, "%s: Redis is %s", n->id, up ? "there" : "away");
	owner_redis(n->o, up);
	node_wake(n);
}

void node_message(struct snode *n, const char *channel, const char *p,
		  size_t len)
{
	char hub[ULID_LEN + 1];
	unsigned epoch;

	if (!strcmp(channel, BUS_CHANNEL_MEMBERS)) {
		member_heard(n, p, len);
	} else if (sscanf(p, "H %26s %u", hub, &epoch) == 2) {
		owner_taken(n->o, hub, epoch);
		node_wake(n);
	} else {
		move_message(n, p);
	}
}

/* ------------------------------------------------------------------- life */

void node_start(struct snode *n)
{
	struct sim *s = n->s;
	const struct owner_conf conf = {.ops = &ops,
					.arg = n,
					.seed = s->rnd + n->idx,
					.scan_ms = s->scan_ms,
					.check_ms = s->check_ms};

	n->life++;
	n->paused_us = n->cut_us = 0;
	n->draining = n->leaving = n->was_up = n->whole = false;
	n->wake_us = 0;
	n->retry_us = s->now_us + sim_random(s, RETRY_US);
	memset(n->backoff_ms, 0, sizeof(n->backoff_ms));
	memset(n->asked_once, 0, sizeof(n->asked_once));
	member_init(n);
	if (owner_alloc(&n->o, &conf) || hash_alloc(&n->hubs, BUCKETS))
		abort();
	wire_open(n, WIRE_CMD);
	if (s->shared) {
		n->self.instance = n->idx + 1;
		owner_self(n->o, n->self.instance);
		return;
	}
	wire_open(n, WIRE_SUB);
	sim_at(s, s->now_us + sim_random(s, MEMBER_WATCH_MS * SIM_MS), tick,
	       moment(n));
}

void node_stop(struct snode *n, bool quietly)
{
	n->life++;
	wire_die(n, quietly);
	n->o = mem_deref(n->o);
	hash_flush(n->hubs);
	n->hubs = mem_deref(n->hubs);
	n->hubc = 0;
	list_flush(&n->byes);
	member_table_close(&n->table);
	truth_node_died(n->s);
}
