/* SPDX-License-Identifier: MIT */
/* gzip: see inflate.h. */

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "gateway/grpc/inflate.h"

enum {
	GZIP_WINDOW = 15 + 16, /* zlib's way to say: gzip, and only that */
	FIRST_BYTES = 4096,
};

/* Room for more, up to one byte over max: who fills that has too much. */
static int grow(uint8_t **bufp, size_t *sizep, size_t max)
{
	size_t size = *sizep ? *sizep * 2 : FIRST_BYTES;
	uint8_t *buf;

	if (*sizep > max)
		return EMSGSIZE;
	if (size > max + 1)
		size = max + 1;
	buf = realloc(*bufp, size);
	if (!buf)
		return ENOMEM;
	*bufp = buf;
	*sizep = size;

	return 0;
}

int inflate_gzip(uint8_t **outp, size_t *outlen, const uint8_t *p, size_t len,
		 size_t max)
{
	z_stream z = {.next_in = (uint8_t *)p, .avail_in = (unsigned)len};
	uint8_t *buf = NULL;
	size_t size = 0, n = 0;
	int rv = Z_OK, err = 0;

	if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
		return ENOMEM;

	while (!err && rv == Z_OK) {
		if (n == size)
			err = grow(&buf, &size, max);
		if (err)
			break;
		z.next_out = buf + n;
		z.avail_out = (unsigned)(size - n);
		rv = inflate(&z, Z_NO_FLUSH);
		n = size - z.avail_out;
	}
	if (!err && (rv != Z_STREAM_END || z.avail_in))
		err = rv == Z_MEM_ERROR ? ENOMEM : EBADMSG;
	if (!err && n > max)
		err = EMSGSIZE;
	(void)inflateEnd(&z);

	if (err) {
		free(buf);
	}
	else {
		*outp = buf;
		*outlen = n;
	}

	return err;
}
