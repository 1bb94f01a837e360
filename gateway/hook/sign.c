/* SPDX-License-Identifier: MIT */
/* What is sent to whom, and its signature: see hook.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <re.h>

#include "gateway/hook/hook.h"

/* Those of calls, where it does not say which. */
bool hook_wants(const Sy__WebhookRecord *w, Sy__EventType type)
{
	if (!w->n_events)
		return (type >= SY__EVENT_TYPE__CALL_STARTED &&
			type <= SY__EVENT_TYPE__LEG_REMOVED) ||
		       type == SY__EVENT_TYPE__TRANSFERRED;

	for (size_t i = 0; i < w->n_events; i++) {
		if (w->events[i] == type)
			return true;
	}

	return false;
}

int hook_sign(char *text, const char *secret, uint64_t now_s,
	      const void *body, size_t len)
{
	uint8_t md[32];
	unsigned n = sizeof(md);
	char t[24];
	size_t tlen;
	uint8_t *p;
	bool ok;

	tlen = (size_t)snprintf(t, sizeof(t), "%llu.",
				(unsigned long long)now_s);
	p = mem_alloc(tlen + len, NULL);
	if (!p)
		return ENOMEM;
	memcpy(p, t, tlen);
	memcpy(p + tlen, body, len);
	ok = HMAC(EVP_sha256(), secret, (int)strlen(secret), p, tlen + len,
		  md, &n) != NULL;
	mem_deref(p);
	if (!ok)
		return ENOMEM;

	return re_snprintf(text, HOOK_SIGNATURE_SIZE, "t=%llu,v1=%w",
			   (unsigned long long)now_s, md, sizeof(md)) < 0
		? ENOMEM : 0;
}
