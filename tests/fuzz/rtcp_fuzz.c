/* sources: node/media/rtcp.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as RTCP; what was read is printed and must be
 * read again as the same. */

#include <stdlib.h>
#include <string.h>
#include "node/media/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t buf[RTCP_BYTES], twice[RTCP_BYTES];
	struct rtcp_in in, again;
	struct rtcp_out out = {.cname = "fuzz"};
	size_t n;

	(void)rtcp_is(data, size);
	if (rtcp_parse(&in, data, size, 1))
		return 0;

	(void)rtcp_round_trip_us(&in.report, 0x123456789abcdef0ull);

	out.ssrc = in.ssrc;
	out.sender = in.has_sender ? &in.sender : NULL;
	out.report = in.has_report ? &in.report : NULL;
	out.voip = in.has_voip ? &in.voip : NULL;
	out.bye = in.bye;
	n = rtcp_print(buf, &out);
	if (!n || n > sizeof(buf) || rtcp_parse(&again, buf, n, 1))
		abort();

	out.sender = again.has_sender ? &again.sender : NULL;
	out.report = again.has_report ? &again.report : NULL;
	out.voip = again.has_voip ? &again.voip : NULL;
	out.bye = again.bye;
	if (rtcp_print(twice, &out) != n || memcmp(buf, twice, n))
		abort();

	return 0;
}
