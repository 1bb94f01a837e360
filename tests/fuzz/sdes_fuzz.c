/* sources: node/sip/sdes.c node/media/srtp.c node/media/srtp_stream.c node/media/srtp_xform.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as a=crypto; what was read is printed and must
 * be read again as the same keys. */

#include <stdlib.h>
#include "node/sip/sdes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pl pl = {(const char *)data, size};
	char buf[SDES_TEXT_MAX];
	struct sdes s, again;
	int n;

	if (sdes_read(&s, &pl))
		return 0;

	n = re_snprintf(buf, sizeof(buf), "%H", sdes_print, &s);
	if (n < 0)
		abort();

	pl.p = buf;
	pl.l = (size_t)n;
	s.keys.mki_len = 0; /* ours have none */
	if (sdes_read(&again, &pl) || again.tag != s.tag ||
	    !media_srtp_same(&again.keys, &s.keys))
		abort();

	return 0;
}
