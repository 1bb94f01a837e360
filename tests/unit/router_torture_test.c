/* libs: sy_router_core sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/*
 * The messages of RFC 4475 and RFC 5118 (torture/) at a router: the test's
 * phone is a trunk and a stranger, and sends them as they are; the test's
 * node takes what is forwarded.  torture/table.h says what is due and why;
 * a line for each message tells what came.
 */

#define CLUSTER_CONFIG                                                         \
	"{\"settings\":{\"realm\":\"switchyard\",\"domains\":"                 \
	"[\"example.com\"]},\"devices\":["                                     \
	"{\"id\":\"user\",\"password\":\"torture\"},"                          \
	"{\"id\":\"j.user\",\"password\":\"torture\"},"                        \
	"{\"id\":\"null-\",\"password\":\"torture\"},"                         \
	"{\"id\":\"watson\",\"password\":\"torture\"}],"                       \
	"\"trunks\":[{\"id\":\"any\",\"sources\":[\"127.0.0.1\"],"             \
	"\"enabled\":true}],\"routes\":[{\"id\":\"all\",\"order\":1,"          \
	"\"pattern\":\"!\",\"target\":{\"echo\":true}}]}"

#include "router_cluster.h"
#include "torture/table.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A message as it is in its file, and what it looks like. */
static struct {
	char buf[8192];
	size_t len;
	struct view v;
	enum view_err err;
	char why[256]; /* what was wrong with what came */
} m;

static void load(const char *name)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/torture/%s.dat", SY_TEST_DIR, name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	m.len = fread(m.buf, 1, sizeof(m.buf), f);
	fclose(f);
	assert_in_range(m.len, 1, sizeof(m.buf) - 1);
	m.err = view_read(&m.v, m.buf, m.len);
	m.why[0] = 0;
}

static bool wrong(const char *what)
{
	str_ncpy(m.why, what, sizeof(m.why));

	return false;
}

/* -------------------------------------------------------- what comes of it */

static uint64_t drops_before;

static uint64_t drops(void)
{
	uint64_t n = 0;

	for (int i = STAT_DROP_JUNK; i <= STAT_DROP_NO_OWNER; i++)
		n += t.workers[0]->stats.n[i];

	return n;
}

static bool something_came(void *arg)
{
	(void)arg;
	return t.phone.len || t.node.len || drops() != drops_before;
}

static void peer_sends(struct peer *p, const char *buf, size_t len)
{
	const struct sa *to = &t.routers[0].wires.portv[0].sa;

	t.phone.len = t.node.len = 0;
	drops_before = drops();
	assert_int_equal(sendto(p->fd, buf, len, 0, &to->u.sa, to->len), len);
	if (!until(something_came))
		(void)wrong("nothing came of it");
}

static bool contains(const struct peer *p, const void *what, size_t len)
{
	return !len || memmem(p->buf, p->len, what, len);
}

/* --------------------------------------------------------------- answered */

/* The status code of what the phone has; its Vias are those of the request. */
static unsigned answer_code(void)
{
	const struct view_field *f = view_first(&m.v, VIEW_VIA);
	unsigned code = 0;

	t.phone.buf[t.phone.len] = 0;
	if (sscanf(t.phone.buf, "SIP/2.0 %3u ", &code) != 1)
		return 0;
	if (m.err == VIEW_OK &&
	    view_read(&v, t.phone.buf, t.phone.len) != VIEW_OK)
		return 0;
	while ((f = view_next(&m.v, f))) { /* the topmost was marked */
		if (!contains(&t.phone, m.v.p + f->line, f->next - f->line))
			return 0;
	}

	return code;
}

static bool is_answered(unsigned code)
{
	unsigned got;

	if (t.node.len)
		return wrong("was forwarded");
	if (!t.phone.len)
		return wrong(*m.why ? m.why : "was dropped");
	got = answer_code();
	if (got == code)
		return true;
	snprintf(m.why, sizeof(m.why), "answered %.60s", t.phone.buf);

	return false;
}

/* -------------------------------------------------------------- forwarded */

/* May a proxy alter this header?  (It puts others on top.) */
static bool may_change(const struct view_field *f)
{
	return f->id == VIEW_MAX_FORWARDS || f == view_first(&m.v, VIEW_VIA);
}

