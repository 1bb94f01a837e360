/* SPDX-License-Identifier: MIT */
#include <re.h>
#include "node/sip/session_impl.h"

int session_resume(struct session **sp, const struct session_conf *conf,
		   const struct session_state *st)
{
	return sp && conf && st ? ENOTSUP : EINVAL;
}

size_t session_codecs(const struct session *s, const char **v, size_t max)
{
	size_t i, n = 0;

	for (i = 0; s && i < s->fmtc && n < max; i++) {
		if (!session_formats[s->fmtv[i]].event)
			v[n++] = session_formats[s->fmtv[i]].name;
	}

	return n;
}
