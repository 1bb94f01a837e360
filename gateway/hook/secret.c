/* SPDX-License-Identifier: MIT */
/* The keys of signatures, as Redis has them: see hook.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/hook/hook.h"
#include "proto/seal.h"

enum { CONTEXT_MAX = 80 };

_Static_assert((int)HOOK_SEALED_MAX >=
	       (int)HOOK_SECRET_SIZE + (int)SEAL_EXTRA_BYTES,
	       "a seal has room");

/* One that is copied to another webhook does not open there. */
static void print_context(char buf[CONTEXT_MAX], const char *id)
{
	(void)snprintf(buf, CONTEXT_MAX, "webhook:%s", id);
}

int hook_secret_seal(uint8_t *out, const struct token_key *key,
		     const char *id, const char *secret)
{
	char context[CONTEXT_MAX];

	print_context(context, id);

	return seal_close(out, key, context, secret, strlen(secret));
}

int hook_record_seal(uint8_t buf[HOOK_SEALED_MAX], const struct token_key *key,
		     Sy__WebhookRecord *w)
{
	const size_t len = strlen(w->secret);
	int err;

	if (!key || !len || w->secret_sealed.len)
		return 0;
	if (len >= HOOK_SECRET_SIZE)
		return EINVAL;
	err = hook_secret_seal(buf, key, w->id, w->secret);
	if (err)
		return err;
	w->secret = (char *)(uintptr_t)protobuf_c_empty_string;
	w->secret_sealed.data = buf;
	w->secret_sealed.len = len + SEAL_EXTRA_BYTES;

	return 0;
}

static int open_sealed(char secret[HOOK_SECRET_SIZE],
		       const struct token_key *key, const Sy__WebhookRecord *w)
{
	char context[CONTEXT_MAX];
	int err;

	if (!key)
		return ENOKEY;
	print_context(context, w->id);
	err = seal_open(secret, HOOK_SECRET_SIZE, key, context,
			w->secret_sealed.data, w->secret_sealed.len);

	return err == EINVAL ? EBADMSG : err;
}

int hook_secret_open(char secret[HOOK_SECRET_SIZE],
		     const struct token_key *key, const Sy__WebhookRecord *w)
{
	int err = 0;

	if (w->secret_sealed.len)
		err = open_sealed(secret, key, w);
	else
		(void)snprintf(secret, HOOK_SECRET_SIZE, "%s", w->secret);

	/* By "" anybody can sign. */
	return err || secret[0] ? err : ENOENT;
}

const char *hook_secret_why(int err)
{
	switch (err) {
	case ENOENT:
		return "it has no secret to sign with: make it anew";
	case ENOKEY:
		return "its secret is sealed, and the gateway that sends has "
		       "no cluster key";
	case EBADMSG:
		return "its secret was sealed under another cluster key than "
		       "that of the gateway that sends";
	default:
		return NULL;
	}
}
