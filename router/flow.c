/* SPDX-License-Identifier: MIT */
/* Flow tokens; see flow.h. */

#include <string.h>
#include "router/flow.h"

enum {
	FLOW_TCP = 1 << 0,
	FLOW_IP6 = 1 << 1,
	FLOW_NODE = 1 << 2,
	FLOW_CLEAR = 2, /* bits, listener               */
	FLOW_HEAD = 8,  /* bits, listener, router, port */
	FLOW_CONN = 9,  /* thread, slot, generation     */
	FLOW_BYTES_MAX = FLOW_HEAD + 16 + FLOW_CONN + TOKEN_MAC_BYTES,
};

static uint8_t *put32(uint8_t *p, uint32_t n)
{
	n = htonl(n);
	memcpy(p, &n, 4);

	return p + 4;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t n;

	memcpy(&n, p, 4);

	return ntohl(n);
}

/* Where a node is goes to peers, who shall not read it.  The MAC is the
 * initial value: the same flow gives the same token. */
static void cipher(const struct token_key *key, uint8_t *buf, uint8_t *mac)
{
	uint8_t stream[32];

	if (!(buf[0] & FLOW_NODE))
		return;
	token_mac(stream, key, 'f', mac, TOKEN_MAC_BYTES);
	for (uint8_t *p = buf + FLOW_CLEAR; p < mac; p++)
		*p ^= stream[p - buf - FLOW_CLEAR];
}

size_t flow_print(char str[FLOW_LEN_MAX], const struct token_key *key,
		  const struct flow *f)
{
	const bool ip6 = sa_af(&f->peer) == AF_INET6;
	uint8_t buf[FLOW_BYTES_MAX], mac[32], *p = buf;
	const uint16_t port = htons(sa_port(&f->peer));

	*p++ = (f->tcp ? FLOW_TCP : 0) | (ip6 ? FLOW_IP6 : 0) |
	       (f->node ? FLOW_NODE : 0);
	*p++ = f->listener;
	p = put32(p, f->router);
	memcpy(p, &port, 2);
	p += 2;
	if (ip6) {
		memcpy(p, &f->peer.u.in6.sin6_addr, 16);
		p += 16;
	} else {
		memcpy(p, &f->peer.u.in.sin_addr, 4);
		p += 4;
	}
	if (f->tcp) {
		*p++ = f->thread;
		p = put32(p, f->slot);
		p = put32(p, f->gen);
	}
	token_mac(mac, key, 'F', buf, p - buf);
	memcpy(p, mac, TOKEN_MAC_BYTES);
	cipher(key, buf, p);
	p += TOKEN_MAC_BYTES;

	return base64url_print(str, buf, p - buf);
}

static void flow_decode(struct flow *f, const uint8_t *p)
{
	uint16_t port;

	memset(f, 0, sizeof(*f));
	f->tcp = p[0] & FLOW_TCP;
	f->node = p[0] & FLOW_NODE;
	f->listener = p[1];
	f->router = get32(p + 2);
	memcpy(&port, p + 6, 2);
	port = ntohs(port);
	if (p[0] & FLOW_IP6) {
		sa_set_in6(&f->peer, p + FLOW_HEAD, port);
		p += FLOW_HEAD + 16;
	} else {
		sa_set_in(&f->peer, get32(p + FLOW_HEAD), port);
		p += FLOW_HEAD + 4;
	}
	if (f->tcp) {
		f->thread = p[0];
		f->slot = get32(p + 1);
		f->gen = get32(p + 5);
	}
}

int flow_read(struct flow *f, const struct token_key *key, const char *str,
	      size_t len)
{
	uint8_t buf[FLOW_BYTES_MAX], mac[32];
	long n = base64url_read(buf, sizeof(buf), str, len);
	long want;

	if (n < FLOW_HEAD + 4 + TOKEN_MAC_BYTES)
		return EINVAL;
	want = FLOW_HEAD + (buf[0] & FLOW_IP6 ? 16 : 4) +
	       (buf[0] & FLOW_TCP ? FLOW_CONN : 0) + TOKEN_MAC_BYTES;
	if (n != want)
		return EINVAL;

	cipher(key, buf, buf + n - TOKEN_MAC_BYTES);
	token_mac(mac, key, 'F', buf, n - TOKEN_MAC_BYTES);
	if (token_memcmp(mac, buf + n - TOKEN_MAC_BYTES, TOKEN_MAC_BYTES))
		return EBADMSG;
	flow_decode(f, buf);

	return 0;
}
