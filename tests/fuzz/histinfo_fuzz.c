/* sources: node/sip/histinfo.c node/sip/histinfo_read.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as headers of an INVITE.  What is read goes into
 * requests of ours: it is one line, and reads as the same again. */

#include <stdlib.h>
#include <string.h>
#include "node/sip/histinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sip_msg *message(const void *headers, size_t size)
{
	struct mbuf *mb = mbuf_alloc(size + 256);
	struct sip_msg *msg = NULL;

	if (!mb)
		return NULL;

	(void)mbuf_write_str(mb, "INVITE sip:b@h SIP/2.0\r\n"
				 "Via: SIP/2.0/UDP h;branch=b\r\n"
				 "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"
				 "Call-ID: a\r\nCSeq: 1 INVITE\r\n");
	(void)mbuf_write_mem(mb, headers, size);
	(void)mbuf_write_str(mb, "\r\n\r\n");
	mb->pos = 0;
	if (sip_msg_decode(&msg, mb))
		msg = NULL;
	mem_deref(mb);

	return msg;
}

static void one_line(const char *text)
{
	const size_t n = strlen(text);

	if (!n)
		return;
	if (n < 2 || strcmp(text + n - 2, "\r\n") ||
	    strcspn(text, "\r\n") != n - 2)
		abort();
}

static void again(const struct histinfo *h, const char *text)
{
	struct sip_msg *msg = message(text, strlen(text));
	char buf[HISTINFO_TEXT];
	struct histinfo r;

	if (!msg)
		abort();
	if (!histinfo_read(&r, msg, "sip:b@h") || r.n != h->n ||
	    histinfo_print(buf, sizeof(buf), &r) || strcmp(buf, text))
		abort();
	mem_deref(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sip_msg *msg = message(data, size);
	char buf[HISTINFO_TEXT];
	struct histinfo h;

	if (!msg)
		return 0;

	(void)histinfo_is_private(msg);
	if (histinfo_read(&h, msg, "sip:b@h")) {
		if (!histinfo_print(buf, sizeof(buf), &h)) {
			one_line(buf);
			again(&h, buf);
		}
		if (!histinfo_print_diversion(buf, sizeof(buf), &h))
			one_line(buf);
	}
	mem_deref(msg);

	return 0;
}
