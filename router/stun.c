/* SPDX-License-Identifier: MIT */
/* STUN on the SIP port; see stun.h. */

#include <string.h>
#include <re.h>
#include "router/stun.h"

enum {
	HEADER = 20,
	ATTR_HEADER = 4,
	TID_AT = 8,
	CRC_ATTR = ATTR_HEADER + 4,
	BINDING_REQUEST = 0x0001,
	BINDING_SUCCESS = 0x0101,
	BINDING_ERROR = 0x0111,
	INTEGRITY_SHA256 = 0x001c,
	PASSWORD_ALGORITHM = 0x001d,
	USERHASH = 0x001e,
	OPTIONAL = 0x8000,  /* attributes from here on may be ignored */
	IPV4 = 1,
	IPV6 = 2,
};

static const uint32_t cookie = 0x2112a442;
static const uint32_t crc_xor = 0x5354554e;

/* What a request has. */
struct request {
	bool print;            /* FINGERPRINT, and it is right */
	uint16_t unknownv[STUN_UNKNOWN_MAX];
	size_t unknownc;
};

/* An answer that is being written. */
struct answer {
	uint8_t *p;
	size_t len;
};

/* ---------------------------------------------------------------- numbers */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(struct answer *a, uint16_t n)
{
	a->p[a->len++] = (uint8_t)(n >> 8);
	a->p[a->len++] = (uint8_t)n;
}

static void put32(struct answer *a, uint32_t n)
{
	put16(a, (uint16_t)(n >> 16));
	put16(a, (uint16_t)n);
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* CRC-32 of ITU V.42, four bits a step: messages are short. */
static uint32_t fingerprint(const uint8_t *p, size_t len)
{
	static const uint32_t step[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ step[crc & 15];
		crc = crc >> 4 ^ step[crc & 15];
	}

	return ~crc ^ crc_xor;
}

/* ---------------------------------------------------------------- reading */

bool stun_is_message(const void *p, size_t len)
{
	const uint8_t *b = p;

	return len >= HEADER && b[0] <= 1 && get32(b + 4) == cookie;
}

/* What a Binding request may have without that we must do anything about
 * it. */
static bool is_known(uint16_t type)
{
	switch (type) {

	case STUN_ATTR_MAPPED_ADDR:
	case STUN_ATTR_USERNAME:
	case STUN_ATTR_MSG_INTEGRITY:
	case STUN_ATTR_ERR_CODE:
	case STUN_ATTR_UNKNOWN_ATTR:
	case STUN_ATTR_REALM:
	case STUN_ATTR_NONCE:
	case INTEGRITY_SHA256:
	case PASSWORD_ALGORITHM:
	case USERHASH:
	case STUN_ATTR_XOR_MAPPED_ADDR:
		return true;

	default:
		return type >= OPTIONAL;
	}
}

static void note_unknown(struct request *r, uint16_t type)
{
	if (!is_known(type) && r->unknownc < STUN_UNKNOWN_MAX)
		r->unknownv[r->unknownc++] = type;
}

/* All attributes.  Behind MESSAGE-INTEGRITY only FINGERPRINT counts (RFC 8489
 * 14.5), and nothing stands behind that. @return false: it is broken */
static bool read_attributes(struct request *r, const uint8_t *p, size_t len)
{
	bool sealed = false;
	size_t at = HEADER;

	memset(r, 0, sizeof(*r));
	while (at < len) {
		const uint16_t type = get16(p + at);
		const size_t size = get16(p + at + 2);
		const size_t next = at + ATTR_HEADER + padded(size);

		if (next > len)
			return false;
		if (type == STUN_ATTR_FINGERPRINT) {
			r->print = true;
			return size == 4 && next == len &&
			       get32(p + at + ATTR_HEADER) ==
				       fingerprint(p, at);
		}
		if (!sealed)
			note_unknown(r, type);
		sealed = sealed || type == STUN_ATTR_MSG_INTEGRITY ||
			 type == INTEGRITY_SHA256;
		at = next;
	}

	return true;
}

static bool read_request(struct request *r, const uint8_t *p, size_t len)
{
	return stun_is_message(p, len) && get16(p) == BINDING_REQUEST &&
	       len % 4 == 0 && get16(p + 2) == len - HEADER &&
	       read_attributes(r, p, len);
}

/* -------------------------------------------------------------- answering */

static void begin(struct answer *a, uint16_t type, const uint8_t *request)
{
	a->len = 0;
	put16(a, type);
	put16(a, 0);
	memcpy(a->p + a->len, request + 4, HEADER - 4);
	a->len = HEADER;
}

static void set_length(struct answer *a, size_t len)
{
	struct answer at = {a->p, 2};

	put16(&at, (uint16_t)(len - HEADER));
}

static void finish(struct answer *a, const struct request *r)
{
	set_length(a, a->len + (r->print ? CRC_ATTR : 0));
	if (!r->print)
		return;
	const uint32_t sum = fingerprint(a->p, a->len);

	put16(a, STUN_ATTR_FINGERPRINT);
	put16(a, 4);
	put32(a, sum);
}

/* RFC 8489 14.2: the key begins with the cookie, which is in the header, as
 * is the transaction behind it. @return false: no such address */
static bool put_mapped(struct answer *a, const struct sa *from)
{
	const bool ip6 = sa_af(from) == AF_INET6;
	const uint8_t *key = a->p + TID_AT - 4;
	const size_t n = ip6 ? 16 : 4;
	uint8_t addr[16];

	if (ip6)
		sa_in6(from, addr);
	else if (sa_af(from) == AF_INET)
		memcpy(addr, &from->u.in.sin_addr, n);
	else
		return false;

	put16(a, STUN_ATTR_XOR_MAPPED_ADDR);
	put16(a, (uint16_t)(4 + n));
	put16(a, ip6 ? IPV6 : IPV4);
	put16(a, sa_port(from) ^ (uint16_t)(cookie >> 16));
	for (size_t i = 0; i < n; i++)
		a->p[a->len++] = addr[i] ^ key[i];

	return true;
}

static void put_unknown(struct answer *a, const struct request *r)
{
	static const char reason[] = "Unknown Attribute";
	const size_t n = sizeof(reason) - 1;

	put16(a, STUN_ATTR_ERR_CODE);
	put16(a, (uint16_t)(4 + n));
	put32(a, 4 << 8 | 20);
	memset(a->p + a->len, 0, padded(n));
	memcpy(a->p + a->len, reason, n);
	a->len += padded(n);

	put16(a, STUN_ATTR_UNKNOWN_ATTR);
	put16(a, (uint16_t)(2 * r->unknownc));
	for (size_t i = 0; i < r->unknownc; i++)
		put16(a, r->unknownv[i]);
	if (r->unknownc % 2)
		put16(a, 0);
}

enum stun_result stun_answer(uint8_t *buf, size_t *lenp, const void *p,
			     size_t len, const struct sa *from)
{
	struct answer a = {.p = buf};
	struct request r;

	*lenp = 0;
	if (!read_request(&r, p, len))
		return STUN_SILENT;

	begin(&a, r.unknownc ? BINDING_ERROR : BINDING_SUCCESS, p);
	if (r.unknownc)
		put_unknown(&a, &r);
	else if (!put_mapped(&a, from))
		return STUN_SILENT;
	finish(&a, &r);
	*lenp = a.len;

	return r.unknownc ? STUN_REFUSED : STUN_MAPPED;
}