static bool is_forwarded(void)
{
	const struct view *n;

	if (!t.node.len)
		return wrong(t.phone.len ? t.phone.buf : "was dropped");
	n = see(&t.node);
	if (pl_cmp(&n->uri, &m.v.uri))
		return wrong("its Request-URI was altered");
	if (n->len - n->body != m.v.len - m.v.body ||
	    memcmp(n->p + n->body, m.v.p + m.v.body, m.v.len - m.v.body))
		return wrong("its body was altered");
	if (!contains(&t.node, m.v.via.all.p, m.v.via.all.l))
		return wrong("its Via was altered");
	for (unsigned i = 0; i < m.v.fieldc; i++) {
		const struct view_field *f = &m.v.fieldv[i];

		if (!may_change(f) &&
		    !contains(&t.node, m.v.p + f->line, f->next - f->line))
			return wrong("a header was altered");
	}
	if (n->max_forwards !=
	    (m.v.max_forwards < 0 ? 70 : m.v.max_forwards - 1))
		return wrong("its Max-Forwards is not one less");

	return true;
}

/* ------------------------------------------------------------- registered */

/* Again, with what the challenge asks for. */
static void send_authorized(void)
{
	struct req r = {.method = "REGISTER"};
	char buf[8192], uri[256], user[64];
	const size_t at = m.v.body - 2;
	struct view_uri to;
	size_t n;

	assert_int_equal(view_uri_read(&to, &m.v.to.uri), 0);
	assert_true(view_unescape(user, sizeof(user), &to.user) > 0);
	(void)pl_strcpy(&m.v.uri, uri, sizeof(uri));
	r.uri = uri;
	authorize(&r, DIGEST_SHA256, user, "torture");
	n = strlen(r.more);
	assert_true(m.len + n <= sizeof(buf));
	memcpy(buf, m.v.p, at);
	memcpy(buf + at, r.more, n);
	memcpy(buf + at + n, m.v.p + at, m.len - at);
	peer_sends(&t.phone, buf, m.len + n);
}

static bool is_registered(unsigned code)
{
	const uint64_t *invites =
	    &t.workers[0]->stats.n[STAT_REQUEST + VIEW_INVITE];
	const uint64_t before = *invites;

	if (!is_answered(401))
		return false;
	send_authorized();
	if (!is_answered(code))
		return false;

	return *invites == before || wrong("two messages were seen");
}

/* ---------------------------------------------------------------- relayed */

static void copy(char *buf, size_t *n, const char *p, size_t len)
{
	assert_true(*n + len <= sizeof(m.buf));
	memcpy(buf + *n, p, len);
	*n += len;
}

/* The response's start line and body with what the node's request is
 * answered by. */
static size_t node_response(char *buf)
{
	const struct view *n = see(&t.node);
	size_t len = 0;
	char cl[64];

	copy(buf, &len, m.v.p, m.v.headers);
	for (unsigned i = 0; i < n->fieldc; i++) {
		const struct view_field *f = &n->fieldv[i];

		if (f->id == VIEW_VIA || f->id == VIEW_FROM ||
		    f->id == VIEW_TO || f->id == VIEW_CALL_ID ||
		    f->id == VIEW_CSEQ)
			copy(buf, &len, n->p + f->line, f->next - f->line);
	}
	snprintf(cl, sizeof(cl), "Content-Length: %u\r\n\r\n",
		 m.v.len - m.v.body);
	copy(buf, &len, cl, strlen(cl));
	copy(buf, &len, m.v.p + m.v.body, m.v.len - m.v.body);

	return len;
}

static bool is_dropped(unsigned stat, uint64_t before)
{
	if (t.node.len || t.phone.len)
		return wrong(t.phone.len ? t.phone.buf : "was forwarded");

	return t.workers[0]->stats.n[stat] == before + 1 ||
	       wrong("was dropped for another reason");
}

static bool is_relayed(unsigned code)
{
	struct req r = make("INVITE", "sip:600@example.com");
	const char *request = print(&r);
	char buf[sizeof(m.buf)];

	peer_sends(&t.phone, request, strlen(request));
	if (!t.node.len)
		return wrong("the call that it answers failed");
	peer_sends(&t.node, buf, node_response(buf));
	if (!t.phone.len)
		return wrong("was dropped");

	return (see(&t.phone)->code == code &&
		!memcmp(t.phone.buf, m.v.p, m.v.headers) &&
		contains(&t.phone, m.v.p + m.v.body, m.v.len - m.v.body)) ||
	       wrong("was altered");
}

/* ------------------------------------------------------------------ tests */

static bool holds(const struct torture *c)
{
	const unsigned stat = c->due == DROPPED ? c->code : STAT_DROP_FOREIGN;
	const uint64_t before = t.workers[0]->stats.n[stat];

	load(c->name);
	peer_sends(&t.phone, m.buf, m.len);
	switch (c->due) {
	case ANSWERED:
		return is_answered(c->code);
	case FORWARDED:
		return is_forwarded();
	case REGISTERED:
		return is_registered(c->code);
	case RELAYED:
		/* its own Via is not ours */
		return is_dropped(stat, before) && is_relayed(c->code);
	case DROPPED:
	default:
		return is_dropped(stat, before);
	}
}

