/* SPDX-License-Identifier: MIT */
/*
 * What a registration by digest cannot be had for less than, in CPU time of
 * who answers it [us]: two datagrams of its size received and two sent, in
 * batches; the MAC of a nonce made and checked; the two hashes of a SHA-256
 * response; and the contact written to Redis with its place in two indexes,
 * pipelined.  Nothing is read, looked up or decided.
 *
 *   register-floor REDIS-SOCKET
 *
 * Prints one JSON object.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <hiredis/hiredis.h>
#include "proto/digest.h"
#include "proto/token.h"
#include "tests/bench/load_end.h"

enum {
	BATCH = 32,
	ROUNDS = 1000,
	CONTACT_BYTES = 320,   /* of a binding as the registrar keeps it */
};

static const char request[] =
	"REGISTER sip:switchyard SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bK1234567890-1-1\r\n"
	"From: <sip:1000000@switchyard>;tag=1234567890-1\r\n"
	"To: <sip:1000000@switchyard>\r\nCall-ID: 1@1234567890\r\n"
	"CSeq: 2 REGISTER\r\n"
	"Contact: <sip:1000000@127.0.0.1:40000>;+sip.instance=\"<urn:uuid:"
	"00000000-0000-1000-8000-0000000f4240>\"\r\nExpires: 3600\r\n"
	"Authorization: Digest username=\"1000000\", realm=\"switchyard\", "
	"nonce=\"0123456789012345678901234567890123456789\", "
	"uri=\"sip:switchyard\", response=\"01234567890123456789012345678901"
	"23456789012345678901234567890123\", algorithm=SHA-256, "
	"cnonce=\"c0ffee\", qop=auth, nc=00000001\r\n"
	"Content-Length: 0\r\n\r\n";

static double cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void ignore(const char *msg, void *arg)
{
	(void)msg;
	(void)arg;
}

static void fill(struct end *e)
{
	for (int i = 0; i < BATCH; i++) {
		memcpy(end_next(e), request, sizeof(request));
		end_put(e, (int)sizeof(request) - 1);
	}
}

/* Received and sent by us; what the peer does is not counted. */
static double packets(struct end *us, struct end *peer)
{
	double at, took = 0;

	fill(peer);
	end_flush(peer);
	at = cpu_us();
	end_recv(us, ignore, NULL);
	took += cpu_us() - at;
	fill(us);
	at = cpu_us();
	end_flush(us);
	took += cpu_us() - at;
	end_recv(peer, ignore, NULL);

	return took;
}

static double hashes(const struct token_key *key)
{
	const struct pl method = {"REGISTER", 8};
	char ha1[DIGEST_HEX_MAX + 1], hex[DIGEST_HEX_MAX + 1];
	struct digest_response r = {.alg = DIGEST_SHA256, .alg_known = true};
	uint8_t nonce[12] = {0}, mac[32];
	double at;

	(void)digest_ha1(ha1, DIGEST_SHA256, "1000000", "switchyard", "pw");
	pl_set_str(&r.uri, "sip:switchyard");
	pl_set_str(&r.nonce, "0123456789012345678901234567890123456789");
	pl_set_str(&r.nc, "00000001");
	pl_set_str(&r.cnonce, "c0ffee");
	pl_set_str(&r.qop, "auth");
	at = cpu_us();
	for (int i = 0; i < BATCH; i++) {
		token_mac(mac, key, 'D', nonce, sizeof(nonce));
		token_mac(mac, key, 'D', nonce, sizeof(nonce));
		(void)digest_compute(hex, &r, ha1, &method, NULL);
	}

	return cpu_us() - at;
}

static double redis(redisContext *c, const char *contact)
{
	const double at = cpu_us();
	void *reply;

	for (int i = 0; i < BATCH; i++) {
		redisAppendCommand(c, "HSET floor:%d contact %b", i, contact,
				   (size_t)CONTACT_BYTES);
		redisAppendCommand(c, "ZADD floor:regs 0 %d", i);
		redisAppendCommand(c, "ZADD floor:expiry %d %d", i, i);
	}
	for (int i = 0; i < 3 * BATCH; i++) {
		if (redisGetReply(c, &reply))
			return -1;
		freeReplyObject(reply);
	}

	return cpu_us() - at;
}

int main(int argc, char **argv)
{
	static struct end us, peer;
	static char contact[CONTACT_BYTES];
	struct sockaddr_in none = {.sin_family = AF_INET};
	double net = 0, hash = 0, store = 0;
	const double n = (double)BATCH * ROUNDS;
	struct token_key *key = NULL;
	redisContext *c;

	if (argc != 2) {
		fprintf(stderr, "usage: register-floor REDIS-SOCKET\n");
		return 2;
	}
	c = redisConnectUnix(argv[1]);
	if (!c || c->err || end_open(&us, &none) || end_open(&peer, &none) ||
	    token_key_alloc(&key, "0123456789abcdef", 16)) {
		fprintf(stderr, "register-floor: %s: cannot start\n", argv[1]);
		return 1;
	}
	us.proxy = peer.addr;
	peer.proxy = us.addr;
	memset(contact, 'c', sizeof(contact));

	for (int i = 0; i < ROUNDS; i++) {
		net += packets(&us, &peer) + packets(&us, &peer);
		hash += hashes(key);
		store += redis(c, contact);
	}
	printf("{\"us\":%.3f,\"packets_us\":%.3f,\"hashes_us\":%.3f,"
	       "\"redis_us\":%.3f}\n",
	       (net + hash + store) / n, net / n, hash / n, store / n);
	redisFree(c);
	mem_deref(key);

	return 0;
}
