/* libs: sy_node_webrtc sy_media */
/* SPDX-License-Identifier: MIT */
/* A port that many peers come to: whose checks are whose. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/webrtc/door.h"

static struct {
	struct door *door;
	struct sa at;
	int peer;            /* socket of a peer               */
	unsigned ours, theirs;
	size_t len;
} fix;

/* A port that is free now: the kernel's choice. */
static void free_port(struct sa *sa)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(sa->u);

	assert_int_equal(sa_set_str(sa, "127.0.0.1", 0), 0);
	assert_int_equal(bind(fd, &sa->u.sa, sa->len), 0);
	assert_int_equal(getsockname(fd, &sa->u.sa, &len), 0);
	(void)close(fd);
}

static int setup(void **state)
{
	(void)state;
	memset(&fix, 0, sizeof(fix));
	free_port(&fix.at);
	assert_int_equal(door_alloc(&fix.door, &fix.at), 0);
	fix.peer = socket(AF_INET, SOCK_DGRAM, 0);

	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)close(fix.peer);
	fix.door = mem_deref(fix.door);

	return 0;
}

static void our_handler(const struct sa *src, const uint8_t *p, size_t len,
			void *arg)
{
	(void)p;
	(void)arg;
	assert_true(sa_isset(src, SA_ALL));
	fix.ours++;
	fix.len = len;
	re_cancel();
}

static void their_handler(const struct sa *src, const uint8_t *p, size_t len,
			  void *arg)
{
	(void)src;
	(void)p;
	(void)len;
	(void)arg;
	fix.theirs++;
	re_cancel();
}

static void send_raw(const void *p, size_t len)
{
	assert_int_equal(sendto(fix.peer, p, len, 0, &fix.at.u.sa,
				fix.at.len), (ssize_t)len);
}

static void send_check(const char *user)
{
	static const uint8_t tid[STUN_TID_SIZE] = "twelve bytes";
	struct mbuf *mb = mbuf_alloc(256);

	assert_int_equal(stun_msg_encode(mb, STUN_METHOD_BINDING,
					 STUN_CLASS_REQUEST, tid, NULL, NULL,
					 0, true, 0, 1, STUN_ATTR_USERNAME,
					 user), 0);
	send_raw(mb->buf, mb->end);
	mem_deref(mb);
}

/* Until a handler has been called. */
static void run(void)
{
	assert_int_equal(re_main(NULL), 0);
}

static void test_by_name(void **state)
{
	struct door_name *a = NULL, *b = NULL;
	(void)state;

	assert_int_equal(door_name(&a, fix.door, "ours", our_handler, NULL),
			 0);
	assert_int_equal(door_name(&b, fix.door, "theirs", their_handler,
				   NULL), 0);
	send_check("ours:peer");
	run();
	assert_int_equal(fix.ours, 1);
	assert_true(fix.len > 20);
	send_check("theirs:peer");
	run();
	assert_int_equal(fix.theirs, 1);

	/* Whose leg has ended is not known any more. */
	mem_deref(b);
	send_check("theirs:peer");
	send_check("ours:peer");
	run();
	assert_int_equal(fix.theirs, 1);
	assert_int_equal(fix.ours, 2);
	assert_int_equal(door_strays(fix.door), 1);
	mem_deref(a);
}

static void test_nonsense(void **state)
{
	static const uint8_t cut[] = {
		0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9,
		10, 11, 12, 0, 6, 0xff, 0xff, 'o', 'u', 'r', 's',
	};
	static const uint8_t endless[] = {
		0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9,
		10, 11, 12, 0x80, 0x22, 0, 0,
	};
	struct door_name *a = NULL;
	(void)state;

	assert_int_equal(door_name(&a, fix.door, "ours", our_handler, NULL),
			 0);
	send_raw("", 0);
	send_raw("x", 1);
	send_raw("\x80\x00 media of nobody that we know", 30);
	send_raw("\x16 DTLS of nobody that we know", 28);
	send_raw(cut, sizeof(cut));
	send_raw(endless, sizeof(endless));
	send_check("ours");
	send_check(":peer");
	send_check("oursome:peer");
	send_check("ours:peer");
	run();
	assert_int_equal(fix.ours, 1);
	assert_int_equal(door_strays(fix.door), 9);
	mem_deref(a);
}

