/* SPDX-License-Identifier: MIT */
/* A thread's compressors: their 256 KB of tables each are set up once.  Apart
 * from libre, whose crc32() is not zlib's. */

#ifndef SY_GATEWAY_HTTP_COMPRESSOR_H
#define SY_GATEWAY_HTTP_COMPRESSOR_H

#include <zlib.h>

enum compressor_form {
	COMPRESSOR_GZIP, /* RFC 1952                                      */
	COMPRESSOR_RAW,  /* RFC 1951, nothing around it                   */
	COMPRESSOR_FORMS,
};

/**
 * A compressor, as after deflateInit2(): fast rather than small.
 *
 * @return borrowed, until the thread asks for one of this form again; NULL:
 *         no memory.
 */
z_stream *compressor(enum compressor_form form);

#endif
