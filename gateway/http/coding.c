/* SPDX-License-Identifier: MIT */
/* Content codings: see coding.h.  No header of libre: its crc32() is not
 * zlib's. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/http/coding.h"
#include "gateway/http/compressor.h"
#include "gateway/http/request.h"

enum {
	LEAST_BYTES = 1024, /* below, it is one packet anyhow             */
};

/* "q=0", "q=0.000": not wanted. */
static bool is_refused(const char *p, size_t len)
{
	const char *q = memchr(p, ';', len);

	if (!q)
		return false;
	q++;
	while (*q == ' ' || *q == '\t')
		q++;

	return (*q == 'q' || *q == 'Q') && q[1] == '=' &&
	       strtod(q + 2, NULL) <= 0;
}

bool web_accepts(const struct web_req *req, const char *coding)
{
	const char *p = web_header(req, "accept-encoding");
	const size_t want = coding ? strlen(coding) : 0;
	bool any = false;

	while (p && *p && want) {
		size_t len, name;

		p += strspn(p, ", \t");
		len = strcspn(p, ",");
		name = strcspn(p, ",; \t");
		if (name == want && !strncasecmp(p, coding, want))
			return !is_refused(p, len);
		if (name == 1 && *p == '*')
			any = !is_refused(p, len);
		p += len;
	}

	return any;
}

bool web_is_compressible(const char *type, size_t len)
{
	static const char *const typev[] = {
		"application/json", "application/problem+json",
		"application/x-ndjson", "text/plain", "text/html"};
	const size_t tlen = type ? strcspn(type, "; ") : 0;

	if (len < LEAST_BYTES)
		return false;
	for (size_t i = 0; i < sizeof(typev) / sizeof(typev[0]); i++) {
		if (strlen(typev[i]) == tlen &&
		    !strncmp(typev[i], type, tlen))
			return true;
	}

	return false;
}

int web_gzip(uint8_t *out, size_t *lenp, const void *p, size_t len)
{
	z_stream *z = compressor(COMPRESSOR_GZIP);

	if (!out || !lenp || !p || !z)
		return ENOMEM;

	/* No room for more than there was: then it is not worth it. */
	z->next_in = (Bytef *)(uintptr_t)p;
	z->avail_in = (uInt)len;
	z->next_out = out;
	z->avail_out = (uInt)len;
	if (deflate(z, Z_FINISH) != Z_STREAM_END)
		return EMSGSIZE;
	*lenp = len - z->avail_out;

	return 0;
}