/* Another process would get half of the peers. */
static void test_taken(void **state)
{
	struct door *other = NULL;
	(void)state;

	assert_int_equal(door_alloc(&other, &fix.at), EADDRINUSE);
	assert_null(other);
}

/* The one socket of the peer; it has sent something, or will be bound. */
static void peer_address(struct sa *peer)
{
	struct sa any;
	socklen_t len = sizeof(peer->u);

	sa_init(peer, AF_INET);
	assert_int_equal(getsockname(fix.peer, &peer->u.sa, &len), 0);
	if (!sa_port(peer)) {
		assert_int_equal(sa_set_str(&any, "127.0.0.1", 0), 0);
		assert_int_equal(bind(fix.peer, &any.u.sa, any.len), 0);
		len = sizeof(peer->u);
		assert_int_equal(getsockname(fix.peer, &peer->u.sa, &len), 0);
	}
	assert_int_equal(sa_set_str(peer, "127.0.0.1", sa_port(peer)), 0);
}

/* Once the leg has a socket of its peer, the kernel gives that one what the
 * peer sends. */
static void test_connected(void **state)
{
	struct door_name *a = NULL;
	struct sa peer;
	const int on = 1;
	char buf[8];
	int leg;
	(void)state;

	assert_int_equal(door_name(&a, fix.door, "ours", our_handler, NULL),
			 0);
	send_check("ours:peer");
	run();
	peer_address(&peer);
	leg = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(setsockopt(leg, SOL_SOCKET, SO_REUSEPORT, &on,
				    sizeof(on)), 0);
	assert_int_equal(bind(leg, &fix.at.u.sa, fix.at.len), 0);
	assert_int_equal(connect(leg, &peer.u.sa, peer.len), 0);
	send_raw("media", 5);
	assert_int_equal(recv(leg, buf, sizeof(buf), 0), 5);
	assert_int_equal(door_strays(fix.door), 0);
	(void)close(leg);
	mem_deref(a);
}

static void send_dtls(void)
{
	send_raw("\x16 a hello", 9);
}

/* DTLS of nobody; then a check, which is heard. */
static void stray(unsigned count)
{
	send_dtls();
	send_check("ours:peer");
	run();
	assert_int_equal(door_strays(fix.door), count);
}

/* Where a peer is that passed a check: what is no check is its, too. */
static void test_guest(void **state)
{
	struct door_name *a = NULL, *b = NULL;
	struct sa peer;
	(void)state;

	assert_int_equal(door_name(&a, fix.door, "ours", our_handler, NULL),
			 0);
	assert_int_equal(door_name(&b, fix.door, "theirs", their_handler,
				   NULL), 0);
	peer_address(&peer);
	assert_int_equal(door_guest(a, &peer), 0);
	assert_int_equal(door_guest(a, &peer), 0);
	send_dtls();
	run();
	assert_int_equal(fix.ours, 1);

	/* Another call of the same socket. */
	assert_int_equal(door_guest(b, &peer), 0);
	send_dtls();
	run();
	assert_int_equal(fix.theirs, 1);

	/* Of many addresses the first ones are forgotten. */
	for (uint16_t i = 1; i <= DOOR_GUESTS; i++) {
		struct sa other = peer;

		sa_set_port(&other, (uint16_t)(sa_port(&peer) ^ i));
		assert_int_equal(door_guest(b, &other), 0);
	}
	stray(1);
	assert_int_equal(door_guest(a, &peer), 0);
	door_guests_leave(a);
	stray(2);
	assert_int_equal(door_guest(b, &peer), 0);
	mem_deref(b);
	stray(3);
	assert_int_equal(fix.theirs, 1);
	mem_deref(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_guest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_connected, setup,
						teardown),
	};
	int failed;

	if (libre_init())
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	libre_close();

	return failed;
}
