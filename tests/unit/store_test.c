/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
#include "redis_fixture.h"
#include "proto/bus.h"
#include "proto/script.h"
#include "proto/store.h"

#define HUB_A "01ARYZ6S41TSV4RRFFQ69G5FAA"
#define HUB_B "01ARYZ6S41TSV4RRFFQ69G5FAB"
#define HUB_C "01ARYZ6S41TSV4RRFFQ69G5FAC"

enum { LEGS_MAX = 1203 };

struct client {
	struct fixture *f;
	struct redis *r;
	int up;
	int done, err;             /* handlers called, last error  */
	struct store_place pl;
	Sy__Call *call;
	uint64_t count;
	char ids[512];             /* of a page, each with a blank */
	char next[64];
	char contacts[512];        /* of a registration, likewise  */
	float mos;                 /* of the last leg listed       */
	bool changes;              /* hub_put() writes no first    */
	struct store_series *series;
	char owned[512];           /* last letters of ids, sorted  */
	char owners[256];          /* "instance=node " each        */
	struct {
		uint32_t epoch, owner, ref_last;
		size_t legs, dlgs;
		bool state, readable;
		char node[64], tag[16];
	} claim;
};

static void state_handler(bool up, int err, void *arg)
{
	(void)err;
	((struct client *)arg)->up = up;
}

static void client_open(struct client *c, struct fixture *f)
{
	memset(c, 0, sizeof(*c));
	c->f = f;
	assert_int_equal(redis_alloc(&c->r, f->loop, f->url, state_handler,
				     c), 0);
	run_until(f, is_nonzero, &c->up);
}

static void client_close(struct client *c)
{
	if (c->call)
		sy__call__free_unpacked(c->call, NULL);
	mem_deref(c->r);
}

/* Wait for the one handler of what was just asked. */
static int answered(struct client *c, int err)
{
	assert_int_equal(err, 0);
	run_until(c->f, is_nonzero, &c->done);
	assert_int_equal(c->done, 1);
	c->done = 0;

	return c->err;
}

/* ------------------------------------------------------------- placement */

static void place_handler(int err, const struct store_place *pl, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	memset(&c->pl, 0, sizeof(c->pl));
	if (pl)
		c->pl = *pl;
	assert_int_equal(!pl, err != 0);
}

static int place(struct client *c, const char *call_id, const char *room,
		 const char *hub, const char *node, uint32_t instance,
		 uint32_t leg, const char *not_node, uint32_t not_instance)
{
	const struct store_place_req req = {
		.call_id = call_id,
		.room = room,
		.hub = hub,
		.node = node,
		.instance = instance,
		.leg = leg,
		.not_node = not_node,
		.not_instance = not_instance,
	};

	return answered(c, store_place(c->r, &req, place_handler, c));
}

static void assert_place(const struct client *c, const char *hub,
			 const char *node, uint32_t instance, uint32_t epoch,
			 uint32_t leg, bool fresh)
{
	assert_string_equal(c->pl.hub, hub);
	assert_string_equal(c->pl.node, node);
	assert_int_equal(c->pl.instance, instance);
	assert_int_equal(c->pl.epoch, epoch);
	assert_int_equal(c->pl.leg, leg);
	assert_int_equal(c->pl.fresh, fresh);
}

