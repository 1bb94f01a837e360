/* sources: node/webrtc/ice.c node/webrtc/ice_early.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as STUN.  Only what has our password is a check,
 * so what is refused selects nobody; an answer is STUN again. */

#include <stdlib.h>
#include <string.h>
#include "node/webrtc/ice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const struct sa *dst, const uint8_t *p, size_t len,
		   void *arg)
{
	struct mbuf *mb = mbuf_alloc(len);
	struct stun_unknown_attr ua;
	struct stun_msg *msg;

	(void)dst;
	if (!mb || mbuf_write_mem(mb, p, len))
		abort();
	mb->pos = 0;
	if (stun_msg_decode(&msg, mb, &ua) || stun_msg_chk_fingerprint(msg))
		abort();
	++*(unsigned *)arg;
	mem_deref(msg);
	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ice_cred ours = {"ourFrag", "ourPasswordThatIsLong22"};
	const struct ice_cred theirs = {"thFrag", "theirPasswordThatIsLong2"};
	const struct ice_stat *st;
	unsigned answers = 0;
	struct ice *ice;
	struct sa src;

	if (sa_set_str(&src, "192.0.2.7", 4000) ||
	    ice_alloc(&ice, answer, NULL, &answers))
		abort();

	ice_set(ice, &ours, &theirs);
	ice_recv(ice, &src, data, size, 1);
	st = ice_stat(ice);
	if (st->checks + st->refused != answers ||
	    st->checks + st->refused + st->dropped != 1 ||
	    ice_is_checked(ice, &src) != (st->checks > 0))
		abort();
	mem_deref(ice);

	return 0;
}
