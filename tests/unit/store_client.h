/* SPDX-License-Identifier: MIT */
/* A client of the store against a Redis of the test's own: one question at a
 * time, and what was answered. */

#ifndef SY_TESTS_UNIT_STORE_CLIENT_H
#define SY_TESTS_UNIT_STORE_CLIENT_H

#include "redis_fixture.h"
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

static inline void state_handler(bool up, int err, void *arg)
{
	(void)err;
	((struct client *)arg)->up = up;
}

static inline void client_open(struct client *c, struct fixture *f)
{
	memset(c, 0, sizeof(*c));
	c->f = f;
	assert_int_equal(redis_alloc(&c->r, f->loop, f->url, state_handler,
				     c), 0);
	run_until(f, is_nonzero, &c->up);
}

static inline void client_close(struct client *c)
{
	if (c->call)
		sy__call__free_unpacked(c->call, NULL);
	mem_deref(c->r);
}

/* Wait for the one handler of what was just asked. */
static inline int answered(struct client *c, int err)
{
	assert_int_equal(err, 0);
	run_until(c->f, is_nonzero, &c->done);
	assert_int_equal(c->done, 1);
	c->done = 0;

	return c->err;
}

static inline void place_handler(int err, const struct store_place *pl, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	memset(&c->pl, 0, sizeof(c->pl));
	if (pl)
		c->pl = *pl;
	assert_int_equal(!pl, err != 0);
}

/* ------------------------------------------------------------------ hubs */

static inline void write_handler(int err, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
}

static inline void call_handler(int err, Sy__Call *call, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	assert_int_equal(!call, err != 0);
	if (c->call)
		sy__call__free_unpacked(c->call, NULL);
	c->call = call;
}

static inline void calls_handler(int err, Sy__Call *const *callv, size_t callc,
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

static inline void count_handler(int err, uint64_t count, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	c->count = count;
}

static inline int hub_put(struct client *c, const char *hub, uint32_t epoch,
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

static inline int hub_get(struct client *c, const char *hub)
{
	return answered(c, store_hub_get(c->r, hub, call_handler, c));
}

static inline int hub_drop(struct client *c, const char *hub, uint32_t epoch,
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

#endif
