/* libs: sy_router_core sy_proto */
/* SPDX-License-Identifier: MIT */
/* A registration at a carrier, with a clock of the test's own. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "router/trunk_reg.h"

enum { START = 1000000, S = 1000 };

static const char contact[] = "sip:mark-1@192.0.2.9:5060";

static uint64_t now;
static struct trunk_reg *r;
static struct trunk_reg_msg m;
static struct view v;
static char text[4096];

static void start(const struct trunk_reg_past *past)
{
	const struct trunk_reg_conf conf = {.domain = "carrier.example",
					    .user = "4930",
					    .contact = contact,
					    .mark = "mark-1",
					    .username = "bob",
					    .password = "zanzibar",
					    .expires_s = 600};

	now = START;
	r = mem_deref(r);
	assert_int_equal(trunk_reg_alloc(&r, &conf, now), 0);
	if (past)
		assert_int_equal(trunk_reg_resume(r, past, now), 0);
}

static int stop(void **state)
{
	(void)state;
	r = mem_deref(r);

	return 0;
}

/* Time goes on until something is to be sent, and it is. @return how long [s]
 */
static unsigned send_next(void)
{
	const uint64_t due = trunk_reg_due(r), was = now;

	assert_true(due < UINT64_MAX);
	if (due > now)
		now = due;
	assert_true(trunk_reg_wants(r, now));
	assert_int_equal(trunk_reg_print(r, &m), 0);
	assert_false(trunk_reg_wants(r, now));
	assert_true(trunk_reg_due(r) == UINT64_MAX);

	return (unsigned)((now - was) / S);
}

static enum trunk_reg_out answer_of(unsigned code, const char *hdrs,
				    size_t targets)
{
	struct trunk_reg_answer a = {.code = (uint16_t)code,
				     .targets = targets,
				     .now_ms = now,
				     .random = 20};

	if (hdrs) {
		(void)snprintf(text, sizeof(text),
			       "SIP/2.0 %u X\r\n"
			       "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n"
			       "From: %s\r\nTo: <sip:a@b>;tag=1\r\n"
			       "Call-ID: %s\r\nCSeq: %u REGISTER\r\n%s\r\n",
			       code, m.from, m.call_id, m.cseq, hdrs);
		assert_int_equal(view_read(&v, text, strlen(text)), VIEW_OK);
		a.v = &v;
	}

	return trunk_reg_answer(r, &a);
}

static enum trunk_reg_out answer(unsigned code, const char *hdrs)
{
	return answer_of(code, hdrs, 1);
}

static struct trunk_reg_stat stat(void)
{
	struct trunk_reg_stat st;

	trunk_reg_stat(r, &st);

	return st;
}

static bool sent(const char *what)
{
	return strstr(m.headers, what) != NULL;
}

#define CHALLENGE                                                             \
	"WWW-Authenticate: Digest realm=\"c\", nonce=\"1\", qop=\"auth\"\r\n"
#define GRANTED(s)                                                            \
	"Contact: <sip:mark-1@192.0.2.9:5060>;expires=" #s "\r\n"

