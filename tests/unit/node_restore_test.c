/* libs: sy_node_core sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/*
 * A ringing call is written down and restored in the same node: as it was
 * written, and with bytes of the record changed at random.  Records may be
 * anything: a leg may be lost, but never the node.  SY_RESTORE_SEED and
 * SY_RESTORE_RUNS choose others.
 */

#include "node_hub_router.h"
#include "node/hub_state.h"
#include "node/record.h"
#include "node/restore.h"

enum { RUNS = 300, DIALOGS_MAX = 4, PACKED_MAX = 8192 };

struct packed {
	uint8_t buf[PACKED_MAX];
	size_t len;
};

/* A hub as Redis has it. */
struct snapshot {
	struct packed call, state, dlgv[DIALOGS_MAX];
	size_t dlgc;
};

static void pack(struct packed *p, const ProtobufCMessage *msg)
{
	assert_true(protobuf_c_message_get_packed_size(msg) <= PACKED_MAX);
	p->len = protobuf_c_message_pack(msg, p->buf);
}

static void snapshot(struct snapshot *s, const struct hub *hub)
{
	struct record_call rec;
	struct hub_state st;
	const struct le *le;

	memset(s, 0, sizeof(*s));
	assert_int_equal(record_call_init(&rec, hub, "n9", RECORD_LIVE), 0);
	pack(&s->call, &rec.msg.base);
	record_call_close(&rec);
	assert_int_equal(hub_state_init(&st, hub), 0);
	pack(&s->state, &st.msg.base);
	hub_state_close(&st);

	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;
		Sy__DialogState ds = SY__DIALOG_STATE__INIT;

		assert_true(s->dlgc < DIALOGS_MAX);
		leg->ops->checkpoint(leg, &ds);
		ds.leg = (char *)leg->info.id;
		ds.ref = leg->ref;
		ds.direction = leg->info.direction;
		ds.state = leg->info.state;
		ds.invite_instance = leg->tok_instance;
		ds.invite_epoch = leg->tok_epoch;
		pack(&s->dlgv[s->dlgc++], &ds.base);
	}
}

static uint32_t rnd(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*seed >> 33);
}

/* Another text of the same length, wherever it stands. */
static void rename_all(struct packed *p, const char *text, unsigned n)
{
	const size_t len = strlen(text);
	char tail[8];
	uint8_t *at = p->buf;

	(void)re_snprintf(tail, sizeof(tail), "%05u", n % 100000);
	while (len >= 5 &&
	       (at = memmem(at, p->len - (size_t)(at - p->buf), text, len))) {
		memcpy(at + len - 5, tail, 5);
		at += len;
	}
}

/* The same call as one of its own: what is left of an earlier one (CANCEL and
 * its answers) is not taken for this. */
static void renew(struct snapshot *s, unsigned n)
{
	for (size_t i = 0; i < s->dlgc; i++) {
		struct packed *p = &s->dlgv[i];
		Sy__DialogState *ds =
		    sy__dialog_state__unpack(NULL, p->len, p->buf);

		assert_non_null(ds);
		rename_all(p, ds->call_id, n);
		rename_all(p, ds->local_tag, n);
		rename_all(p, ds->invite_branch, n);
		sy__dialog_state__free_unpacked(ds, NULL);
	}
}

/* Some bytes of some of its parts. */
static void mangle(struct snapshot *s, uint64_t *seed)
{
	uint32_t n = 1 + rnd(seed) % 6;

	while (n--) {
		const uint32_t which = rnd(seed) % (uint32_t)(s->dlgc + 2);
		struct packed *p = which == 0	? &s->call
				   : which == 1 ? &s->state
						: &s->dlgv[which - 2];

		if (p->len)
			p->buf[rnd(seed) % p->len] = (uint8_t)rnd(seed);
	}
}

/* @return the hub, or NULL: refused. */
static struct hub *restore(struct lab *l, const struct snapshot *s,
			   uint32_t epoch)
{
	Sy__DialogState *dlgv[DIALOGS_MAX] = {0};
	struct restore_conf conf = {
	    .dlgv = dlgv,
	    .epoch = epoch,
	    .alive_ms = timestamp_now_ms() - 500,
	};
	Sy__Call *call = sy__call__unpack(NULL, s->call.len, s->call.buf);
	Sy__HubState *state =
	    sy__hub_state__unpack(NULL, s->state.len, s->state.buf);
	struct hub *hub = NULL;
	size_t i;

	for (i = 0; i < s->dlgc; i++) {
		dlgv[conf.dlgc] = sy__dialog_state__unpack(NULL, s->dlgv[i].len,
							   s->dlgv[i].buf);
		conf.dlgc += dlgv[conf.dlgc] != NULL;
	}

	conf.call = call;
	conf.state = state;
	if (call && node_restore(&hub, l->node, &conf))
		hub = NULL;

	for (i = 0; i < conf.dlgc; i++)
		sy__dialog_state__free_unpacked(dlgv[i], NULL);
	if (call)
		sy__call__free_unpacked(call, NULL);
	if (state)
		sy__hub_state__free_unpacked(state, NULL);

	return hub;
}

