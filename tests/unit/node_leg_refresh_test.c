/* libs: sy_node_core sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/*
 * A leg whose session is refreshed (RFC 4028), in a whole node.  A second of
 * its timer lasts 5 ms.
 */

#include "node_hub_router.h"
#include "node/sip/ua.h"

enum { SECOND_MS = 5 };

struct trial {
	struct lab l;
	struct phone p;
	char id[ULID_LEN + 1];
	const char *ok; /* our 200 */
};

/* A phone in a conference; who refreshes its session is said by it. */
static void begin(struct trial *t, void **state, const char *extra)
{
	Sy__Destination dest;

	memset(t, 0, sizeof(*t));
	lab_open(&t->l, state);
	sipua_set_second(t->l.node->ua, SECOND_MS);
	ulid_make(t->id);
	phone_open(&t->l, &t->p, t->id);
	sy__destination__init(&dest);
	dest.kind_case = SY__DESTINATION__KIND_CONFERENCE;
	dest.conference = (char *)"lobby";
	assert_int_equal(phone_place(&t->l, &t->p, &dest), SY__RESULT_CODE__OK);
	t->p.extra = extra;
	phone_invite(&t->l, &t->p);
	t->ok = phone_get(&t->l, &t->p, "200");
	phone_ack(&t->l, &t->p, t->ok);
	t->p.extra = NULL;
}

static void end(struct trial *t)
{
	lab_rest(&t->l);
	phone_close(&t->p);
	lab_close(&t->l);
}

static void accept_it(struct trial *t, const char *req)
{
	char sdp[512];

	(void)re_snprintf(sdp, sizeof(sdp), sdp_offer, t->p.port, t->p.dir);
	lab_reply(&t->l, req, "200 OK", NULL, sdp);
	(void)lab_get(&t->l, "ACK ", t->p.call_id);
}

static bool cond_packets(void *arg)
{
	const struct phone *p = arg;

	return p->packets >= 10;
}

/* A phone without UPDATE gets our description again, word for word. */
static void reinvite(void **state)
{
	struct trial t;
	const char *req;

	begin(&t, state,
	      "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n");
	assert_string_equal(hdr(t.ok, "Session-Expires"), "90;refresher=uas");
	req = lab_get(&t.l, "INVITE ", t.p.call_id);
	assert_string_equal(strstr(req, "\r\n\r\n"), strstr(t.ok, "\r\n\r\n"));
	assert_string_equal(hdr(req, "Session-Expires"), "90;refresher=uac");
	accept_it(&t, req);
	t.p.packets = 0;
	run_until(t.l.f, cond_packets, &t.p);
	phone_bye(&t.l, &t.p);
	end(&t);
}

/* Nobody refreshes it: the call ends. */
static void expired(void **state)
{
	struct trial t;
	const char *bye;

	begin(&t, state,
	      "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n");
	bye = lab_get(&t.l, "BYE ", t.p.call_id);
	lab_reply(&t.l, bye, "200 OK", NULL, NULL);
	assert_null(node_hub(t.l.node, t.id));
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    lab_test(reinvite),
	    lab_test(expired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
