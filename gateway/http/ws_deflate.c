/* SPDX-License-Identifier: MIT */
/* permessage-deflate: see ws_deflate.h.  No header of libre: its crc32() is
 * not zlib's. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/http/compressor.h"
#include "gateway/http/ws_deflate.h"

enum {
	RAW_BITS = -15,    /* zlib's way to ask for no header             */
	TAIL = 4,
	LEAST_BITS = 8,    /* RFC 7692 7.1.2                              */
	MOST_BITS = 15,
};

/* How each flush ends, and what is left out of each message: 7.2.1. */
static const uint8_t tail[TAIL] = {0x00, 0x00, 0xff, 0xff};

const char ws_deflate_answer[] = "permessage-deflate; "
				 "server_no_context_takeover; "
				 "client_no_context_takeover";

/* ------------------------------------------------------------------ offers */

/* A parameter: its name, and its value, if any. */
struct param {
	const char *name, *value;
	size_t namelen, valuelen;
};

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

/* @return what follows; NULL: it is none. */
static const char *read_param(struct param *pm, const char *p)
{
	static const char ends[] = "=;, \t\"";

	p = skip_space(p);
	*pm = (struct param){.name = p, .namelen = strcspn(p, ends)};
	if (!pm->namelen)
		return NULL;
	p = skip_space(p + pm->namelen);
	if (*p != '=')
		return p;

	p = skip_space(p + 1);
	if (*p == '"') {
		pm->value = p + 1;
		pm->valuelen = strcspn(pm->value, "\"");
		p = pm->value + pm->valuelen;
		if (!*p++)
			return NULL;
	}
	else {
		pm->value = p;
		pm->valuelen = strcspn(p, ends);
		p += pm->valuelen;
	}

	return pm->valuelen ? skip_space(p) : NULL;
}

/* @return 0: not one that is allowed. */
static int window_bits(const struct param *pm)
{
	int bits = 0;

	if (pm->valuelen > 2 || *pm->value == '0')
		return 0;
	for (size_t i = 0; i < pm->valuelen; i++) {
		if (pm->value[i] < '0' || pm->value[i] > '9')
			return 0;
		bits = 10 * bits + pm->value[i] - '0';
	}

	return bits < LEAST_BITS || bits > MOST_BITS ? 0 : bits;
}

/* @param seen  Which were there before, a bit each. */
static bool take_param(const struct param *pm, unsigned *seen)
{
	static const char *const namev[] = {
		"server_no_context_takeover", "client_no_context_takeover",
		"server_max_window_bits", "client_max_window_bits"};
	unsigned i = 0;

	while (i < 4 && (strlen(namev[i]) != pm->namelen ||
			 strncasecmp(namev[i], pm->name, pm->namelen)))
		i++;
	if (i == 4 || *seen & 1u << i)
		return false;
	*seen |= 1u << i;
	if (i < 2)
		return !pm->value;
	if (i == 2)
		return pm->value && window_bits(pm) == MOST_BITS;

	return !pm->value || window_bits(pm);
}

/* One offer, up to the comma behind it. */
static bool take_offer(const char **pp)
{
	static const char name[] = "permessage-deflate";
	struct param pm;
	const char *p = read_param(&pm, *pp);
	bool ok = p && !pm.value && pm.namelen == strlen(name) &&
		  !strncasecmp(pm.name, name, pm.namelen);
	unsigned seen = 0;

	while (p && *p == ';') {
		p = read_param(&pm, p + 1);
		ok = ok && p && take_param(&pm, &seen);
	}
	if (!p || (*p && *p != ',')) {
		*pp += strlen(*pp); /* what follows cannot be told apart */
		return false;
	}
	*pp = p;

	return ok;
}

bool ws_deflate_is_offered(const char *offers)
{
	while (offers && *offers) {
		if (take_offer(&offers))
			return true;
		offers += strspn(offers, ", \t");
	}

	return false;
}

/* ----------------------------------------------------------------- messages */

static z_stream *decompressor(void)
{
	static __thread z_stream z;
	static __thread bool ready;

	if (ready)
		return inflateReset(&z) == Z_OK ? &z : NULL;
	if (inflateInit2(&z, RAW_BITS) != Z_OK)
		return NULL;
	ready = true;

	return &z;
}

int ws_deflate(uint8_t *out, size_t *lenp, const void *p, size_t len)
{
	z_stream *z = compressor(COMPRESSOR_RAW);

	if (!out || !lenp || !p || !z)
		return ENOMEM;

	z->next_in = (Bytef *)(uintptr_t)p;
	z->avail_in = (uInt)len;
	z->next_out = out;
	z->avail_out = (uInt)len;
	/* Room that is used up: not all may be there. */
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || !z->avail_out)
		return EMSGSIZE;
	*lenp = len - z->avail_out - TAIL;

	return 0;
}

/* @return true: go on. */
static bool feed(z_stream *z, const uint8_t *p, size_t len, int *ret)
{
	z->next_in = (Bytef *)(uintptr_t)p;
	z->avail_in = (uInt)len;
	*ret = inflate(z, Z_SYNC_FLUSH);

	return *ret == Z_OK && !z->avail_in;
}

int ws_inflate(uint8_t *out, size_t *lenp, const uint8_t *p, size_t len)
{
	z_stream *z = decompressor();
	int ret = Z_OK;

	if (!out || !lenp || !p || !z)
		return ENOMEM;

	z->next_out = out;
	z->avail_out = (uInt)*lenp;
	if (feed(z, p, len, &ret))
		(void)feed(z, tail, TAIL, &ret);
	/* A last block may end it before the tail (7.2.3.4), with the byte of
	 * an empty one behind it. */
	if (ret == Z_STREAM_END && z->avail_in <= TAIL + 1)
		ret = Z_OK;
	else if ((ret == Z_OK || ret == Z_BUF_ERROR) && z->avail_in)
		return z->avail_out ? EBADMSG : EMSGSIZE;
	if (ret != Z_OK && ret != Z_BUF_ERROR)
		return EBADMSG;
	*lenp -= z->avail_out;

	return 0;
}
