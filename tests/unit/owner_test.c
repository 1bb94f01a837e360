/* SPDX-License-Identifier: MIT */
/* The ownership protocol step by step; owner_model_test has the storms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>
#include "proto/owner.h"
#include "proto/owner_share.h"

#define HUB_A "01ARYZ6S41TSV4RRFFQ69G5FAA"
#define HUB_B "01ARYZ6S41TSV4RRFFQ69G5FAB"

enum { SELF = 5, DEAD = 7, OTHER = 9 };

/* What the protocol sees, and all that it wanted, as a text. */
struct lab {
	struct owner *o;
	uint64_t now_ms;
	struct owner_peer peerv[3];
	size_t peerc;
	bool settled;
	char log[2048];
};

static void note(struct lab *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void note(struct lab *l, const char *fmt, ...)
{
	const size_t n = strlen(l->log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->log + n, sizeof(l->log) - n, fmt, ap);
	va_end(ap);
}

static size_t op_peers(struct owner_peer *peerv, size_t max, void *arg)
{
	struct lab *l = arg;

	assert_true(max >= l->peerc);
	memcpy(peerv, l->peerv, l->peerc * sizeof(*peerv));

	return l->peerc;
}

static bool op_is_live(uint32_t instance, void *arg)
{
	struct lab *l = arg;

	for (size_t i = 0; i < l->peerc; i++) {
		if (l->peerv[i].instance == instance)
			return true;
	}

	return false;
}

static bool op_is_settled(void *arg)
{
	return ((struct lab *)arg)->settled;
}

static int op_list_owned(uint32_t instance, void *arg)
{
	note(arg, "list %u;", instance);
	return 0;
}

static int op_list_owners(void *arg)
{
	note(arg, "owners;");
	return 0;
}

static int op_claim(const char *hub, uint32_t from, void *arg)
{
	note(arg, "claim %c %u;", hub[25], from);
	return 0;
}

static void op_let_go(const char *hub, void *arg)
{
	note(arg, "let go %c;", hub[25]);
}

static void op_write(const char *hub, void *arg)
{
	note(arg, "write %c;", hub ? hub[25] : '*');
}

static void op_drop(const char *hub, uint32_t epoch, void *arg)
{
	note(arg, "drop %c %u;", hub[25], epoch);
}

static void op_forget(uint32_t instance, const char *hub, void *arg)
{
	note(arg, "forget %u %c;", instance, hub[25]);
}

static void op_announce(void *arg)
{
	note(arg, "announce;");
}

static void op_forget_owner(uint32_t instance, void *arg)
{
	note(arg, "forget %u;", instance);
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

/* Time passes, and what was wanted is as told. */
static void pass(struct lab *l, uint64_t ms, const char *want)
{
	for (uint64_t until = l->now_ms + ms; l->now_ms < until;) {
		l->now_ms++;
		(void)owner_run(l->o, l->now_ms);
	}
	assert_string_equal(l->log, want);
	l->log[0] = '\0';
}

static void answer_owned(struct lab *l, uint32_t instance, const char *a,
			 const char *b)
{
	const char *hubv[] = {a, b};

	owner_owned(l->o, instance, 0, hubv, !a ? 0 : !b ? 1 : 2);
}

/* Settled, looked around once, alone. */
static void open_lab(struct lab *l, uint32_t claims_s, uint32_t burst)
{
	const struct owner_conf conf = {.ops = &ops,
					.arg = l,
					.seed = 1,
					.claims_s = claims_s,
					.burst = burst};
	const uint32_t us[] = {SELF};

	memset(l, 0, sizeof(*l));
	l->now_ms = 1000;
	l->peerv[0] = (struct owner_peer){.instance = SELF, .room = 10};
	l->peerc = 1;
	assert_int_equal(owner_alloc(&l->o, &conf), 0);
	pass(l, 5000, "");
	owner_self(l->o, SELF);
	pass(l, 5000, "");
	owner_redis(l->o, true);
	pass(l, 5000, "announce;write *;");
	l->settled = true;
	pass(l, 400, "list 5;owners;");
	answer_owned(l, SELF, NULL, NULL);
	owner_owners(l->o, 0, us, 1);
	pass(l, 1, "");
}

static void test_adopt(void **state)
{
	struct owner_stat st;
	struct lab l;
	(void)state;

	open_lab(&l, 0, 0);
	owner_died(l.o, DEAD);
	pass(&l, 1, "list 7;");
	answer_owned(&l, DEAD, HUB_A, HUB_B);
	pass(&l, 1, "claim A 7;claim B 7;");
	owner_claimed(l.o, HUB_A, 0, 4, 0);
	owner_stat(l.o, &st);
	assert_int_equal(st.ours, 1);
	assert_int_equal(st.claiming, 1);

	/* another had it first: neither its old owner's nor ours */
	owner_claimed(l.o, HUB_B, ESTALE, 0, OTHER);
	pass(&l, 1, "forget 7 B;forget 5 B;");
	pass(&l, 1000, "list 7;");
	answer_owned(&l, DEAD, NULL, NULL);
	pass(&l, OWNER_EMPTY_MS + 1, "list 7;");
	answer_owned(&l, DEAD, NULL, NULL);
	pass(&l, 1, "forget 7;");
	owner_stat(l.o, &st);
	assert_int_equal(st.estates, 0);

	/* taken from us: in silence */
	owner_taken(l.o, HUB_A, 4);
	pass(&l, 1, "");
	owner_taken(l.o, HUB_A, 5);
	pass(&l, 1, "forget 5 A;let go A;");
	mem_deref(l.o);
}

static unsigned claims(struct lab *l)
{
	unsigned n = 0;

	for (const char *p = l->log; (p = strstr(p, "claim")); p++)
		n++;
	l->log[0] = '\0';

	return n;
}

/* What is the other's share at first is anybody's a second later. */
static void test_rounds(void **state)
{
	static char hub[40][27];
	const char *hubv[40];
	struct lab l;
	unsigned first, second;
	(void)state;

	open_lab(&l, 0, 0);
	l.peerv[1] = (struct owner_peer){.instance = OTHER, .room = 10};
	l.peerc = 2;
	for (int i = 0; i < 40; i++) {
		(void)re_snprintf(hub[i], sizeof(hub[i]), "%026d", i);
		hubv[i] = hub[i];
	}
	owner_died(l.o, DEAD);
	pass(&l, 1, "list 7;");
	owner_owned(l.o, DEAD, 0, hubv, 40);
	(void)owner_run(l.o, ++l.now_ms);
	first = claims(&l);
	assert_in_range(first, 10, 30);
	for (int i = 0; i < 40; i++)
		owner_claimed(l.o, hub[i], 0, 2, 0);

	/* the other died meanwhile, and we have not heard */
	pass(&l, OWNER_ROUND_MS, "list 7;");
	owner_owned(l.o, DEAD, 0, hubv, 40);
	l.log[0] = '\0'; /* ours are cleared away */
	(void)owner_run(l.o, ++l.now_ms);
	second = claims(&l);
	assert_int_equal(first + second, 40);
	mem_deref(l.o);
}

/* A claim whose reply was lost is found: by the next one, or in our set. */
static void test_lost_reply(void **state)
{
	struct lab l;
	(void)state;

	open_lab(&l, 0, 0);
	owner_died(l.o, DEAD);
	pass(&l, 1, "list 7;");
	answer_owned(&l, DEAD, HUB_A, NULL);
	pass(&l, 1, "claim A 7;");
	owner_claimed(l.o, HUB_A, ETIMEDOUT, 0, 0);
	pass(&l, 1000, "list 7;");
	answer_owned(&l, DEAD, HUB_A, NULL);
	pass(&l, 1, "claim A 7;");
	owner_claimed(l.o, HUB_A, ESTALE, 0, SELF);
	pass(&l, 1, "claim A 5;");
	owner_claimed(l.o, HUB_A, ENOTCONN, 0, 0);
	pass(&l, 2500, "list 5;list 7;");
	answer_owned(&l, DEAD, NULL, NULL);
	answer_owned(&l, SELF, HUB_A, NULL);
	pass(&l, 1, "claim A 5;");
	owner_claimed(l.o, HUB_A, 0, 9, 0);
	owner_written(l.o, HUB_A, 8, ESTALE); /* of an epoch before */
	pass(&l, 1, "");
	owner_written(l.o, HUB_A, 9, ESTALE);
	pass(&l, 1, "forget 5 A;let go A;");
	mem_deref(l.o);
}

/* Our set and our table: what each of them lacks. */
static void test_check(void **state)
{
	struct lab l;
	(void)state;

	open_lab(&l, 0, 0);
	assert_int_equal(owner_begun(l.o, HUB_A, 1), 0);
	assert_int_equal(owner_begun(l.o, HUB_B, 3), 0);
	owner_ended(l.o, HUB_B);
	assert_true(owner_has_ended(l.o, HUB_B));
	pass(&l, 20000, "owners;");
	owner_owners(l.o, 0, NULL, 0);
	pass(&l, OWNER_CHECK_MS - 20000, "announce;owners;list 5;");
	answer_owned(&l, SELF, HUB_B, NULL);
	/* Redis has lost that B ended, and that A is ours */
	pass(&l, 1, "drop B 3;write A;");
	pass(&l, 2100, "list 5;");
	/* the drop was stale: B was claimed again since */
	answer_owned(&l, SELF, HUB_A, HUB_B);
	pass(&l, 1, "claim B 5;");
	owner_claimed(l.o, HUB_B, ENOENT, 0, 0);
	pass(&l, 1, "forget 5 B;");
	mem_deref(l.o);
}

/* A move claims apart: neither touches what the other has in hand. */
static void test_take(void **state)
{
	struct owner_stat st;
	struct lab l;
	(void)state;

	open_lab(&l, 0, 0);
	assert_int_equal(owner_take(l.o, HUB_A), 0);
	assert_int_equal(owner_take(l.o, HUB_A), EBUSY);
	owner_died(l.o, DEAD);
	pass(&l, 1, "list 7;");
	answer_owned(&l, DEAD, HUB_A, HUB_B);
	pass(&l, 1, "claim B 7;");
	assert_int_equal(owner_take(l.o, HUB_B), EBUSY);
	owner_claimed(l.o, HUB_B, 0, 2, 0);
	assert_int_equal(owner_begun(l.o, HUB_A, 2), 0);
	owner_departed(l.o, HUB_B);
	pass(&l, 1, "forget 5 B;");
	owner_stat(l.o, &st);
	assert_int_equal(st.ours, 1);

	/* it could not be built: our set names it, and it is tried again */
	owner_released(l.o, HUB_A);
	owner_stat(l.o, &st);
	assert_int_equal(st.ours, 0);
	pass(&l, 2001, "list 7;list 5;");
	mem_deref(l.o);
}

/* Claims are paced; those of who lives after all are not made. */
static void test_pace(void **state)
{
	struct lab l;
	(void)state;

	open_lab(&l, 100, 1);
	owner_died(l.o, DEAD);
	pass(&l, 1, "list 7;");
	answer_owned(&l, DEAD, HUB_A, HUB_B);
	pass(&l, 5, "claim A 7;");
	pass(&l, 10, "claim B 7;");
	owner_claimed(l.o, HUB_A, ENOENT, 0, 0);
	owner_claimed(l.o, HUB_B, ENOTCONN, 0, 0);
	l.log[0] = '\0';
	pass(&l, 1000, "list 7;");
	answer_owned(&l, DEAD, HUB_B, NULL);
	l.peerv[1] = (struct owner_peer){.instance = DEAD, .room = 10};
	l.peerc = 2;
	pass(&l, 1, "");
	l.log[0] = '\0';
	mem_deref(l.o);
}

/* Nothing is taken before Redis has answered for a lease; nor by who drains. */
static void test_may_not(void **state)
{
	struct lab l;
	(void)state;

	open_lab(&l, 0, 0);
	l.settled = false;
	owner_died(l.o, DEAD);
	pass(&l, 3000, "");
	l.settled = true;
	pass(&l, 1, "list 7;");
	l.peerv[0].room = 0;
	answer_owned(&l, DEAD, HUB_A, NULL);
	pass(&l, 150, "");
	mem_deref(l.o);
}

/* ----------------------------------------------------------------- shares */

/* Each has as much as its room; when one goes, only its hubs are given out. */
static void test_share(void **state)
{
	struct owner_peer v[] = {
	    {.instance = 11, .room = 10},
	    {.instance = 22, .room = 20},
	    {.instance = 33, .room = 10},
	    {.instance = 44, .room = 0},
	    {.instance = 55, .room = 10, .last = true},
	};
	int got[5] = {0};
	(void)state;

	for (int i = 0; i < 4000; i++) {
		char hub[27];
		int first = -1;

		(void)re_snprintf(hub, sizeof(hub), "%026d", i);
		for (int k = 0; k < 5; k++) {
			if (owner_share_rank(v, 5, hub, v[k].instance, 1))
				continue;
			assert_int_equal(first, -1); /* one is the first */
			first = k;
		}
		assert_true(first >= 0);
		got[first]++;

		/* without a node that did not have it: the same one */
		if (first != 0)
			assert_int_equal(owner_share_rank(v + 1, 4, hub,
							  v[first].instance, 1),
					 0);
	}
	assert_in_range(got[0], 880, 1120);
	assert_in_range(got[1], 1850, 2150);
	assert_in_range(got[2], 880, 1120);
	assert_int_equal(got[3] + got[4], 0);

	/* the overloaded one, when nobody else is there */
	assert_int_equal(owner_share_rank(v + 3, 2, HUB_A, 55, 1), 0);
	assert_int_equal(owner_share_rank(v + 3, 2, HUB_A, 44, 1), 1);
	assert_int_equal(owner_share_rank(v, 5, HUB_A, 55, 4), 4);
}

/* Every place in the order is somebody's. */
static void test_ranks(void **state)
{
	const struct owner_peer v[] = {{.instance = 1, .room = 1},
				       {.instance = 2, .room = 2},
				       {.instance = 3, .room = 3}};
	(void)state;

	for (int i = 0; i < 100; i++) {
		char hub[27];
		unsigned seen = 0;

		(void)re_snprintf(hub, sizeof(hub), "%026d", i);
		for (uint32_t k = 1; k <= 3; k++)
			seen |= 1u << owner_share_rank(v, 3, hub, k, 9);
		assert_int_equal(seen, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_adopt),      cmocka_unit_test(test_rounds),
	    cmocka_unit_test(test_lost_reply), cmocka_unit_test(test_check),
	    cmocka_unit_test(test_take),       cmocka_unit_test(test_pace),
	    cmocka_unit_test(test_may_not),    cmocka_unit_test(test_share),
	    cmocka_unit_test(test_ranks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