static void test_challenge_and_refresh(void **state)
{
	uint32_t cseq;
	char *id = NULL;

	(void)state;
	start(NULL);
	assert_int_equal(send_next(), 0);
	assert_string_equal(m.uri, "sip:carrier.example");
	assert_string_equal(m.to, "<sip:4930@carrier.example>");
	assert_true(sent("Contact: <sip:mark-1@192.0.2.9:5060>\r\n"));
	assert_true(sent("Expires: 600\r\n"));
	assert_false(sent("Authorization"));
	cseq = m.cseq;
	assert_int_equal(str_dup(&id, m.call_id), 0);

	assert_int_equal(answer(401, CHALLENGE), TRUNK_REG_SAME);
	assert_int_equal(send_next(), 0);
	assert_true(sent("nc=00000001"));
	assert_int_equal(m.cseq, cseq + 1);
	assert_string_equal(m.call_id, id);
	assert_int_equal(answer(200, GRANTED(300)
				"Service-Route: <sip:p1;lr>, <sip:p2;lr>\r\n"),
			 TRUNK_REG_UP);
	assert_true(stat().registered);
	assert_int_equal(stat().last_code, 200);
	assert_int_equal(stat().expires_ms, START + 300 * S);
	assert_int_equal(stat().routec, 2);
	assert_string_equal(stat().routev[1], "<sip:p2;lr>");

	/* 78 % for this random number; the nonce is used on */
	assert_int_equal(send_next(), 234);
	assert_true(sent("nc=00000002"));
	assert_int_equal(answer(401, "WWW-Authenticate: Digest realm=\"c\", "
				"nonce=\"2\", qop=\"auth\", stale=true\r\n"),
			 TRUNK_REG_SAME);
	assert_int_equal(send_next(), 0);
	assert_true(sent("nonce=\"2\""));
	assert_int_equal(answer(200, "Expires: 100\r\n"), TRUNK_REG_SAME);
	assert_int_equal(stat().expires_ms, now + 100 * S);
	assert_int_equal(stat().routec, 0);
	mem_deref(id);
}

static void test_password_refused(void **state)
{
	unsigned s, before = 0;

	(void)state;
	start(NULL);
	/* not hammered: longer and longer, to minutes */
	for (int i = 0; i < 8; i++) {
		s = send_next();
		assert_true(i ? s >= before : !s);
		before = s;
		assert_int_equal(answer(401, CHALLENGE), TRUNK_REG_SAME);
		assert_int_equal(send_next(), 0);
		assert_int_equal(answer(401, CHALLENGE), TRUNK_REG_SAME);
		assert_string_equal(stat().reason, "the registrar refuses "
						   "user or password");
		assert_int_equal(stat().last_code, 401);
	}
	assert_int_equal(before, 600);
	(void)send_next();
	assert_int_equal(answer(403, "Retry-After: 1800\r\n"),
			 TRUNK_REG_SAME);
	assert_int_equal(send_next(), 1800);
	assert_int_equal(answer(200, GRANTED(600)), TRUNK_REG_UP);
	assert_string_equal(stat().reason, "");
}

static void test_refused_later(void **state)
{
	(void)state;
	start(NULL);
	(void)send_next();
	assert_int_equal(answer(200, GRANTED(600)), TRUNK_REG_UP);
	(void)send_next();
	assert_int_equal(answer(403, ""), TRUNK_REG_DOWN);
	assert_false(stat().registered);
	assert_int_equal(send_next(), 30);
}

static void test_too_brief(void **state)
{
	(void)state;
	start(NULL);
	(void)send_next();
	assert_int_equal(answer(423, "Min-Expires: 1800\r\n"),
			 TRUNK_REG_SAME);
	assert_int_equal(send_next(), 0);
	assert_true(sent("Expires: 1800\r\n"));
	/* it does not know what it wants */
	assert_int_equal(answer(423, "Min-Expires: 1800\r\n"),
			 TRUNK_REG_SAME);
	assert_int_equal(send_next(), 30);
}

static void test_targets(void **state)
{
	(void)state;
	start(NULL);
	assert_int_equal(send_next(), 0);
	assert_int_equal(answer_of(408, NULL, 3), TRUNK_REG_SAME);
	assert_int_equal(trunk_reg_target(r), 1);
	assert_int_equal(send_next(), 0);
	assert_int_equal(answer_of(503, "", 3), TRUNK_REG_SAME);
	assert_int_equal(trunk_reg_target(r), 2);
	assert_int_equal(send_next(), 0);
	assert_int_equal(answer_of(503, NULL, 3), TRUNK_REG_SAME);
	assert_string_equal(stat().reason, "the registrar cannot be reached");
	assert_int_equal(trunk_reg_target(r), 0);
	assert_int_equal(send_next(), 2);
	assert_int_equal(answer_of(408, NULL, 1), TRUNK_REG_SAME);
	assert_int_equal(send_next(), 4);
}

