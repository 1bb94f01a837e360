/* SPDX-License-Identifier: MIT */
/* Nonces; see nonce.h. */

#include <string.h>
#include <re.h>
#include "proto/config_net.h"
#include "router/nonce.h"

enum { BODY = 12, BYTES = BODY + TOKEN_MAC_BYTES };

static void put32(uint8_t *p, uint32_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

uint32_t nonce_source(const struct token_key *key, const struct sa *sa)
{
	struct config_net net;
	uint8_t mac[32];

	if (config_net_from_sa(&net, sa))
		return 0;
	token_mac(mac, key, 'S', net.addr, sizeof(net.addr));

	return get32(mac);
}

void nonce_print(char str[NONCE_LEN], const struct token_key *key,
		 const struct nonce *n)
{
	uint8_t b[BYTES], mac[32];

	put32(b, n->made_s);
	put32(b + 4, n->rnd);
	put32(b + 8, n->source);
	token_mac(mac, key, 'D', b, BODY);
	memcpy(b + BODY, mac, TOKEN_MAC_BYTES);
	(void)base64url_print(str, b, sizeof(b));
}

enum nonce_state nonce_check(struct nonce *n, const struct token_key *key,
			     const char *str, size_t len, uint32_t now_s,
			     uint32_t age_s)
{
	uint8_t b[BYTES], mac[32];

	if (len != NONCE_LEN ||
	    base64url_read(b, sizeof(b), str, len) != BYTES)
		return NONCE_FORGED;
	token_mac(mac, key, 'D', b, BODY);
	if (token_memcmp(mac, b + BODY, TOKEN_MAC_BYTES))
		return NONCE_FORGED;

	n->made_s = get32(b);
	n->rnd = get32(b + 4);
	n->source = get32(b + 8);
	if (n->made_s > now_s + NONCE_SKEW_S || n->made_s + age_s < now_s)
		return NONCE_STALE;

	return NONCE_GOOD;
}
