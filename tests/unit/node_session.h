/* SPDX-License-Identifier: MIT */
/* Offers and answers as text, for the tests of sessions. */

#ifndef SY_TESTS_UNIT_NODE_SESSION_H
#define SY_TESTS_UNIT_NODE_SESSION_H

#include <string.h>
#include "has.h"
#include "node/sip/session.h"

static struct mbuf *text(const char *str)
{
	struct mbuf *mb = mbuf_alloc(strlen(str) + 1);

	assert_non_null(mb);
	(void)mbuf_write_str(mb, str);
	mb->pos = 0;

	return mb;
}

static int answer(struct session *s, const char *offer, char **out)
{
	struct mbuf *in = text(offer), *mb = NULL;
	int err = session_answer(s, in, &mb);

	if (!err) {
		assert_int_equal(mb->pos, 0);
		(void)mbuf_strdup(mb, out, mb->end);
	}
	mem_deref(mb);
	mem_deref(in);

	return err;
}

static int answered(struct session *s, const char *sdp)
{
	struct mbuf *in = text(sdp);
	int err = session_answered(s, in);

	mem_deref(in);

	return err;
}

static char *offer(struct session *s, bool hold)
{
	struct mbuf *mb = NULL;
	char *str = NULL;

	assert_int_equal(session_offer(s, hold, &mb), 0);
	(void)mbuf_strdup(mb, &str, mb->end);
	mem_deref(mb);

	return str;
}

#endif
