/* sources: node/webrtc/door.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes at a port that many peers come to. What is read
 * of them lies within them, and is what libre's STUN reads. */

#include <stdlib.h>
#include <string.h>
#include "node/webrtc/door.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Libre refuses more than we do. */
static void compare(const struct pl *ufrag, const uint8_t *data, size_t size)
{
	struct mbuf *mb = mbuf_alloc(size);
	struct stun_unknown_attr ua;
	struct stun_msg *msg = NULL;
	struct stun_attr *attr;

	if (!mb || mbuf_write_mem(mb, data, size))
		abort();
	mb->pos = 0;
	if (!stun_msg_decode(&msg, mb, &ua)) {
		attr = stun_msg_attr(msg, STUN_ATTR_USERNAME);
		if (attr && strlen(attr->v.username) >= ufrag->l &&
		    memcmp(attr->v.username, ufrag->p, ufrag->l))
			abort();
	}
	mem_deref(msg);
	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pl ufrag;

	if (!door_ufrag(&ufrag, data, size))
		return 0;
	if ((const uint8_t *)ufrag.p < data ||
	    (const uint8_t *)ufrag.p + ufrag.l > data + size)
		abort();
	compare(&ufrag, data, size);

	return 0;
}
