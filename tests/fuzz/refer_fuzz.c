/* sources: node/sip/referto.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as Refer-To, Replaces and sipfrag; what is read
 * has nothing in it that would break a line. */

#include <stdlib.h>
#include <string.h>
#include "node/sip/referto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void clean(const char *str)
{
	for (; *str; str++) {
		if ((unsigned char)*str < ' ' || *str == 0x7f)
			abort();
	}
}

static void replaced(const struct replaces *r)
{
	if (!r->call_id[0])
		abort();
	clean(r->call_id);
	clean(r->to_tag);
	clean(r->from_tag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pl pl = {(const char *)data, size};
	struct mbuf *mb;
	struct replaces rep;
	struct referto to;

	if (!size)
		return 0;

	if (!referto_read(&to, &pl)) {
		clean(to.user);
		clean(to.uri);
		clean(to.host);
		if (to.attended)
			replaced(&to.replaces);
	}
	if (!replaces_read(&rep, &pl))
		replaced(&rep);

	mb = mbuf_alloc(size);
	if (!mb)
		return 0;
	(void)mbuf_write_mem(mb, data, size);
	mb->pos = 0;
	if (sipfrag_code(mb) > 999)
		abort();
	mem_deref(mb);

	return 0;
}