static bool has_text(const struct torture *c)
{
	const struct peer *p = t.node.len ? &t.node : &t.phone;

	return !c->has || contains(p, c->has, strlen(c->has)) ||
	       wrong("lacks what it should have");
}

static void run(const char *rfc, const struct torture *v_, size_t n)
{
	static const char *const duev[] = {"answered", "forwarded",
					   "registered", "relayed", "dropped"};
	unsigned failed = 0;

	for (size_t i = 0; i < n; i++) {
		const struct torture *c = &v_[i];
		const bool ok = holds(c) && has_text(c);
		char code[12] = "";

		if (c->due != DROPPED && c->code)
			snprintf(code, sizeof(code), "%u", c->code);
		print_message("%-4s %s %-8s %-29s %-10s %-3s %s%s%s\n",
			      ok ? "pass" : "FAIL", rfc, c->section, c->name,
			      duev[c->due], code, c->why, ok ? "" : "; it ",
			      ok ? "" : m.why);
		failed += !ok;
	}
	if (failed)
		fail_msg("%u of %zu failed", failed, n);
}

static void test_4475(void **state)
{
	(void)state;
	assert_int_equal(COUNT(torturev), 49);
	run("RFC 4475", torturev, COUNT(torturev));
}

static void test_5118(void **state)
{
	(void)state;
	run("RFC 5118", ipv6v, COUNT(ipv6v));
}

/* What the dial plan is asked for is the user part without its escapes.
 * (Before the others: a call that is placed is not placed again.) */
static void test_unescaped(void **state)
{
	(void)state;
	load("esc01");
	peer_sends(&t.phone, m.buf, m.len);
	assert_true(is_forwarded());
	assert_string_equal(t.placed->called, "sips:user@example.com");
	assert_string_equal(t.placed->caller, "I have spaces");
}

/* A body of all octets goes on as it came (3.1.1.11 as an INVITE). */
static void test_binary_body(void **state)
{
	static const char invite[] = "INVITE ";
	char buf[sizeof(m.buf)], *p;
	const char *cseq;
	size_t n = 0;

	(void)state;
	load("mpart01");
	cseq = memmem(m.buf, m.len, "1 MESSAGE", 9);
	assert_non_null(cseq);
	copy(buf, &n, invite, 7);
	p = m.buf + strlen("MESSAGE ");
	copy(buf, &n, p, (size_t)(cseq + 2 - p));
	copy(buf, &n, invite, 6);
	p = m.buf + (cseq + 9 - m.buf);
	copy(buf, &n, p, (size_t)(m.buf + m.len - p));
	memcpy(m.buf, buf, n);
	m.len = n;
	m.err = view_read(&m.v, m.buf, m.len);
	assert_int_equal(m.err, VIEW_OK);
	peer_sends(&t.phone, m.buf, m.len);
	assert_string_equal(is_forwarded() ? "" : m.why, "");
}

/* All that is required and not known is named, whoever is asked. */
static void test_require(void **state)
{
	static const struct {
		const char *method, *unsupported;
	} tv[] = {{"OPTIONS", "path, 100rel, foo, bar"},
		  {"REGISTER", "100rel, foo, bar"}};

	(void)state;
	for (size_t i = 0; i < COUNT(tv); i++) {
		struct req r = make(tv[i].method, "sip:example.com");
		struct pl val;

		str_ncpy(r.more,
			 "Require: path, 100rel\r\n"
			 "Require: foo , bar\r\n",
			 sizeof(r.more));
		assert_int_equal(ask(0, print(&r)), 420);
		val = header(see(&t.phone), "Unsupported", 0);
		assert_int_equal(pl_strcmp(&val, tv[i].unsupported), 0);
	}
}

static int setup_torture(void **state)
{
	int err = setup(state);

	/* RFC 5118 registers at an address that others are told */
	for (size_t i = 0; i < t.routers[0].wires.portc && !err; i++) {
		struct wire_port *p = &t.routers[0].wires.portv[i];

		p->advlen = (size_t)re_snprintf(p->adv, sizeof(p->adv),
						"[2001:db8::10]:5060");
	}

	return err;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unescaped),
	    cmocka_unit_test(test_4475),
	    cmocka_unit_test(test_5118),
	    cmocka_unit_test(test_binary_body),
	    cmocka_unit_test(test_require),
	};

	return cmocka_run_group_tests(tests, setup_torture, teardown);
}
