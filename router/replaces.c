/* SPDX-License-Identifier: MIT */
/* INVITEs for a call that is there: see replaces.h. */

#include <errno.h>
#include <string.h>
#include "router/replaces.h"

static bool read_tag(struct token *tok, const struct token_key *key,
		     const struct pl *params, const char *name, bool *there)
{
	struct pl tag;

	if (msg_param_decode(params, name, &tag)) {
		*there = false;
		return false;
	}

	return tag.l == TOKEN_LEN &&
	       !token_read(tok, key, TOKEN_TAG, tag.p, tag.l, NULL, 0);
}

int replaces_hub(uint8_t hub[ULID_BYTES], const struct token_key *key,
		 const struct pl *val)
{
	const char *semi = pl_strchr(val, ';');
	struct pl params;
	struct token tok;
	bool there = true, ours;

	if (!semi)
		return EBADMSG;

	params.p = semi;
	params.l = val->l - (size_t)(semi - val->p);
	ours = read_tag(&tok, key, &params, "to-tag", &there);
	if (!ours)
		ours = read_tag(&tok, key, &params, "from-tag", &there);
	if (!there)
		return EBADMSG;
	if (!ours)
		return ENOENT;

	memcpy(hub, tok.hub, ULID_BYTES);

	return 0;
}
