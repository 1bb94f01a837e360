/* libs: sy_node_webrtc sy_media */
/* SPDX-License-Identifier: MIT */
/* The lite side of ICE, asked by checks that libre's STUN makes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "node/webrtc/ice.h"

static const struct ice_cred ours = {"ourFrag", "ourPasswordThatIsLong22"};
static const struct ice_cred theirs = {"thFrag", "theirPasswordThatIsLong2"};
static const struct ice_cred offered = {"newFrag", "newPasswordThatIsLong22"};
static const uint8_t tid[STUN_TID_SIZE] = "twelve bytes";

static struct {
	struct ice *ice;
	struct mbuf *mb; /* the last answer */
	struct sa to;
	unsigned answers;
	unsigned selections;
	struct sa selected;
} fix;

static struct sa addr(const char *host, uint16_t port)
{
	struct sa sa;

	assert_int_equal(sa_set_str(&sa, host, port), 0);

	return sa;
}

static void on_send(const struct sa *dst, const uint8_t *p, size_t len,
		    void *arg)
{
	(void)arg;
	++fix.answers;
	fix.to = *dst;
	mem_deref(fix.mb);
	fix.mb = mbuf_alloc(len);
	(void)mbuf_write_mem(fix.mb, p, len);
	fix.mb->pos = 0;
}

static void on_selected(const struct sa *peer, void *arg)
{
	(void)arg;
	++fix.selections;
	fix.selected = *peer;
}

static int setup(void **state)
{
	(void)state;
	memset(&fix, 0, sizeof(fix));
	assert_int_equal(ice_alloc(&fix.ice, on_send, on_selected, NULL), 0);
	ice_set(fix.ice, &ours, &theirs);

	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mem_deref(fix.ice);
	mem_deref(fix.mb);

	return 0;
}

/* What a check may be like; zeros: a good one. */
struct ask {
	const char *user, *pwd; /* NULL: the right ones; "": none */
	bool nominate, controlled, unknown, no_fingerprint;
	int cls; /* 0: request */
};

static struct mbuf *check(const struct ask *a)
{
	const char *user = a->user ? a->user : "ourFrag:thFrag";
	const char *pwd = a->pwd ? a->pwd : ours.pwd;
	const uint64_t tie = 7;
	const uint32_t prio = 12345;
	const uint16_t lifetime = 1;
	struct mbuf *mb = mbuf_alloc(256);

	assert_int_equal(
	    stun_msg_encode(
		mb, STUN_METHOD_BINDING, (uint8_t)a->cls, tid, NULL,
		*pwd ? (const uint8_t *)pwd : NULL, strlen(pwd),
		!a->no_fingerprint, 0, 5, STUN_ATTR_USERNAME,
		*user ? user : NULL, STUN_ATTR_PRIORITY, &prio,
		a->controlled ? STUN_ATTR_CONTROLLED : STUN_ATTR_CONTROLLING,
		&tie, STUN_ATTR_USE_CAND, a->nominate ? &tie : NULL,
		/* comprehension required, and libre's decoder knows it not */
		STUN_ATTR_RESP_PORT, a->unknown ? &lifetime : NULL),
	    0);

	return mb;
}

static void ask_from(const struct ask *a, const struct sa *src, uint64_t now_ms)
{
	struct mbuf *mb = check(a);

	ice_recv(fix.ice, src, mb->buf, mb->end, now_ms);
	mem_deref(mb);
}

/* The code of the answer to one check; 0: success; -1: there was none. */
static int ask(const struct ask *a, const struct sa *src)
{
	const unsigned before = fix.answers;
	struct stun_unknown_attr ua;
	struct stun_msg *msg;
	struct stun_attr *attr;
	int code = 0;

	ask_from(a, src, 1000);
	if (fix.answers == before)
		return -1;

	assert_true(sa_cmp(&fix.to, src, SA_ALL));
	assert_int_equal(stun_msg_decode(&msg, fix.mb, &ua), 0);
	assert_int_equal(stun_msg_chk_fingerprint(msg), 0);
	assert_memory_equal(stun_msg_tid(msg), tid, sizeof(tid));
	if (stun_msg_class(msg) == STUN_CLASS_ERROR_RESP) {
		attr = stun_msg_attr(msg, STUN_ATTR_ERR_CODE);
		code = attr->v.err_code.code;
	} else {
		const char *pwd = a->pwd ? a->pwd : ours.pwd;

		attr = stun_msg_attr(msg, STUN_ATTR_XOR_MAPPED_ADDR);
		assert_true(sa_cmp(&attr->v.xor_mapped_addr, src, SA_ALL));
		assert_int_equal(
		    stun_msg_chk_mi(msg, (uint8_t *)pwd, strlen(pwd)), 0);
	}
	mem_deref(msg);

	return code;
}

