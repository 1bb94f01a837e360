/* sources: node/sip/redirect.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as a 3xx, and as a Contact in one; what is read
 * goes into requests of ours, and is in order. */

#include <stdlib.h>
#include <string.h>
#include "node/sip/redirect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void clean(const char *str)
{
	for (; *str; str++) {
		if ((unsigned char)*str <= ' ' || (unsigned char)*str >= 0x7f ||
		    strchr("<>\"", *str))
			abort();
	}
}

static void check(const struct redirect *r)
{
	for (size_t i = 0; i < r->n; i++) {
		clean(r->v[i].uri);
		clean(r->v[i].user);
		clean(r->v[i].host);
		if (!r->v[i].user[0] || !r->v[i].uri[0] ||
		    (i && r->v[i].q > r->v[i - 1].q))
			abort();
	}
}

static void read_msg(struct mbuf *mb)
{
	struct redirect *r = NULL;
	struct sip_msg *msg;

	mb->pos = 0;
	if (sip_msg_decode(&msg, mb))
		return;
	if (!redirect_alloc(&r, msg))
		check(r);
	mem_deref(r);
	mem_deref(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mbuf *mb = mbuf_alloc(size + 256);

	if (!mb)
		return 0;

	(void)mbuf_write_mem(mb, data, size);
	read_msg(mb);
	mbuf_rewind(mb);
	(void)mbuf_write_str(mb, "SIP/2.0 300 M\r\nVia: SIP/2.0/UDP h;branch=b"
				 "\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"
				 "Call-ID: a\r\nCSeq: 1 INVITE\r\nContact: ");
	(void)mbuf_write_mem(mb, data, size);
	(void)mbuf_write_str(mb, "\r\n\r\n");
	read_msg(mb);
	mem_deref(mb);

	return 0;
}