static void test_place(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(answered(&c, store_place_get(c.r, "id@1",
						      place_handler, &c)),
			 ENOENT);
	assert_int_equal(place(&c, "id@1", NULL, HUB_A, "node-1", 7, 11, NULL,
			       0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 11, true);

	/* whoever asks later, with another proposal: the same answer */
	assert_int_equal(place(&c, "id@1", NULL, HUB_B, "node-2", 8, 12, NULL,
			       0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 11, false);
	assert_int_equal(answered(&c, store_place_get(c.r, "id@1",
						      place_handler, &c)), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 11, false);

	/* another call is another call */
	assert_int_equal(place(&c, "id@2", NULL, HUB_B, "node-2", 8, 12, NULL,
			       0), 0);
	assert_place(&c, HUB_B, "node-2", 8, 1, 12, true);

	/* none of it stays for ever */
	assert_int_equal(server_ask(c.f, "EVAL %s 0",
		"local n = 0 for _, k in ipairs(redis.call('KEYS', '*')) do "
		"local t = redis.call('TTL', k) "
		"if t < 1 or t > 300 then n = n + 1 end end return n"), 0);
	client_close(&c);
}

/* A node that refused or died is replaced once: of two routers that say so,
 * the second finds what the first has chosen. */
static void test_place_not(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(place(&c, "id", NULL, HUB_A, "node-1", 7, 11, NULL,
			       0), 0);
	/* another instance of that node is meant: it stays */
	assert_int_equal(place(&c, "id", NULL, HUB_B, "node-2", 8, 12,
			       "node-1", 6), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 11, false);

	assert_int_equal(place(&c, "id", NULL, HUB_B, "node-2", 8, 12,
			       "node-1", 7), 0);
	assert_string_equal(c.pl.node, "node-2");
	assert_int_equal(c.pl.instance, 8);
	assert_int_equal(c.pl.epoch, 2);
	assert_true(c.pl.fresh);
	assert_int_equal(place(&c, "id", NULL, HUB_C, "node-3", 9, 13,
			       "node-1", 7), 0);
	assert_string_equal(c.pl.node, "node-2");
	assert_int_equal(c.pl.epoch, 2);
	assert_false(c.pl.fresh);
	client_close(&c);
}

static int drop_and_get(struct client *c, const char *call_id,
			const char *hub)
{
	assert_int_equal(store_place_drop(c->r, call_id, hub), 0);

	return answered(c, store_place_get(c->r, call_id, place_handler, c));
}

static void test_place_drop(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(place(&c, "id", NULL, HUB_A, "node-1", 7, 11, NULL,
			       0), 0);
	assert_int_equal(drop_and_get(&c, "id", HUB_B), 0); /* not ours */
	assert_int_equal(drop_and_get(&c, "id", HUB_A), ENOENT);
	assert_int_equal(drop_and_get(&c, "id", HUB_A), ENOENT);
	assert_int_equal(server_ask(c.f, "DBSIZE"), 0);
	client_close(&c);
}

/* All calls into a room share its hub; each has a PlaceHub of its own. */
static void test_place_room(void **state)
{
	struct store_place pl = {
		.hub = HUB_A, .node = "node-1", .instance = 7, .epoch = 3,
		.leg = 20};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(place(&c, "id@1", "lobby", HUB_A, "node-1", 7, 11,
			       NULL, 0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 11, true);
	assert_int_equal(place(&c, "id@2", "lobby", HUB_B, "node-2", 8, 12,
			       NULL, 0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 12, true);
	assert_int_equal(place(&c, "id@2", "lobby", HUB_C, "node-2", 8, 13,
			       NULL, 0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 12, false);
	assert_int_equal(place(&c, "id@3", "attic", HUB_B, "node-2", 8, 14,
			       NULL, 0), 0);
	assert_place(&c, HUB_B, "node-2", 8, 1, 14, true);

	/* its node is gone: the room moves, with all who come again */
	assert_int_equal(place(&c, "id@1", "lobby", HUB_C, "node-2", 8, 15,
			       "node-1", 7), 0);
	assert_string_equal(c.pl.node, "node-2");
	assert_int_equal(c.pl.epoch, 2);
	assert_true(c.pl.fresh);
	{
		char hub[ULID_LEN + 1];

		strcpy(hub, c.pl.hub);
		assert_int_equal(place(&c, "id@2", "lobby", HUB_A, "node-3",
				       9, 16, "node-1", 7), 0);
		assert_string_equal(c.pl.hub, hub);
		assert_string_equal(c.pl.node, "node-2");
		assert_int_equal(c.pl.epoch, 2);
		assert_true(c.pl.fresh);

		/* only who names the right hub keeps or drops it */
		assert_int_equal(store_room_drop(c.r, "lobby", HUB_B), 0);
		assert_int_equal(store_room_keep(c.r, "lobby", hub), 0);
		assert_int_equal(place(&c, "id@4", "lobby", HUB_A, "node-1",
				       7, 17, NULL, 0), 0);
		assert_string_equal(c.pl.hub, hub);
		assert_int_equal(store_room_drop(c.r, "lobby", hub), 0);
	}
	assert_int_equal(place(&c, "id@5", "lobby", HUB_A, "node-1", 7, 18,
			       NULL, 0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 1, 18, true);

	/* Redis lost it all: the owner writes it again, others do not */
	assert_int_equal(server_ask(c.f, "FLUSHALL"), 0);
	assert_int_equal(store_room_keep(c.r, "lobby", HUB_A), 0);
	assert_int_equal(store_room_put(c.r, "lobby", HUB_A, "node-1", 7, 3),
			 0);
	assert_int_equal(store_room_put(c.r, "lobby", HUB_B, "node-2", 8, 9),
			 0);
	assert_int_equal(place(&c, "id@6", "lobby", HUB_C, "node-3", 9, 19,
			       NULL, 0), 0);
	assert_place(&c, HUB_A, "node-1", 7, 3, 19, true);

	/* a caller's placement likewise, but what stands there stays */
	assert_int_equal(store_place_put(c.r, "id@7", &pl), 0);
	pl.epoch = 9;
	assert_int_equal(store_place_put(c.r, "id@7", &pl), 0);
	assert_int_equal(answered(&c, store_place_get(c.r, "id@7",
						      place_handler, &c)),
			 0);
	assert_place(&c, HUB_A, "node-1", 7, 3, 20, false);
	client_close(&c);
}

/* Redis forgot the scripts: nobody notices. */
static void test_script_flush(void **state)
{
	struct client c;

	client_open(&c, *state);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(server_ask(c.f, "SCRIPT FLUSH"), 0);
		assert_int_equal(place(&c, "id", NULL, HUB_A, "node-1", 7, 11,
				       NULL, 0), 0);
		assert_place(&c, HUB_A, "node-1", 7, 1, 11, i == 0);
	}
	/* now it is known there: by digest alone */
	script_load_all(c.r);
	assert_int_equal(place(&c, "id", NULL, HUB_A, "node-1", 7, 11, NULL,
			       0), 0);
	client_close(&c);
}

static void test_not_connected(void **state)
{
	const struct store_place_req req = {
		.call_id = "id", .hub = HUB_A, .node = "node-1"};
	struct client c;

	client_open(&c, *state);
	server_signal(c.f, SIGSTOP);
	assert_int_equal(store_place(c.r, &req, place_handler, &c), 0);
	server_kill(c.f);
	run_until(c.f, is_nonzero, &c.done);
	assert_int_equal(c.err, ENOTCONN);
	assert_int_equal(c.done, 1);
	assert_int_equal(store_place(c.r, &req, place_handler, &c), ENOTCONN);
	assert_int_equal(store_place_drop(c.r, "id", HUB_A), ENOTCONN);
	assert_int_equal(c.done, 1);
	client_close(&c);
}

/* ------------------------------------------------------------------ hubs */

static void write_handler(int err, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
}

static void call_handler(int err, Sy__Call *call, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	assert_int_equal(!call, err != 0);
	if (c->call)
		sy__call__free_unpacked(c->call, NULL);
	c->call = call;
}

static void calls_handler(int err, Sy__Call *const *callv, size_t callc,
			  const char *next, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	c->ids[0] = '\0';
	for (size_t i = 0; i < callc; i++) {
		size_t n = strlen(c->ids);

		snprintf(c->ids + n, sizeof(c->ids) - n, "%s:%zu ",
			 callv[i]->id + ULID_LEN - 1, callv[i]->n_legs);
		if (callv[i]->n_legs)
			c->mos = callv[i]->legs[callv[i]->n_legs - 1]->mos;
	}
	snprintf(c->next, sizeof(c->next), "%s", next ? next : "");
}

static void count_handler(int err, uint64_t count, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	c->count = count;
}

static int hub_put(struct client *c, const char *hub, uint32_t epoch,
		   uint32_t instance, const char *const *legs, size_t legc,
		   const char *const *dropv, size_t dropc)
{
	Sy__Call call = SY__CALL__INIT;
	static Sy__Leg leg[LEGS_MAX], *legv[LEGS_MAX];
	static Sy__DialogState dlg[LEGS_MAX], *dlgv[LEGS_MAX];
	const struct store_hub_put put = {
		.hub = hub, .epoch = epoch, .node = "node-1",
		.instance = instance, .first = !c->changes, .call = &call,
		.legv = (const Sy__Leg *const *)legv, .legc = legc,
		.dlgv = (const Sy__DialogState *const *)dlgv, .dlgc = legc,
		.dropv = dropv, .dropc = dropc,
	};

	assert_in_range(legc, 0, LEGS_MAX);
	call.id = (char *)hub;
	call.epoch = epoch;
	for (size_t i = 0; i < legc; i++) {
		sy__leg__init(&leg[i]);
		leg[i].id = (char *)legs[i];
		leg[i].user = (char *)"1001";
		legv[i] = &leg[i];
		sy__dialog_state__init(&dlg[i]);
		dlg[i].leg = (char *)legs[i];
		dlgv[i] = &dlg[i];
	}
	/* its legs are ignored here */
	call.n_legs = legc;
	call.legs = legv;

	return answered(c, store_hub_put(c->r, &put, write_handler, c));
}

static int hub_get(struct client *c, const char *hub)
{
	return answered(c, store_hub_get(c->r, hub, call_handler, c));
}

static int hub_drop(struct client *c, const char *hub, uint32_t epoch,
		    bool record)
{
	Sy__CallRecord rec = SY__CALL_RECORD__INIT;
	Sy__HubEnd end = SY__HUB_END__INIT;
	Sy__Call call = SY__CALL__INIT;
	char *cid = (char *)"call-1@phone";

	call.id = (char *)hub;
	rec.call = &call;
	end.record = &rec;
	end.call_ids = &cid;
	end.n_call_ids = 1;
	end.room = (char *)"lobby";

	return answered(c, store_hub_drop(c->r, hub, epoch, "n", 7,
					  record ? &end : NULL, write_handler,
					  c));
}

static void test_hub(void **state)
{
	static const char *const legs[] = {"leg-2", "leg-1"};
	static const char *const drop[] = {"leg-2"};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(hub_get(&c, HUB_A), ENOENT);
	assert_int_equal(store_hub_get(c.r, "no ULID", call_handler, &c),
			 ENOENT);
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, legs, 2, NULL, 0), 0);
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_string_equal(c.call->id, HUB_A);
	assert_int_equal(c.call->n_legs, 2);
	assert_string_equal(c.call->legs[0]->id, "leg-1");
	assert_string_equal(c.call->legs[1]->id, "leg-2");
	assert_string_equal(c.call->legs[1]->user, "1001");
	/* call, epoch, owner, node, and two fields a leg */
	assert_int_equal(server_ask(c.f, "HLEN sy:hub:{%s}", HUB_A), 8);
	assert_true(server_ask(c.f, "TTL sy:hub:{%s}", HUB_A) > 86000);

	assert_int_equal(hub_put(&c, HUB_A, 1, 7, NULL, 0, drop, 1), 0);
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_int_equal(c.call->n_legs, 1);
	assert_string_equal(c.call->legs[0]->id, "leg-1");
	assert_int_equal(server_ask(c.f, "HLEN sy:hub:{%s}", HUB_A), 6);

	assert_int_equal(hub_drop(&c, HUB_A, 1, true), 0);
	assert_int_equal(hub_get(&c, HUB_A), ENOENT);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
	/* the history, who is in it, the tombstone, and the owners */
	assert_int_equal(server_ask(c.f, "DBSIZE"), 4);
	/* a hub that Redis does not know leaves a record too */
	assert_int_equal(hub_drop(&c, HUB_B, 1, true), 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 2);
	assert_int_equal(hub_drop(&c, HUB_B, 1, false), 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 2);
	client_close(&c);
}

/* The reply to a drop was lost: it comes again, with and without a tombstone,
 * and the record is there once.  One that could not be written is told. */
static void test_record_once(void **state)
{
	struct client c;

	client_open(&c, *state);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(hub_drop(&c, HUB_A, 1, true), 0);
		assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
		server_ask(c.f, "DEL sy:gone:{%s}", HUB_A);
	}
	assert_int_equal(server_ask(c.f, "ZCARD {sy:cdr}:seen"), 1);

	server_ask(c.f, "CONFIG SET min-replicas-to-write 1");
	assert_int_equal(hub_drop(&c, HUB_B, 1, true), EAGAIN);
	server_ask(c.f, "CONFIG SET min-replicas-to-write 0");
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
	assert_int_equal(hub_drop(&c, HUB_B, 1, true), 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 2);

	/* an id is forgotten with its record */
	server_ask(c.f, "ZADD {sy:cdr}:seen 1 %s", HUB_A);
	assert_int_equal(hub_drop(&c, "01ARZ3NDEKTSV4RRFFQ69G5FAX", 1, true),
			 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 3);
	assert_int_equal(server_ask(c.f, "ZCARD {sy:cdr}:seen"), 2);
	client_close(&c);
}

/* More legs than a call of a script takes arguments for at once. */
static void test_hub_large(void **state)
{
	enum { LEGS = LEGS_MAX };
	static char id[LEGS][16];
	static const char *legs[LEGS];
	struct client c;

	client_open(&c, *state);
	for (size_t i = 0; i < LEGS; i++) {
		snprintf(id[i], sizeof(id[i]), "leg-%04zu", i);
		legs[i] = id[i];
	}
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, legs, LEGS, NULL, 0), 0);
	assert_int_equal(server_ask(c.f, "HLEN sy:hub:{%s}", HUB_A),
			 4 + 2 * LEGS);
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_int_equal(c.call->n_legs, LEGS);
	assert_string_equal(c.call->legs[LEGS - 1]->id, "leg-1202");
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, NULL, 0, legs, LEGS - 1), 0);
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_int_equal(c.call->n_legs, 1);
	assert_string_equal(c.call->legs[0]->id, "leg-1202");
	client_close(&c);
}

