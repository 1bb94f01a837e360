/* SPDX-License-Identifier: MIT */
/*
 * Digits by SIP INFO (RFC 6086; the bodies are of no RFC but of many phones):
 *
 *   application/dtmf-relay   Signal=5 CRLF Duration=160
 *   application/dtmf         5
 */

#ifndef SY_NODE_SIP_INFODIGIT_H
#define SY_NODE_SIP_INFODIGIT_H

#include <stddef.h>
#include <stdint.h>

enum { INFODIGIT_MS = 160 }; /* where the body tells no duration */

struct infodigit {
	char digit; /* 0-9 * # A-D; '\0': a flash, which is no digit */
	uint32_t dur_ms;
	const char *cause; /* what is wrong with it; static, or NULL        */
};

/**
 * Read a body.
 *
 * @return 200; 400 (no digit in it) or 415 (not a body of digits): then cause
 *         is set.
 */
uint16_t infodigit_read(struct infodigit *d, const char *ctype,
			const char *body, size_t len);

#endif
