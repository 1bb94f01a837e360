/* SPDX-License-Identifier: MIT */
/* A thread's compressors: see compressor.h. */

#include <stdbool.h>

#include "gateway/http/compressor.h"

enum { LEVEL = 1, MEM = 8 };

z_stream *compressor(enum compressor_form form)
{
	/* zlib's ways to ask for a gzip header, and for none. */
	static const int bitsv[COMPRESSOR_FORMS] = {
		[COMPRESSOR_GZIP] = 15 + 16, [COMPRESSOR_RAW] = -15};
	static __thread struct {
		z_stream z;
		bool ready;
	} v[COMPRESSOR_FORMS];
	z_stream *z = &v[form].z;

	if (v[form].ready)
		return deflateReset(z) == Z_OK ? z : NULL;
	if (deflateInit2(z, LEVEL, Z_DEFLATED, bitsv[form], MEM,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return NULL;
	v[form].ready = true;

	return z;
}