static void test_answers(void **state)
{
	static const struct {
		struct ask ask;
		int code;
	} rows[] = {
	    {{0}, 0},
	    {{.nominate = true}, 0},
	    {{.user = ""}, 400},
	    {{.pwd = ""}, 400},
	    {{.user = "ourFrag:other"}, 401},
	    {{.user = "other:thFrag"}, 401},
	    {{.user = "ourFrag"}, 401},
	    {{.pwd = "another password of 22 letters"}, 401},
	    {{.controlled = true}, 487},
	    {{.no_fingerprint = true}, -1},
	    {{.cls = STUN_CLASS_INDICATION}, -1},
	    {{.cls = STUN_CLASS_SUCCESS_RESP}, -1},
	};
	const struct sa src = addr("192.0.2.7", 4000);

	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const int code = ask(&rows[i].ask, &src);

		if (code != rows[i].code)
			fail_msg("row %zu: %d, not %d", i, code, rows[i].code);
	}
}

/* Who is refused has passed no check, and chooses nothing. */
static void test_checked(void **state)
{
	const struct sa good = addr("192.0.2.7", 4000);
	const struct sa bad = addr("192.0.2.8", 4000);

	(void)state;

	assert_int_equal(
	    ask(&(struct ask){.pwd = theirs.pwd, .nominate = true}, &bad), 401);
	assert_false(ice_is_checked(fix.ice, &bad));
	assert_null(ice_selected(fix.ice));

	assert_int_equal(ask(&(struct ask){.nominate = false}, &good), 0);
	assert_true(ice_is_checked(fix.ice, &good));
	assert_null(ice_selected(fix.ice));
	assert_int_equal(fix.selections, 0);
}

static void test_selects(void **state)
{
	const struct ask use = {.nominate = true}, keep = {0};
	const struct sa a = addr("192.0.2.7", 4000);
	const struct sa b = addr("2001:db8::7", 4002);

	(void)state;

	assert_int_equal(ask(&use, &a), 0);
	assert_int_equal(ask(&use, &a), 0);
	assert_int_equal(fix.selections, 1);
	assert_true(sa_cmp(ice_selected(fix.ice), &a, SA_ALL));

	assert_int_equal(ask(&keep, &b), 0);
	assert_int_equal(fix.selections, 1);
	assert_int_equal(ask(&use, &b), 0);
	assert_int_equal(fix.selections, 2);
	assert_true(sa_cmp(&fix.selected, &b, SA_ALL));
}

/* New names: the old ones are refused, and what they proved is forgotten; the
 * chosen address holds until another is chosen. */
static void test_restart(void **state)
{
	static const struct ice_cred more = {"newFrag",
					     "newPasswordThatIsLong22"};
	const struct ask old = {.nominate = true};
	const struct ask new = {.user = "newFrag:thFrag", .pwd = more.pwd};
	const struct sa src = addr("192.0.2.7", 4000);

	(void)state;

	assert_int_equal(ask(&old, &src), 0);
	ice_set(fix.ice, &ours, &theirs);
	assert_true(ice_is_checked(fix.ice, &src));

	ice_set(fix.ice, &more, &theirs);
	assert_false(ice_is_checked(fix.ice, &src));
	assert_non_null(ice_selected(fix.ice));
	assert_int_equal(ask(&old, &src), 401);
	ask_from(&new, &src, 0);
	assert_true(ice_is_checked(fix.ice, &src));
}

static void test_consent(void **state)
{
	const struct sa src = addr("192.0.2.7", 4000);

	(void)state;

	assert_false(ice_consents(fix.ice, 1));
	ask_from(&(struct ask){.nominate = true}, &src, 5000);
	assert_true(ice_consents(fix.ice, 5000 + ICE_CONSENT_MS - 1));
	assert_false(ice_consents(fix.ice, 5000 + ICE_CONSENT_MS));

	/* A refused one is no consent. */
	ask_from(&(struct ask){.pwd = theirs.pwd}, &src, 90000);
	assert_false(ice_consents(fix.ice, 90000));
	ask_from(&(struct ask){.nominate = false}, &src, 90000);
	assert_true(ice_consents(fix.ice, 90000));
}

/* More addresses than are remembered: the oldest go. */
static void test_many(void **state)
{
	const struct ask a = {0};

	(void)state;

	for (uint16_t i = 0; i <= ICE_CHECKED; i++) {
		const struct sa src = addr("192.0.2.7", (uint16_t)(4000 + i));

		assert_int_equal(ask(&a, &src), 0);
		assert_true(ice_is_checked(fix.ice, &src));
	}

	assert_false(ice_is_checked(fix.ice, &(struct sa){0}));
	{
		const struct sa first = addr("192.0.2.7", 4000);
		const struct sa second = addr("192.0.2.7", 4001);

		assert_false(ice_is_checked(fix.ice, &first));
		assert_true(ice_is_checked(fix.ice, &second));
	}
}

/* Every prefix of a check, and every byte of it wrong: no crash, and nothing
 * but the whole one is taken. */
