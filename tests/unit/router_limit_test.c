/* libs: sy_router_core sy_proto */
/* SPDX-License-Identifier: MIT */
/* Who gets a connection when there are many: a table made by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <re.h>

#include "router/wire_impl.h"

enum { MAX = 64, QUARTER = MAX / 4, SHAKES = MAX / 16 };

static struct {
	struct wire w;
	struct wire_conn connv[MAX], *slotv[MAX];
	uint32_t n;
} t;

static int begin(void **state)
{
	(void)state;
	memset(&t, 0, sizeof(t));
	t.w.conf.tcp_max = t.w.freec = MAX;
	t.w.connv = t.slotv;

	return 0;
}

/* So many connections of addresses PREFIX1, PREFIX2 ... */
static void add(uint32_t n, const char *prefix, bool many, bool shaking)
{
	char text[64];

	for (uint32_t i = 0; i < n; i++, t.n++) {
		struct wire_conn *c = &t.connv[t.n];

		(void)re_snprintf(text, sizeof(text), "%s%u", prefix,
				  many ? i + 1 : 1);
		assert_int_equal(sa_set_str(&c->peer, text, 5060), 0);
		c->handshake = shaking;
		t.w.handshakes += shaking;
		t.slotv[t.n] = c;
		--t.w.freec;
		++t.w.conns;
	}
}

static enum wire_room room(const char *addr)
{
	struct sa sa;

	assert_int_equal(sa_set_str(&sa, addr, 7), 0);

	return wire_room(&t.w, &sa);
}

static void test_source(void **state)
{
	(void)state;
	add(MAX / 2 - 1, "192.0.2.", false, false);
	assert_int_equal(room("192.0.2.1"), WIRE_ROOM);
	add(1, "192.0.2.", false, false);
	assert_int_equal(room("192.0.2.1"), WIRE_ROOM_SOURCE);
	assert_int_equal(room("192.0.2.2"), WIRE_ROOM);
	assert_int_equal(room("::ffff:192.0.2.2"), WIRE_ROOM);
	add(MAX / 2, "198.51.100.", true, false);
	assert_int_equal(room("192.0.2.2"), WIRE_ROOM_NONE);
	assert_int_equal(wire_room(&t.w, NULL), WIRE_ROOM_NONE);
}

/* Addresses of one /64 are one source. */
static void test_ipv6(void **state)
{
	(void)state;
	add(QUARTER, "2001:db8:0:1::", true, false);
	add(QUARTER, "198.51.100.", true, false);
	assert_int_equal(room("2001:db8:0:1:ffff::9"), WIRE_ROOM_SOURCE);
	assert_int_equal(room("2001:db8:0:2::9"), WIRE_ROOM);
	assert_int_equal(room("198.51.100.250"), WIRE_ROOM);
}

static void test_handshakes(void **state)
{
	(void)state;
	add(SHAKES - 1, "2001:db8:0:1::", true, true);
	assert_int_equal(room("2001:db8:0:1::9"), WIRE_ROOM);
	add(1, "2001:db8:0:1:9::", true, true);
	assert_int_equal(room("2001:db8:0:1::9"), WIRE_ROOM_SHAKES);
	assert_int_equal(room("2001:db8:0:2::9"), WIRE_ROOM);
	t.connv[0].handshake = false;
	t.connv[0].hello = true; /* WebSocket: still a handshake */
	assert_int_equal(room("2001:db8:0:1::9"), WIRE_ROOM_SHAKES);
	t.connv[0].hello = false;
	assert_int_equal(room("2001:db8:0:1::9"), WIRE_ROOM);
}

static int stream_socket(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);

	return fd;
}

static void bind_any(int fd, struct sa *sa)
{
	assert_int_equal(sa_set_str(sa, "127.0.0.1", 0), 0);
	assert_int_equal(bind(fd, &sa->u.sa, sa->len), 0);
	assert_int_equal(getsockname(fd, &sa->u.sa, &sa->len), 0);
}

/* To its own port: nobody listens, and yet it is connected. */
static void test_itself(void **state)
{
	const int fd = stream_socket(), listens = stream_socket(),
		  other = stream_socket();
	struct sa sa;

	(void)state;
	bind_any(fd, &sa);
	assert_int_equal(connect(fd, &sa.u.sa, sa.len), 0);
	assert_true(wire_is_itself(fd));

	bind_any(listens, &sa);
	assert_int_equal(listen(listens, 1), 0);
	assert_int_equal(connect(other, &sa.u.sa, sa.len), 0);
	assert_false(wire_is_itself(other));

	assert_false(wire_is_itself(listens));
	(void)close(fd);
	(void)close(other);
	(void)close(listens);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_source, begin),
		cmocka_unit_test_setup(test_ipv6, begin),
		cmocka_unit_test_setup(test_handshakes, begin),
		cmocka_unit_test(test_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
