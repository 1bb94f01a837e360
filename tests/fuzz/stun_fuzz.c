/* sources: router/stun.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as STUN on the SIP port.  What is answered is
 * STUN to libre as well, and so is the answer: of the same transaction, with
 * the address, or the code and the attributes that were not known. */

#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "router/stun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stun_msg *decode(const uint8_t *p, size_t len)
{
	struct mbuf *mb = mbuf_alloc(len + 1);
	struct stun_unknown_attr ua;
	struct stun_msg *msg = NULL;

	if (!mb || mbuf_write_mem(mb, p, len))
		abort();
	mb->pos = 0;
	if (stun_msg_decode(&msg, mb, &ua))
		msg = NULL;
	mem_deref(mb);

	return msg;
}

static void check_answer(const struct stun_msg *msg, enum stun_result result,
			 const struct sa *from)
{
	const struct stun_attr *attr;

	if (result == STUN_MAPPED) {
		attr = stun_msg_attr(msg, STUN_ATTR_XOR_MAPPED_ADDR);
		if (stun_msg_class(msg) != STUN_CLASS_SUCCESS_RESP || !attr ||
		    !sa_cmp(&attr->v.xor_mapped_addr, from, SA_ALL))
			abort();
		return;
	}
	attr = stun_msg_attr(msg, STUN_ATTR_ERR_CODE);
	if (stun_msg_class(msg) != STUN_CLASS_ERROR_RESP || !attr ||
	    attr->v.err_code.code != 420 ||
	    !stun_msg_attr(msg, STUN_ATTR_UNKNOWN_ATTR))
		abort();
}

static void check(const uint8_t *data, size_t size, const struct sa *from)
{
	uint8_t buf[STUN_ANSWER_MAX];
	enum stun_result result;
	struct stun_msg *msg;
	size_t len;

	result = stun_answer(buf, &len, data, size, from);
	if ((result == STUN_SILENT) != !len || len > sizeof(buf) ||
	    len > 3 * size)
		abort();
	if (!len)
		return;

	msg = decode(buf, len);
	if (!msg || stun_msg_method(msg) != STUN_METHOD_BINDING ||
	    memcmp(buf + 4, data + 4, 16))
		abort();
	if (stun_msg_attr(msg, STUN_ATTR_FINGERPRINT) &&
	    stun_msg_chk_fingerprint(msg))
		abort();
	check_answer(msg, result, from);
	mem_deref(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sa from;

	if (sa_set_str(&from, "192.0.2.7", 4000))
		abort();
	check(data, size, &from);
	if (sa_set_str(&from, "2001:db8::7", 4000))
		abort();
	check(data, size, &from);

	return 0;
}