static void test_broken(void **state)
{
	const struct ask a = {.nominate = true};
	const struct sa src = addr("192.0.2.7", 4000);
	struct mbuf *mb = check(&a);

	(void)state;

	for (size_t n = 0; n < mb->end; n++) {
		ice_recv(fix.ice, &src, mb->buf, n, 1000);
		mb->buf[n] ^= 0x55;
		ice_recv(fix.ice, &src, mb->buf, mb->end, 1000);
		mb->buf[n] ^= 0x55;
	}
	assert_null(ice_selected(fix.ice));
	assert_int_equal(ice_stat(fix.ice)->checks, 0);

	ice_recv(fix.ice, &src, mb->buf, mb->end, 1000);
	assert_non_null(ice_selected(fix.ice));
	mem_deref(mb);
}

static void test_names(void **state)
{
	struct ice_cred a, b;

	(void)state;

	ice_cred_new(&a);
	ice_cred_new(&b);
	assert_int_equal(strlen(a.ufrag), ICE_OWN_UFRAG);
	assert_int_equal(strlen(a.pwd), ICE_OWN_PWD);
	assert_false(ice_cred_same(&a, &b));
	assert_true(ice_cred_same(&a, &a));
}

/* Its checks are ahead of its answer, which says whose they were. */
static void test_expects(void **state)
{
	static const struct ice_cred next = {"nxFrag", "nextPasswordThatIsLong22"};
	const struct ask its = {.user = "newFrag:nxFrag", .pwd = offered.pwd,
				.nominate = true};
	const struct ask before = {.user = "newFrag:thFrag",
				   .pwd = offered.pwd};
	const struct ask wrong = {.user = "newFrag:nxFrag"};
	const struct sa a = addr("192.0.2.7", 4000);
	const struct sa b = addr("192.0.2.8", 4000);

	(void)state;

	assert_int_equal(ask(&its, &a), 401);
	assert_int_equal(ask(&(struct ask){.nominate = true}, &b), 0);
	assert_int_equal(ice_expect(fix.ice, &offered, theirs.ufrag), 0);
	assert_int_equal(ask(&before, &a), -1);
	assert_int_equal(ask(&wrong, &a), 401);
	assert_false(ice_is_early(fix.ice, &a));
	assert_int_equal(ask(&its, &a), 0);
	assert_true(ice_is_early(fix.ice, &a));

	/* What holds still holds. */
	assert_false(ice_is_checked(fix.ice, &a));
	assert_true(sa_cmp(ice_selected(fix.ice), &b, SA_ALL));
	assert_int_equal(ask(&(struct ask){0}, &b), 0);

	/* ... also if it is said once more. */
	assert_false(ice_set(fix.ice, &ours, &theirs));
	assert_true(ice_is_early(fix.ice, &a));

	assert_true(ice_set(fix.ice, &offered, &next));
	assert_true(ice_is_checked(fix.ice, &a));
	assert_false(ice_is_checked(fix.ice, &b));
	assert_false(ice_is_early(fix.ice, &a));
	assert_true(sa_cmp(ice_selected(fix.ice), &a, SA_ALL));
	assert_int_equal(fix.selections, 1);
	assert_int_equal(ask(&its, &a), 0);
}

/* Checks by another name than the answer's were another's. */
static void test_expects_another(void **state)
{
	static const struct ice_cred next = {"nxFrag", "nextPasswordThatIsLong22"};
	const struct ask fork = {.user = "newFrag:fork", .pwd = offered.pwd,
				 .nominate = true};
	const struct sa a = addr("192.0.2.7", 4000);

	(void)state;

	assert_int_equal(ice_expect(fix.ice, &offered, ""), 0);
	assert_int_equal(ask(&fork, &a), 0);
	ice_set(fix.ice, &offered, &next);
	assert_false(ice_is_checked(fix.ice, &a));
	assert_null(ice_selected(fix.ice));
	assert_int_equal(ask(&fork, &a), 401);

	/* The same names again are no restart. */
	assert_int_equal(ice_expect(fix.ice, &offered, next.ufrag), 0);
	assert_int_equal(ask(&(struct ask){.user = "newFrag:nxFrag",
					   .pwd = offered.pwd}, &a), 0);
	assert_true(ice_is_checked(fix.ice, &a));
	assert_false(ice_is_early(fix.ice, &a));
}

/* The first offer of a transport: nobody is known before. */
static void test_expects_the_first(void **state)
{
	const struct ask its = {.user = "newFrag:thFrag", .pwd = offered.pwd,
				.nominate = true};
	const struct sa a = addr("192.0.2.7", 4000);

	(void)state;

	mem_deref(fix.ice);
	assert_int_equal(ice_alloc(&fix.ice, on_send, on_selected, NULL), 0);
	assert_int_equal(ask(&its, &a), -1);
	assert_int_equal(ice_expect(fix.ice, &offered, ""), 0);
	assert_int_equal(ask(&(struct ask){.user = "other:thFrag"}, &a), -1);
	assert_int_equal(ask(&its, &a), 0);
	assert_null(ice_selected(fix.ice));
	ice_set(fix.ice, &offered, &theirs);
	assert_true(sa_cmp(ice_selected(fix.ice), &a, SA_ALL));
	assert_true(ice_consents(fix.ice, 2000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_checked, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_selects, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_consent, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test_setup_teardown(test_expects, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_expects_another, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_expects_the_first, setup,
					    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