/* Who was replaced changes nothing any more, and leaves no history. */
static void test_hub_fence(void **state)
{
	static const char *const one[] = {"leg-1"}, *const two[] = {"leg-2"};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, one, 1, NULL, 0), 0);
	assert_int_equal(hub_put(&c, HUB_A, 2, 8, NULL, 0, NULL, 0), 0);
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, two, 1, one, 1), ESTALE);
	assert_int_equal(hub_put(&c, HUB_A, 2, 7, two, 1, one, 1), ESTALE);
	assert_int_equal(hub_drop(&c, HUB_A, 1, true), ESTALE);
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_int_equal(c.call->epoch, 2);
	assert_int_equal(c.call->n_legs, 1);
	assert_string_equal(c.call->legs[0]->id, "leg-1");
	assert_int_equal(server_ask(c.f, "EXISTS sy:cdr"), 0);
	assert_int_equal(server_ask(c.f, "ZCARD sy:hubs"), 1);

	assert_int_equal(hub_put(&c, HUB_A, 2, 8, two, 1, NULL, 0), 0);
	/* the epoch of another process is not ours */
	assert_int_equal(hub_drop(&c, HUB_A, 2, true), ESTALE);
	assert_int_equal(hub_put(&c, HUB_A, 3, 7, two, 1, NULL, 0), 0);
	assert_int_equal(hub_drop(&c, HUB_A, 3, true), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:hubs"), 0);
	client_close(&c);
}