static bool cond_ringing(void *arg)
{
	const struct hub *hub = arg;

	return hub->state == SY__CALL_STATE__CALL_RINGING;
}

/* A call that rings at two contacts, gone from the node without a word. */
static void ringing(struct lab *l, struct phone *p, struct snapshot *s)
{
	Sy__Destination dest = SY__DESTINATION__INIT;
	char id[ULID_LEN + 1];
	const char *inv[2];
	struct hub *hub;

	lab_register(l, 2);
	ulid_make(id);
	phone_open(l, p, id);
	dest.kind_case = SY__DESTINATION__KIND_DEVICE;
	dest.device = (char *)"1002";
	assert_int_equal(phone_place(l, p, &dest), SY__RESULT_CODE__OK);
	phone_invite(l, p);
	inv[0] = lab_get(l, "INVITE", "sip:1002@127.0.0.1:5062");
	inv[1] = lab_get(l, "INVITE", "sip:1002@127.0.0.2:5064");
	lab_reply(l, inv[0], "180 Ringing", "a", NULL);
	lab_reply(l, inv[1], "180 Ringing", "b", NULL);
	hub = node_hub(l->node, id);
	run_until(l->f, cond_ringing, hub);
	snapshot(s, hub);
	hub_abandon(hub);
	node_hub_close(l->node, hub);
}

static void as_written(void **state)
{
	struct snapshot s;
	struct phone p;
	struct hub *hub;
	struct hunt *hunt;
	struct lab l;

	lab_open(&l, state);
	ringing(&l, &p, &s);
	hub = restore(&l, &s, 2);
	assert_non_null(hub);
	assert_int_equal(hub_legs(hub), 3);
	assert_int_equal(list_count(&hub->hunts), 1);
	hunt = list_head(&hub->hunts)->data;
	assert_int_equal(hunt->branches, 2);
	assert_true(hunt->sealed);
	assert_ptr_equal(hunt->conf.caller, list_head(&hub->legs)->data);
	assert_true(hunt->until_ms > timestamp_now_ms() + 50000);
	assert_int_equal(l.node->lost_legs_total, 0);

	hub_end(hub, 480, "test");
	(void)phone_get(&l, &p, "480");
	phone_nack(&l, &p, phone_get(&l, &p, "480"));
	(void)lab_get(&l, "CANCEL", "");
	server_ask(l.f, "FLUSHALL");
	phone_close(&p);
	lab_close(&l);
}

/* Of a leg whose record says that it ended only that is left; with it in the
 * hub there would be no end of the call. */
static void ended_leg(void **state)
{
	struct snapshot s;
	struct phone p;
	struct hub *hub;
	struct lab l;
	Sy__Call *call;

	lab_open(&l, state);
	ringing(&l, &p, &s);
	call = sy__call__unpack(NULL, s.call.len, s.call.buf);
	assert_non_null(call);
	assert_int_equal(call->n_legs, 3);
	call->legs[1]->state = SY__LEG_STATE__LEG_ENDED;
	call->legs[2]->state = 77;
	pack(&s.call, &call->base);
	sy__call__free_unpacked(call, NULL);

	hub = restore(&l, &s, 2);
	assert_non_null(hub);
	assert_int_equal(l.node->lost_legs_total, 2);
	hub_end(hub, 480, "test");
	assert_true(hub_is_over(hub));
	assert_null(hub->legs.head);
	server_ask(l.f, "FLUSHALL");
	phone_close(&p);
	lab_close(&l);
}

static void mangled(void **state)
{
	const char *text = getenv("SY_RESTORE_SEED");
	const char *runs = getenv("SY_RESTORE_RUNS");
	uint64_t seed = text ? strtoull(text, NULL, 10) : timestamp_now_ms();
	const long n = runs ? strtol(runs, NULL, 10) : RUNS;
	unsigned built = 0, whole = 0;
	struct snapshot s, m;
	struct phone p;
	struct lab l;

	print_message("seed %llu\n", (unsigned long long)seed);
	lab_open(&l, state);
	ringing(&l, &p, &s);
	for (long i = 0; i < n; i++) {
		struct hub *hub;

		m = s;
		renew(&m, (unsigned)i);
		mangle(&m, &seed);
		hub = restore(&l, &m, 2);
		built += hub != NULL;
		if (hub)
			whole += hub_legs(hub) == 3;
		(void)run_for(l.f, fixture_always, NULL, 1);
		node_hangup_all(l.node, "next");
		while (list_head(&l.node->lookups))
			run_for(l.f, fixture_always, NULL, 1);
		while (l.msgc)
			l.msgv[l.msgc - 1] = mem_deref(l.msgv[l.msgc - 1]),
					l.msgc--;
		l.seenc = 0;
		memset(l.takenv, 0, sizeof(l.takenv));
	}

	print_message("built %u, whole %u\n", built, whole);
	assert_true(built > n / 4 && whole > n / 20 && built > whole);
	server_ask(l.f, "FLUSHALL");
	phone_close(&p);
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    lab_test(as_written),
	    lab_test(ended_leg),
	    lab_test(mangled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
