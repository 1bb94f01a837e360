/* libs: sy_node_webrtc sy_media */
/* SPDX-License-Identifier: MIT */
/* Two ends of a DTLS-SRTP handshake, joined by a queue that can lose. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "node/webrtc/dtls.h"
#include "test_loop.h"

enum { QUEUE = 64, DEADLINE_MS = 20000 };

struct end {
	struct dtls *dtls;
	struct end *peer;
	struct media_srtp tx, rx;
	unsigned keys, ends;
	enum dtls_end why;
	unsigned lose; /* so many of its first datagrams */
	unsigned sent;
};

static struct datagram {
	struct end *to;
	size_t len;
	uint8_t data[2048];
} queue[QUEUE];

static size_t queued;
static struct end client, server;
static struct dtls_identity *ids[2];

static void on_send(const uint8_t *p, size_t len, void *arg)
{
	struct end *e = arg;

	assert_true(len <= DTLS_DATAGRAM_BYTES);
	assert_true(p[0] >= 20 && p[0] <= 63);
	if (e->sent++ < e->lose)
		return;

	assert_true(queued < QUEUE);
	queue[queued].to = e->peer;
	queue[queued].len = len;
	memcpy(queue[queued++].data, p, len);
}

static void on_keys(const struct media_srtp *tx, const struct media_srtp *rx,
		    void *arg)
{
	struct end *e = arg;

	++e->keys;
	e->tx = *tx;
	e->rx = *rx;
}

static void on_end(enum dtls_end why, void *arg)
{
	struct end *e = arg;

	++e->ends;
	e->why = why;
}

static const struct dtls_handlers handlers = {on_send, on_keys, on_end};

static void deliver(void)
{
	struct datagram d;

	while (queued) {
		d = queue[0];
		memmove(&queue[0], &queue[1], --queued * sizeof(queue[0]));
		dtls_recv(d.to->dtls, d.data, d.len);
	}
}

static bool is_over(void)
{
	deliver();

	return (client.keys || client.ends) && (server.keys || server.ends);
}

static struct dtls_fingerprint fingerprint(const struct dtls_identity *id)
{
	struct dtls_fingerprint fp;
	struct pl pl;

	pl_set_str(&pl, dtls_identity_fingerprint(id));
	assert_int_equal(dtls_fingerprint_read(&fp, &pl), 0);

	return fp;
}

static int setup(void **state)
{
	(void)state;
	if (libre_init())
		return -1;

	memset(&client, 0, sizeof(client));
	memset(&server, 0, sizeof(server));
	client.peer = &server;
	server.peer = &client;
	queued = 0;
	assert_int_equal(dtls_identity_alloc(&ids[0]), 0);
	assert_int_equal(dtls_identity_alloc(&ids[1]), 0);

	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mem_deref(client.dtls);
	mem_deref(server.dtls);
	mem_deref(ids[0]);
	mem_deref(ids[1]);
	libre_close();

	return 0;
}

/* @param of  Whose fingerprint the server was told. */
static void begin(const struct dtls_identity *of)
{
	const struct dtls_fingerprint cfp = fingerprint(of);
	const struct dtls_fingerprint sfp = fingerprint(ids[1]);

	assert_int_equal(
	    dtls_alloc(&client.dtls, ids[0], &sfp, true, &handlers, &client),
	    0);
	assert_int_equal(
	    dtls_alloc(&server.dtls, ids[1], &cfp, false, &handlers, &server),
	    0);
	dtls_start(server.dtls); /* not his to do */
	assert_int_equal(queued, 0);
	dtls_start(client.dtls);
	test_loop_run(is_over, 1, DEADLINE_MS);
}

static void assert_keyed(void)
{
	assert_int_equal(client.keys, 1);
	assert_int_equal(server.keys, 1);
	assert_int_equal(client.ends + server.ends, 0);
	assert_int_equal(client.tx.suite, MEDIA_SRTP_AEAD_AES_128_GCM);
	assert_true(media_srtp_same(&client.tx, &server.rx));
	assert_true(media_srtp_same(&client.rx, &server.tx));
	assert_false(media_srtp_same(&client.tx, &client.rx));
}

static void test_keys(void **state)
{
	(void)state;
	begin(ids[0]);
	assert_keyed();
}

/* Its first hello, and most of the server's first flight are lost. */
static void test_loss(void **state)
{
	(void)state;
	client.lose = 1;
	server.lose = 2;
	begin(ids[0]);
	assert_keyed();
	assert_true(client.sent > 2 && server.sent > 2);
}

/* The server's last flight is lost: the client repeats its own, and the keyed
 * server says it again. */
static void test_last_flight_lost(void **state)
{
	(void)state;
	server.lose = 1;
	begin(ids[0]);
	assert_keyed();
}

static void test_impostor(void **state)
{
	(void)state;
	begin(ids[1]);
	assert_int_equal(server.keys, 0);
	assert_int_equal(server.ends, 1);
	assert_int_equal(server.why, DTLS_END_IMPOSTOR);
}

/* Nothing that is not DTLS ends or begins anything. */
static void test_junk(void **state)
{
	const struct dtls_fingerprint fp = fingerprint(ids[0]);
	uint8_t junk[200];

	(void)state;
	assert_int_equal(
	    dtls_alloc(&server.dtls, ids[1], &fp, false, &handlers, &server),
	    0);
	for (unsigned i = 0; i < 200; i++) {
		rand_bytes(junk, sizeof(junk));
		junk[0] = (uint8_t)(20 + i % 44);
		dtls_recv(server.dtls, junk, 1 + i);
	}
	assert_int_equal(server.keys + server.ends, 0);
	server.dtls = mem_deref(server.dtls);
	queued = 0;
}

static void test_fingerprints(void **state)
{
#define SHA1 "00:11:22:33:44:55:66:77:88:99:aa:BB:CC:DD:EE:FF:00:11:22:33"
	static const struct {
		const char *text;
		int err;
	} rows[] = {
	    {"sha-1 " SHA1, 0},
	    {"SHA-1  " SHA1, 0},
	    {"sha-256 " SHA1, EBADMSG},
	    {"md5 00:11:22:33:44:55:66:77:88:99:aa:BB:CC:DD:EE:FF", ENOTSUP},
	    {"sha-1 " SHA1 ":44", EBADMSG},
	    {"sha-1 "
	     "0:111:22:33:44:55:66:77:88:99:aa:BB:CC:DD:EE:FF:00:11:22:33",
	     EBADMSG},
	    {"sha-1 " SHA1 " x", EBADMSG},
	    {"sha-1", EBADMSG},
	    {"", EBADMSG},
	};
	struct dtls_fingerprint fp;
	struct pl pl;

	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		pl_set_str(&pl, rows[i].text);
		if (dtls_fingerprint_read(&fp, &pl) != rows[i].err)
			fail_msg("row %zu", i);
	}

	pl_set_str(&pl, rows[0].text);
	assert_int_equal(dtls_fingerprint_read(&fp, &pl), 0);
	assert_int_equal(fp.len, 20);
	assert_int_equal(fp.md[10], 0xaa);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_keys, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_loss, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_last_flight_lost, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_impostor, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_junk, setup, teardown),
	    cmocka_unit_test(test_fingerprints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