/* What was long under way does not bring an ended hub back. */
static void test_hub_gone(void **state)
{
	static const char *const one[] = {"leg-1"};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(hub_put(&c, HUB_A, 2, 7, one, 1, NULL, 0), 0);
	assert_int_equal(hub_drop(&c, HUB_A, 2, false), 0);
	assert_in_range(server_ask(c.f, "TTL sy:gone:{%s}", HUB_A), 100,
			STORE_GONE_TTL_S);
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, one, 1, NULL, 0), ENOENT);
	assert_int_equal(hub_put(&c, HUB_A, 9, 8, one, 1, NULL, 0), ENOENT);
	assert_int_equal(hub_get(&c, HUB_A), ENOENT);
	/* nor does a change make half a record */
	c.changes = true;
	assert_int_equal(hub_put(&c, HUB_B, 1, 7, one, 1, NULL, 0), ENODATA);
	assert_int_equal(hub_get(&c, HUB_B), ENOENT);
	/* the same end again is the same end; an older one is not */
	assert_int_equal(hub_drop(&c, HUB_A, 2, true), 0);
	assert_int_equal(hub_drop(&c, HUB_A, 1, true), ESTALE);
	client_close(&c);
}

/* ------------------------------------------------------------- ownership */

static int letter_cmp(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

static void owned_handler(int err, const char *const *hubv, size_t hubc,
			  void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	memset(c->owned, 0, sizeof(c->owned));
	for (size_t i = 0; i < hubc; i++)
		c->owned[i] = hubv[i][ULID_LEN - 1];
	qsort(c->owned, hubc, 1, letter_cmp);
}

static const char *owned(struct client *c, uint32_t instance)
{
	assert_int_equal(answered(c, store_owned_list(c->r, instance,
						      owned_handler, c)), 0);

	return c->owned;
}

static void owners_handler(int err, const struct store_owner *ownerv,
			   size_t ownerc, void *arg)
{
	struct client *c = arg;
	size_t n = 0;

	c->done++;
	c->err = err;
	c->owners[0] = '\0';
	for (size_t i = 0; i < ownerc; i++)
		n += (size_t)snprintf(c->owners + n, sizeof(c->owners) - n,
				      "%u=%s ", ownerv[i].instance,
				      ownerv[i].node);
}

static const char *owners(struct client *c)
{
	assert_int_equal(answered(c, store_owners_list(c->r, owners_handler,
						       c)), 0);

	return c->owners;
}

static void claim_handler(int err, const struct store_claim *cl, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	memset(&c->claim, 0, sizeof(c->claim));
	if (!cl)
		return;

	c->claim.epoch = cl->epoch;
	c->claim.owner = cl->owner;
	c->claim.dlgs = cl->dlgc;
	if (cl->call) {
		c->claim.readable = true;
		c->claim.legs = cl->call->n_legs;
		strcpy(c->claim.node, cl->call->node);
	}
	if (cl->dlgc)
		strcpy(c->claim.tag, cl->dlgv[0]->local_tag);
	if (cl->state) {
		c->claim.state = true;
		c->claim.ref_last = cl->state->ref_last;
	}
}

static int claim(struct client *c, const char *hub, uint32_t from,
		 const char *node, uint32_t instance)
{
	return answered(c, store_hub_claim(c->r, hub, from, from != instance, node,
					   instance, claim_handler, c));
}

/* A hub as its owner, node-1 of instance 7, writes it first. */
static int whole_put(struct client *c, const char *hub, uint32_t epoch)
{
	Sy__Call call = SY__CALL__INIT;
	Sy__HubState hs = SY__HUB_STATE__INIT;
	Sy__Leg leg = SY__LEG__INIT;
	Sy__DialogState dlg = SY__DIALOG_STATE__INIT;
	const Sy__Leg *legv[] = {&leg};
	const Sy__DialogState *dlgv[] = {&dlg};
	const struct store_hub_put put = {
		.hub = hub, .epoch = epoch, .node = "node-1", .instance = 7,
		.first = true, .call = &call, .state = &hs,
		.legv = legv, .legc = 1, .dlgv = dlgv, .dlgc = 1,
	};

	call.id = (char *)hub;
	call.node = (char *)"node-1";
	hs.ref_last = 42;
	leg.id = dlg.leg = (char *)"leg-1";
	dlg.local_tag = (char *)"ltag";

	return answered(c, store_hub_put(c->r, &put, write_handler, c));
}

/* Of two that claim from the same process one gets it, with all that was
 * written; who had it writes no more. */
static void test_claim(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(whole_put(&c, HUB_A, 4), 0);
	assert_int_equal(claim(&c, HUB_A, 7, "node-2", 8), 0);
	assert_int_equal(c.claim.epoch, 5);
	assert_int_equal(c.claim.legs, 1);
	assert_int_equal(c.claim.dlgs, 1);
	assert_string_equal(c.claim.tag, "ltag");
	assert_string_equal(c.claim.node, "node-1");
	assert_true(c.claim.state);
	assert_int_equal(c.claim.ref_last, 42);
	assert_int_equal(server_ask(c.f, "HGET sy:hub:{%s} node", HUB_A), 6);

	/* who asks hears at once whose it is */
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_string_equal(c.call->node, "node-2");
	assert_int_equal(c.call->epoch, 5);
	assert_int_equal(c.call->instance, 8);

	assert_int_equal(claim(&c, HUB_A, 7, "node-3", 9), ESTALE);
	assert_int_equal(c.claim.owner, 8);
	assert_false(c.claim.readable);
	assert_int_equal(whole_put(&c, HUB_A, 4), ESTALE);
	assert_int_equal(hub_drop(&c, HUB_A, 4, true), ESTALE);

	/* the reply was lost: from ourselves */
	assert_int_equal(claim(&c, HUB_A, 8, "node-2", 8), 0);
	assert_int_equal(c.claim.epoch, 6);
	/* ... and back */
	assert_int_equal(claim(&c, HUB_A, 8, "node-1", 7), 0);
	assert_int_equal(c.claim.epoch, 7);
	assert_int_equal(whole_put(&c, HUB_A, 7), 0);
	client_close(&c);
}

/* The owner of a hub dies as it ends it: all that it left undone is done by
 * who claims the hub, once. */
static void test_claim_ended(void **state)
{
	struct store_place pl = {.hub = HUB_A, .node = "node-1", .instance = 7,
				 .epoch = 1, .leg = 1};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(store_place_put(c.r, "call-1@phone", &pl), 0);
	assert_int_equal(store_room_put(c.r, "lobby", HUB_A, "node-1", 7, 1),
			 0);
	assert_int_equal(whole_put(&c, HUB_A, 1), 0);
	/* no history can be written: as far as it comes */
	(void)server_ask(c.f, "SET sy:cdr blocked");
	assert_int_not_equal(hub_drop(&c, HUB_A, 1, true), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:end:{%s}", HUB_A), 1);
	assert_int_equal(server_ask(c.f, "SISMEMBER sy:owned:{7} %s", HUB_A),
			 1);
	assert_int_equal(server_ask(c.f, "ZCARD sy:hubs"), 1);

	/* it is over for all who ask */
	assert_int_equal(hub_get(&c, HUB_A), ENOENT);
	assert_int_equal(whole_put(&c, HUB_A, 1), ENOENT);
	assert_int_not_equal(claim(&c, HUB_A, 7, "node-2", 8), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:end:{%s}", HUB_A), 1);

	assert_int_equal(server_ask(c.f, "DEL sy:cdr"), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(claim(&c, HUB_A, 7, "node-2", 8), ENOENT);
		assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
	}
	assert_int_equal(server_ask(c.f, "EXISTS sy:end:{%s}", HUB_A), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:hub:{%s}", HUB_A), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:hubs"), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:room:{lobby}"), 0);
	assert_int_equal(answered(&c, store_place_get(c.r, "call-1@phone",
						      place_handler, &c)),
			 ENOENT);

	/* its owner lived after all, and goes on; or ends it as one that
	 * knows nothing more of it */
	assert_int_equal(hub_drop(&c, HUB_A, 1, true), 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
	assert_int_equal(server_ask(c.f, "EXISTS sy:end:{%s}", HUB_A), 0);
	assert_int_equal(whole_put(&c, HUB_B, 1), 0);
	(void)server_ask(c.f, "RENAME sy:cdr away");
	(void)server_ask(c.f, "SET sy:cdr blocked");
	assert_int_not_equal(hub_drop(&c, HUB_B, 1, true), 0);
	assert_int_equal(server_ask(c.f, "DEL sy:cdr"), 1);
	assert_int_equal(hub_drop(&c, HUB_B, 1, false), 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
	assert_int_equal(server_ask(c.f, "EXISTS sy:end:{%s}", HUB_B), 0);
	client_close(&c);
}

static void test_claim_gone(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(claim(&c, HUB_C, 7, "node-2", 8), ENOENT);
	/* the first write that comes after it comes too late */
	assert_int_equal(whole_put(&c, HUB_C, 1), ENOENT);
	/* ... but not where its owner may live, and Redis has lost it */
	assert_int_equal(claim(&c, HUB_A, 8, "node-2", 8), ENOENT);
	assert_int_equal(whole_put(&c, HUB_A, 1), 0);
	assert_int_equal(hub_drop(&c, HUB_A, 1, false), 0);
	assert_int_equal(claim(&c, HUB_A, 7, "node-2", 8), ENOENT);
	assert_int_equal(server_ask(c.f, "EXISTS sy:hub:{%s}", HUB_A), 0);

	/* a record that cannot be read is ours, to be dropped */
	assert_int_equal(whole_put(&c, HUB_B, 1), 0);
	assert_int_equal(server_ask(c.f, "HSET sy:hub:{%s} state %s", HUB_B,
				    "\377junk"), 0);
	assert_int_equal(claim(&c, HUB_B, 7, "node-2", 8), EBADMSG);
	assert_int_equal(c.claim.epoch, 2);
	assert_int_equal(server_ask(c.f, "HDEL sy:hub:{%s} call", HUB_B), 1);
	assert_int_equal(claim(&c, HUB_B, 8, "node-2", 8), EBADMSG);
	assert_int_equal(c.claim.epoch, 3);
	assert_false(c.claim.readable);
	client_close(&c);
}

/* Redis had lost a claim, and the former owner wrote the hub again: who claimed
 * it writes, and the former owner's set does not name it any more. */
static void test_owned_replaced(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(whole_put(&c, HUB_A, 1), 0);
	assert_string_equal(owned(&c, 7), "A");
	assert_int_equal(hub_put(&c, HUB_A, 2, 8, NULL, 0, NULL, 0), 0);
	assert_string_equal(owned(&c, 7), "");
	assert_int_equal(whole_put(&c, HUB_A, 1), ESTALE);
	client_close(&c);
}

/* The set of a process names a hub from before its record is there until
 * after it is gone. */
static void test_owned(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_string_equal(owned(&c, 7), "");
	assert_int_equal(whole_put(&c, HUB_A, 1), 0);
	assert_int_equal(whole_put(&c, HUB_C, 1), 0);
	assert_string_equal(owned(&c, 7), "AC");
	assert_int_equal(claim(&c, HUB_A, 7, "node-2", 8), 0);
	assert_int_equal(whole_put(&c, HUB_B, 1), 0);
	assert_int_equal(claim(&c, HUB_B, 9, "node-2", 8), ESTALE);
	assert_string_equal(owned(&c, 7), "BC"); /* A was taken, B was not */
	assert_string_equal(owned(&c, 8), "AB");
	assert_int_equal(store_owned_remove(c.r, 8, HUB_B), 0);
	assert_int_equal(hub_drop(&c, HUB_C, 1, false), 0);
	assert_int_equal(hub_drop(&c, HUB_B, 1, false), 0);
	assert_string_equal(owned(&c, 7), "");
	assert_int_equal(server_ask(c.f, "EXISTS sy:owned:{7}"), 0);

	/* a name that is none is nobody's hub */
	assert_int_equal(server_ask(c.f, "SADD sy:owned:{8} junk"), 1);
	assert_int_equal(store_owned_add(c.r, 8, "node-2", HUB_C), 0);
	assert_string_equal(owned(&c, 8), "AC");
	assert_int_equal(server_ask(c.f, "HLEN sy:owners"), 2);
	client_close(&c);
}

static void test_owners(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_string_equal(owners(&c), "");
	assert_int_equal(store_owners_put(c.r, 4100000000u, "node-1"), 0);
	assert_string_equal(owners(&c), "4100000000=node-1 ");
	assert_int_equal(store_owners_put(c.r, 8, "node-2"), 0);
	assert_int_equal(store_owners_drop(c.r, 4100000000u), 0);
	assert_int_equal(store_owners_drop(c.r, 4100000000u), 0);
	assert_string_equal(owners(&c), "8=node-2 ");
	assert_int_equal(store_owners_put(c.r, 0, "node-3"), EINVAL);
	client_close(&c);
}

static void test_hub_list(void **state)
{
	static const char *const legs[] = {"leg-1", "leg-2"};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(answered(&c, store_hub_list(c.r, NULL, 10,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "");
	assert_string_equal(c.next, "");
	assert_int_equal(hub_put(&c, HUB_C, 1, 7, NULL, 0, NULL, 0), 0);
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, legs, 2, NULL, 0), 0);
	assert_int_equal(hub_put(&c, HUB_B, 1, 7, legs, 1, NULL, 0), 0);
	assert_int_equal(answered(&c, store_hub_count(c.r, count_handler,
						      &c)), 0);
	assert_int_equal(c.count, 3);

	assert_int_equal(answered(&c, store_hub_list(c.r, NULL, 2,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "A:2 B:1 ");
	assert_string_equal(c.next, HUB_B);
	assert_int_equal(answered(&c, store_hub_list(c.r, c.next, 2,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "C:0 ");
	assert_string_equal(c.next, "");
	assert_int_equal(answered(&c, store_hub_list(c.r, NULL, 3,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "A:2 B:1 C:0 ");
	assert_string_equal(c.next, "");

	/* an id whose record is gone is left out, and cleared away */
	assert_int_equal(server_ask(c.f, "DEL sy:hub:{%s}", HUB_A), 1);
	assert_int_equal(answered(&c, store_hub_list(c.r, NULL, 3,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "B:1 C:0 ");
	assert_int_equal(answered(&c, store_hub_count(c.r, count_handler,
						      &c)), 0);
	assert_int_equal(c.count, 2);

	assert_int_equal(store_hub_list(c.r, NULL, 0, calls_handler, &c),
			 EINVAL);
	assert_int_equal(store_hub_list(c.r, NULL, 1001, calls_handler, &c),
			 EINVAL);
	client_close(&c);
}

/* --------------------------------------------------------------- quality */

static void series_handler(int err, struct store_series *series, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	mem_deref(c->series);
	c->series = series;
}

static void sample(struct client *c, const char *hub, float mos, size_t legs)
{
	Sy__HubSample msg = SY__HUB_SAMPLE__INIT;
	Sy__LegSample leg = SY__LEG_SAMPLE__INIT;
	Sy__Quality q = SY__QUALITY__INIT;
	Sy__LegSample *legv[100];
	size_t i;

	q.mos = mos;
	leg.leg = (char *)"leg-2";
	leg.user = (char *)"1001";
	leg.quality = &q;
	for (i = 0; i < legs; i++)
		legv[i] = &leg;
	msg.legs = legv;
	msg.n_legs = legs;
	assert_int_equal(store_quality_put(c->r, hub, &msg), 0);
}

static size_t series_length(struct client *c, const char *hub)
{
	assert_int_equal(answered(c, store_quality_get(c->r, hub,
						       series_handler, c)),
			 0);

	return c->series->n;
}

static void test_quality(void **state)
{
	static const char *const legs[] = {"leg-1", "leg-2"};
	struct client c;
	int i;

	client_open(&c, *state);
	script_load_all(c.r); /* or the first put would come late */
	assert_int_equal(series_length(&c, HUB_A), 0);

	sample(&c, HUB_A, 4.4f, 1);
	sample(&c, HUB_A, 3.3f, 2);
	assert_int_equal(series_length(&c, HUB_A), 2);
	assert_true(c.series->samplev[0]->legs[0]->quality->mos == 4.4f);
	assert_int_equal(c.series->samplev[1]->n_legs, 2);
	assert_string_equal(c.series->samplev[1]->legs[1]->user, "1001");

	/* A list of calls has the latest of each leg. */
	assert_int_equal(hub_put(&c, HUB_A, 1, 7, legs, 2, NULL, 0), 0);
	assert_int_equal(hub_put(&c, HUB_B, 1, 7, NULL, 0, NULL, 0), 0);
	assert_int_equal(answered(&c, store_hub_list(c.r, NULL, 10,
						     calls_handler, &c)), 0);
	assert_string_equal(c.ids, "A:2 B:0 ");
	assert_true(c.mos == 3.3f);

	/* Bounded in number, less for many legs, and in time. */
	for (i = 0; i < STORE_QUALITY_MAX + 10; i++)
		sample(&c, HUB_A, 1, 1);
	assert_int_equal(series_length(&c, HUB_A), STORE_QUALITY_MAX);
	assert_in_range(server_ask(c.f, "TTL sy:quality:{%s}", HUB_A),
			STORE_QUALITY_TTL_S - 60, STORE_QUALITY_TTL_S);
	sample(&c, HUB_A, 2, 100);
	assert_int_equal(series_length(&c, HUB_A),
			 STORE_QUALITY_MAX * 16 / 100);

	/* What is no sample is passed over. */
	(void)server_ask(c.f, "RPUSH sy:quality:{%s} %s", HUB_B, "\377junk");
	sample(&c, HUB_B, 2, 1);
	assert_int_equal(series_length(&c, HUB_B), 1);

	mem_deref(c.series);
	client_close(&c);
}

/* The connection goes while a page is under way: nothing is left over. */
static void test_list_abandoned(void **state)
{
	struct client c;

	client_open(&c, *state);
	for (int i = 0; i < 50; i++) {
		char hub[ULID_LEN + 1];

		ulid_make(hub);
		assert_int_equal(hub_put(&c, hub, 1, 7, NULL, 0, NULL, 0),
				 0);
	}
	assert_int_equal(store_hub_list(c.r, NULL, 50, calls_handler, &c), 0);
	for (int i = 0; i < 3 && !c.done; i++)
		run_until(c.f, fixture_always, NULL);
	if (!c.done)
		assert_int_equal(store_hub_list(c.r, NULL, 50, calls_handler,
						&c), 0);
	client_close(&c);

	/* the same with the server */
	client_open(&c, *state);
	server_signal(c.f, SIGSTOP);
	assert_int_equal(store_hub_list(c.r, NULL, 50, calls_handler, &c), 0);
	server_kill(c.f);
	run_until(c.f, is_nonzero, &c.done);
	assert_int_equal(c.err, ENOTCONN);
	assert_int_equal(c.done, 1);
	client_close(&c);
}

/* --------------------------------------------------------- registrations */

static void print_contacts(struct client *c, const Sy__Registration *reg)
{
	c->contacts[0] = '\0';
	for (size_t i = 0; reg && i < reg->n_bindings; i++) {
		size_t n = strlen(c->contacts);

		snprintf(c->contacts + n, sizeof(c->contacts) - n, "%s ",
			 reg->bindings[i]->contact);
	}
}

static void reg_handler(int err, const Sy__Registration *reg, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	print_contacts(c, reg);
}

static void regs_handler(int err, Sy__Registration *const *regv, size_t regc,
			 const char *next, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	c->ids[0] = '\0';
	for (size_t i = 0; i < regc; i++) {
		size_t n = strlen(c->ids);

		snprintf(c->ids + n, sizeof(c->ids) - n, "%s:%zu ",
			 regv[i]->device, regv[i]->n_bindings);
	}
	snprintf(c->next, sizeof(c->next), "%s", next ? next : "");
}

struct reg {
	const char *device, *call_id;
	uint32_t cseq;
	const char *add[4];      /* contacts              */
	uint32_t ms;             /* that they live        */
	uint32_t q;              /* of the first, descending */
	const char *drop[4];
	bool drop_all;
	uint32_t max;
	const char *instance;
	uint32_t reg_id;
};

static int reg_put(struct client *c, const struct reg *rg)
{
	Google__Protobuf__Timestamp ts;
	Sy__Binding b[4], *bv[4];
	struct store_reg_put put = {
		.device = rg->device,
		.bindv = (const Sy__Binding *const *)bv,
		.dropv = rg->drop,
		.drop_all = rg->drop_all,
		.call_id = rg->call_id,
		.cseq = rg->cseq,
		.max_contacts = rg->max ? rg->max : 3,
	};

	timestamp_set_ms(&ts, timestamp_now_ms() + (rg->ms ? rg->ms : 60000));
	while (put.bindc < 4 && rg->add[put.bindc]) {
		size_t i = put.bindc++;

		sy__binding__init(&b[i]);
		b[i].contact = (char *)rg->add[i];
		b[i].call_id = (char *)rg->call_id;
		b[i].cseq = rg->cseq;
		b[i].expires_at = &ts;
		b[i].q_permille = rg->q;
		b[i].instance_id = (char *)(rg->instance ? rg->instance : "");
		b[i].reg_id = rg->reg_id;
		bv[i] = &b[i];
	}
	while (put.dropc < 4 && rg->drop[put.dropc])
		put.dropc++;

	return answered(c, store_reg_put(c->r, &put, reg_handler, c));
}

static void assert_contacts(struct client *c, const char *device,
			    const char *contacts)
{
	assert_int_equal(answered(c, store_reg_get(c->r, device, reg_handler,
						   c)), 0);
	assert_string_equal(c->contacts, contacts);
}

#define REG(dev_, id_, n_, ...)                                               \
	(&(const struct reg){.device = dev_, .call_id = id_, .cseq = n_,      \
			     __VA_ARGS__})

static void test_reg(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_contacts(&c, "1001", "");
	assert_int_equal(reg_put(&c, REG("1001", "id1", 5, .add = {"sip:a"},
					 .q = 100)), 0);
	assert_string_equal(c.contacts, "sip:a ");
	/* another phone; best q first */
	assert_int_equal(reg_put(&c, REG("1001", "id2", 1, .add = {"sip:b"},
					 .q = 900)), 0);
	assert_string_equal(c.contacts, "sip:b sip:a ");
	assert_contacts(&c, "1001", "sip:b sip:a ");
	assert_contacts(&c, "1002", "");

	/* refreshed, with a new q; then removed */
	assert_int_equal(reg_put(&c, REG("1001", "id1", 6, .add = {"sip:a"},
					 .q = 1000)), 0);
	assert_string_equal(c.contacts, "sip:a sip:b ");
	assert_int_equal(reg_put(&c, REG("1001", "id1", 7,
					 .drop = {"sip:a"})), 0);
	assert_string_equal(c.contacts, "sip:b ");
	/* what is not there is removed without a word */
	assert_int_equal(reg_put(&c, REG("1001", "id1", 8,
					 .drop = {"sip:a"})), 0);
	assert_int_equal(reg_put(&c, REG("1001", "id2", 2,
					 .drop_all = true)), 0);
	assert_string_equal(c.contacts, "");
	run_until(c.f, fixture_always, NULL);
	assert_int_equal(answered(&c, store_reg_count(c.r, count_handler,
						      &c)), 0);
	assert_int_equal(c.count, 0);
	/* all but what was removed just now */
	assert_int_equal(server_ask(c.f, "DBSIZE"), 1);
	client_close(&c);
}

/* RFC 3261 10.3, 7: the same Call-ID must count up; all or nothing. */
static void test_reg_cseq(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(reg_put(&c, REG("1", "id", 5,
					 .add = {"sip:a", "sip:b"})),
			 0);
	assert_int_equal(reg_put(&c, REG("1", "id", 4, .add = {"sip:a"})), ESTALE);
	assert_int_equal(reg_put(&c, REG("1", "id", 4, .add = {"sip:c", "sip:b"})),
			 ESTALE);
	assert_int_equal(reg_put(&c, REG("1", "id", 4, .drop = {"sip:a"})),
			 ESTALE);
	assert_int_equal(reg_put(&c, REG("1", "id", 4, .drop_all = true)),
			 ESTALE);
	assert_contacts(&c, "1", "sip:a sip:b ");
	/* a retransmission: routers keep no transactions */
	assert_int_equal(reg_put(&c, REG("1", "id", 5,
					 .add = {"sip:a", "sip:b"})),
			 0);
	assert_string_equal(c.contacts, "sip:a sip:b ");
	/* another Call-ID (the phone was restarted) counts anew */
	assert_int_equal(reg_put(&c, REG("1", "new", 1, .add = {"sip:a"})), 0);
	assert_int_equal(reg_put(&c, REG("1", "new", 2, .drop_all = true)),
			 0);
	assert_string_equal(c.contacts, "");
	client_close(&c);
}

static void test_reg_max(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(reg_put(&c, REG("1", "x", 1, .add = {"a", "b"}, .max = 2)),
			 0);
	assert_int_equal(reg_put(&c, REG("1", "x", 2, .add = {"c"}, .max = 2)),
			 ENOSPC);
	assert_contacts(&c, "1", "a b ");
	/* refreshing is no more; one for another neither */
	assert_int_equal(reg_put(&c, REG("1", "x", 3, .add = {"a", "b"}, .max = 2)),
			 0);
	assert_int_equal(reg_put(&c, REG("1", "x", 4, .add = {"c"}, .max = 2,
					 .drop = {"a"})), 0);
	assert_string_equal(c.contacts, "b c ");
	/* naming one twice makes no room for two */
	assert_int_equal(reg_put(&c, REG("1", "x", 5, .add = {"d", "e"}, .max = 2,
					 .drop = {"b", "b"})), ENOSPC);
	assert_int_equal(reg_put(&c, REG("1", "x", 6, .add = {"d", "d"}, .max = 2,
					 .drop = {"b"})), 0);
	assert_string_equal(c.contacts, "c d ");
	client_close(&c);
}

/* RFC 5626: a flow is its instance and reg-id, whatever its Contact. */
static void test_reg_flows(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(reg_put(&c, REG("1", "x", 1, .add = {"a"},
					 .instance = "<i>", .reg_id = 1)), 0);
	assert_int_equal(reg_put(&c, REG("1", "y", 1, .add = {"b"},
					 .instance = "<i>", .reg_id = 2)), 0);
	assert_string_equal(c.contacts, "a b ");
	/* the first flow again, from elsewhere; the same Contact is no clash */
	assert_int_equal(reg_put(&c, REG("1", "z", 1, .add = {"c"},
					 .instance = "<i>", .reg_id = 1)), 0);
	assert_string_equal(c.contacts, "b c ");
	assert_int_equal(reg_put(&c, REG("1", "w", 1, .add = {"c"},
					 .instance = "<j>", .reg_id = 1)), 0);
	assert_string_equal(c.contacts, "b c c ");
	assert_int_equal(reg_put(&c, REG("1", "z", 2,
					 .drop = {"<i>;reg-id=1"})), 0);
	assert_string_equal(c.contacts, "b c ");
	client_close(&c);
}

static bool is_past(void *arg)
{
	return timestamp_now_ms() > *(uint64_t *)arg;
}

static void test_reg_expiry(void **state)
{
	struct client c;
	uint64_t until;

	client_open(&c, *state);
	assert_int_equal(reg_put(&c, REG("1", "x", 1, .add = {"a"}, .ms = 200)), 0);
	assert_int_equal(reg_put(&c, REG("2", "x", 1, .add = {"b"}, .ms = 200)), 0);
	assert_int_equal(reg_put(&c, REG("1", "y", 1, .add = {"c"})), 0);
	until = timestamp_now_ms() + 205;
	run_until(c.f, is_past, &until);
	assert_contacts(&c, "1", "c ");
	assert_contacts(&c, "2", "");

	/* room again, for what has lapsed does not count */
	assert_int_equal(reg_put(&c, REG("1", "z", 1, .add = {"d"}, .max = 2)), 0);
	assert_string_equal(c.contacts, "c d ");

	assert_int_equal(answered(&c, store_reg_list(c.r, NULL, 10,
						     regs_handler, &c)), 0);
	assert_string_equal(c.ids, "1:2 ");
	run_until(c.f, fixture_always, NULL);
	assert_int_equal(answered(&c, store_reg_list(c.r, NULL, 10,
						     regs_handler, &c)), 0);
	assert_int_equal(server_ask(c.f, "ZCARD sy:regs"), 1);
	assert_true(server_ask(c.f, "TTL sy:reg:{1}") > 50);
	client_close(&c);
}

static void test_reg_list(void **state)
{
	static const char *const dev[] = {"1003", "1001", "1002"};
	struct client c;

	client_open(&c, *state);
	for (int i = 0; i < 3; i++)
		assert_int_equal(reg_put(&c, REG(dev[i], "x", 1, .add = {"a"})), 0);
	assert_int_equal(answered(&c, store_reg_list(c.r, NULL, 2,
						     regs_handler, &c)), 0);
	assert_string_equal(c.ids, "1001:1 1002:1 ");
	assert_string_equal(c.next, "1002");
	assert_int_equal(answered(&c, store_reg_list(c.r, c.next, 2,
						     regs_handler, &c)), 0);
	assert_string_equal(c.ids, "1003:1 ");
	assert_string_equal(c.next, "");
	client_close(&c);
}

/* --------------------------------------------------------------- history */

static void event_message(const char *channel, const uint8_t *p, size_t len,
			  void *arg)
{
	Sy__Envelope *env = sy__envelope__unpack(NULL, len, p);
	struct client *c = arg;
	(void)channel;

	assert_non_null(env);
	assert_string_equal(env->from, "router-1");
	assert_int_equal(env->body_case, SY__ENVELOPE__BODY_EVENT);
	assert_string_equal(env->event->call_id, HUB_A);
	assert_int_equal(strlen(env->event->digit), c->count);
	sy__envelope__free_unpacked(env, NULL);
	c->done++;
}

static void range_handler(int err, const redisReply *reply, void *arg)
{
	struct client *c = arg;
	const redisReply *entry, *value;
	Sy__Event *ev;

	assert_int_equal(err, 0);
	assert_int_equal(reply->elements, 1);
	entry = reply->element[0]->element[1];
	assert_int_equal(entry->elements, 2);
	assert_string_equal(entry->element[0]->str, "e");
	value = entry->element[1];
	ev = sy__event__unpack(NULL, value->len, (uint8_t *)value->str);
	assert_non_null(ev);
	assert_string_equal(ev->member, "router-1");
	assert_int_equal(strlen(ev->digit), c->count);
	sy__event__free_unpacked(ev, NULL);
	c->done++;
	c->err = 0;
}

/* The same event goes to the stream and, in an Envelope, to who listens; its
 * length takes one, two and three bytes to tell. */
static void test_event(void **state)
{
	static const size_t lenv[] = {1, 300, 20000};
	static char text[20001];
	Sy__Event ev = SY__EVENT__INIT;
	struct redis *sub;
	struct client c;
	int up = 0;

	client_open(&c, *state);
	assert_int_equal(redis_alloc(&sub, c.f->loop, c.f->url, NULL, NULL),
			 0);
	assert_int_equal(redis_subscribe(sub, BUS_CHANNEL_EVENTS,
					 event_message, &c), 0);
	for (; !up; up = redis_is_up(sub))
		(void)answered(&c, store_hub_count(c.r, count_handler, &c));

	ev.type = SY__EVENT_TYPE__REGISTERED;
	ev.member = (char *)"router-1";
	ev.call_id = (char *)HUB_A;
	ev.digit = text;
	for (size_t i = 0; i < ARRAY_SIZE(lenv); i++) {
		memset(text, '1', lenv[i]);
		c.count = lenv[i];
		assert_int_equal(answered(&c, store_event(c.r, &ev)), 0);
		assert_int_equal(answered(&c, redis_command(c.r, 0,
				range_handler, &c,
				"XREVRANGE sy:events + - COUNT 1")), 0);
	}
	assert_int_equal(server_ask(c.f, "XLEN sy:events"), 3);
	mem_deref(sub);
	client_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_place),
		fixture_test_re(test_place_not),
		fixture_test_re(test_place_drop),
		fixture_test_re(test_place_room),
		fixture_test(test_script_flush),
		fixture_test_re(test_not_connected),
		fixture_test(test_hub),
		fixture_test_re(test_record_once),
		fixture_test_re(test_hub_large),
		fixture_test_re(test_hub_fence),
		fixture_test_re(test_hub_gone),
		fixture_test(test_claim),
		fixture_test_re(test_claim_gone),
		fixture_test(test_claim_ended),
		fixture_test_re(test_owned),
		fixture_test_re(test_owned_replaced),
		fixture_test_re(test_owners),
		fixture_test(test_hub_list),
		fixture_test(test_quality),
		fixture_test_re(test_list_abandoned),
		fixture_test(test_reg),
		fixture_test_re(test_reg_cseq),
		fixture_test_re(test_reg_max),
		fixture_test_re(test_reg_flows),
		fixture_test_re(test_reg_expiry),
		fixture_test_re(test_reg_list),
		fixture_test_re(test_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
