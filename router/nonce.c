/* SPDX-License-Identifier: MIT */
/* Nonces; see nonce.h. */

#include <string.h>
#include "router/nonce.h"

enum { BODY = 8, BYTES = BODY + TOKEN_MAC_BYTES };

static void put32(uint8_t *p, uint32_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

void nonce_print(char str[NONCE_LEN], const struct token_key *key,
		 uint32_t now_s, uint32_t rnd)
{
	uint8_t b[BYTES], mac[32];

	put32(b, now_s);
	put32(b + 4, rnd);
	token_mac(mac, key, 'D', b, BODY);
	memcpy(b + BODY, mac, TOKEN_MAC_BYTES);
	(void)base64url_print(str, b, sizeof(b));
}

enum nonce_state nonce_check(const struct token_key *key, const char *str,
			     size_t len, uint32_t now_s, uint32_t age_s)
{
	uint8_t b[BYTES], mac[32];
	uint32_t made_s;

	if (len != NONCE_LEN ||
	    base64url_read(b, sizeof(b), str, len) != BYTES)
		return NONCE_FORGED;
	token_mac(mac, key, 'D', b, BODY);
	if (token_memcmp(mac, b + BODY, TOKEN_MAC_BYTES))
		return NONCE_FORGED;

	made_s = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
		 (uint32_t)b[2] << 8 | b[3];
	if (made_s > now_s + NONCE_SKEW_S || made_s + age_s < now_s)
		return NONCE_STALE;

	return NONCE_GOOD;
}