/* What stands goes on until it lapses. */
static void test_lapses(void **state)
{
	(void)state;
	start(NULL);
	(void)send_next();
	assert_int_equal(answer(200, GRANTED(60)), TRUNK_REG_UP);
	while (now < START + 60 * S - 1) {
		const uint64_t due = trunk_reg_due(r);

		if (due >= START + 60 * S)
			break;
		(void)send_next();
		assert_int_equal(trunk_reg_tick(r, now), TRUNK_REG_SAME);
		assert_int_equal(answer(408, NULL), TRUNK_REG_SAME);
		assert_true(stat().registered);
	}
	now = START + 60 * S;
	assert_true(trunk_reg_due(r) <= now);
	assert_int_equal(trunk_reg_tick(r, now), TRUNK_REG_DOWN);
	assert_false(stat().registered);
}

/* The router before us is dead: its contact leads nowhere. */
static void test_taken_over(void **state)
{
	const struct trunk_reg_past past = {
		.call_id = "id-of-before",
		.cseq = 7,
		.contact = "sip:mark-1@192.0.2.8:5060",
		.expires_ms = START + 500 * S,
		.refresh_ms = START + 400 * S,
	};

	(void)state;
	start(&past);
	assert_true(stat().registered);
	assert_int_equal(send_next(), 0);
	assert_string_equal(m.call_id, "id-of-before");
	assert_true(m.cseq > 7);
	assert_int_equal(answer(200, GRANTED(600)
				"Contact: <sip:mark-1@192.0.2.8:5060>;"
				"expires=500, <sip:else@192.0.2.8>\r\n"),
			 TRUNK_REG_SAME);
	/* and is removed */
	assert_int_equal(send_next(), 0);
	assert_true(sent("Contact: <sip:mark-1@192.0.2.8:5060>\r\n"
			 "Expires: 0\r\n"));
	assert_int_equal(answer(401, CHALLENGE), TRUNK_REG_SAME);
	assert_int_equal(send_next(), 0);
	assert_true(sent("mark-1@192.0.2.8"));
	assert_true(sent("Authorization"));
	assert_int_equal(answer(200, ""), TRUNK_REG_SAME);
	assert_string_equal(stat().contact, contact);
	assert_int_equal(send_next(), 468);
	assert_true(sent("Contact: <sip:mark-1@192.0.2.9:5060>\r\n"));
}

/* We were started again: what stands still leads to us. */
static void test_started_again(void **state)
{
	const struct trunk_reg_past past = {
		.call_id = "id-of-before",
		.cseq = 7,
		.contact = contact,
		.expires_ms = START + 500 * S,
		.refresh_ms = START + 400 * S,
	};

	(void)state;
	start(&past);
	assert_int_equal(send_next(), 400);
	assert_int_equal(m.cseq, 8 + TRUNK_REG_CSEQ_MARGIN);
}

static void test_leave(void **state)
{
	(void)state;
	start(NULL);
	trunk_reg_leave(r, now);
	assert_true(trunk_reg_is_gone(r));

	start(NULL);
	(void)send_next();
	trunk_reg_leave(r, now);
	assert_false(trunk_reg_is_gone(r));
	/* it was under way */
	assert_int_equal(answer(200, GRANTED(600)), TRUNK_REG_UP);
	assert_false(trunk_reg_is_gone(r));
	assert_int_equal(send_next(), 0);
	assert_true(sent("Expires: 0\r\n"));
	assert_int_equal(answer(401, CHALLENGE), TRUNK_REG_SAME);
	assert_int_equal(send_next(), 0);
	assert_int_equal(answer(200, ""), TRUNK_REG_DOWN);
	assert_true(trunk_reg_is_gone(r));
	assert_true(trunk_reg_due(r) == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_challenge_and_refresh, stop),
		cmocka_unit_test_teardown(test_password_refused, stop),
		cmocka_unit_test_teardown(test_refused_later, stop),
		cmocka_unit_test_teardown(test_too_brief, stop),
		cmocka_unit_test_teardown(test_targets, stop),
		cmocka_unit_test_teardown(test_lapses, stop),
		cmocka_unit_test_teardown(test_taken_over, stop),
		cmocka_unit_test_teardown(test_started_again, stop),
		cmocka_unit_test_teardown(test_leave, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
