/* SPDX-License-Identifier: MIT */
/* Challenges and answers of one phone; see credentials.h. */

#include "tests/phone/credentials.h"

struct pick {
	struct digest_challenge *ch;
	unsigned allowed;
};

/* A list of challenges in order: the first that fits wins (RFC 8760 2.4). */
static bool pick_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			 void *arg)
{
	struct pick *pick = arg;
	struct digest_challenge *ch;
	(void)msg;

	if (digest_challenge_decode(&ch, &hdr->val))
		return false;

	if (!(ch->alg & pick->allowed)) {
		mem_deref(ch);
		return false;
	}

	pick->ch = ch;
	return true;
}

int credentials_learn(struct credentials *c, const struct sip_msg *msg)
{
	const int i = msg->scode == 407;
	struct pick pick = {NULL, c->allowed};

	sip_msg_hdr_apply(msg, true,
			  i ? SIP_HDR_PROXY_AUTHENTICATE
			    : SIP_HDR_WWW_AUTHENTICATE,
			  pick_handler, &pick);
	if (!pick.ch || !c->password) {
		mem_deref(pick.ch);
		return ENOTSUP;
	}

	mem_deref(c->ch[i]);
	c->ch[i] = pick.ch;
	c->nc[i] = 0;
	return 0;
}

int credentials_encode(struct credentials *c, struct mbuf *mb,
		       const char *method, const char *uri)
{
	static const char *names[] = {"Authorization", "Proxy-Authorization"};
	char cnonce[17];
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		struct digest_request req = {
			.user = c->user,
			.password = c->password,
			.method = method,
			.uri = uri,
			.cnonce = cnonce,
		};

		if (!c->ch[i])
			continue;

		re_snprintf(cnonce, sizeof(cnonce), "%016llx", rand_u64());
		req.nc = ++c->nc[i];
		err = mbuf_printf(mb, "%s: ", names[i]);
		err |= digest_authorization(mb, c->ch[i], &req);
		err |= mbuf_write_str(mb, "\r\n");
	}

	return err;
}

void credentials_forget(struct credentials *c)
{
	c->ch[0] = mem_deref(c->ch[0]);
	c->ch[1] = mem_deref(c->ch[1]);
}

const char *credentials_algorithm(const struct credentials *c)
{
	const struct digest_challenge *ch = c->ch[0] ? c->ch[0] : c->ch[1];

	return ch ? digest_alg_name(ch->alg) : NULL;
}

void credentials_reset(struct credentials *c)
{
	credentials_forget(c);
	c->user = mem_deref(c->user);
	c->password = mem_deref(c->password);
}
