/* SPDX-License-Identifier: MIT */
/*
 * Requests of ours that the peer wants authenticated (RFC 3261 22): 401 and
 * 407 are answered here, with the dialog's account, before who asked hears of
 * them.  What was challenged once is answered ahead in every further request.
 *
 * A request's text is kept without its credentials; they and, for a further
 * try, the next CSeq are put into a copy.
 */

#include <string.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <re.h>

#include "node/sip/ua.h"
#include "proto/digest_client.h"

enum { CHALLENGES_MAX = 8 };

static bool account_get(const struct dialog *d, struct sipua_account *acc)
{
	const struct sipua_conf *conf = &d->ua->conf;

	memset(acc, 0, sizeof(*acc));

	return d->account && conf->accounth &&
	       !conf->accounth(acc, d->account, conf->arg);
}

/* Where the headers end. */
static const char *body_of(const struct mbuf *mb, struct pl *body)
{
	const char *end = memmem(mb->buf, mb->end, "\r\n\r\n", 4);

	*body = pl_null;
	if (end) {
		body->p = end + 4;
		body->l = (size_t)((const char *)mb->buf + mb->end - body->p);
	}

	return end;
}

static int print(struct mbuf *mb, struct dialog *d, const char *met,
		 const char *uri, const struct pl *body)
{
	struct sipua_account acc;
	struct digest_credentials cred = {.user = acc.user,
					  .password = acc.password};
	int err = 0;

	if (account_get(d, &acc))
		err = digest_client_print(mb, d->auth, &cred, met, uri,
					  body->l ? body : NULL);
	OPENSSL_cleanse(&acc, sizeof(acc));

	return err;
}

void dialog_auth_start(struct dialog *d)
{
	if (d->auth)
		digest_client_start(d->auth);
}

int dialog_auth_print(struct mbuf **mbp, struct dialog *d, const char *met,
		      const char *uri, struct mbuf *plain)
{
	struct mbuf *mb;
	struct pl body;
	const char *end;
	size_t head;
	int err;

	if (!d->auth || !digest_client_has(d->auth)) {
		*mbp = mem_ref(plain);
		return 0;
	}

	end = body_of(plain, &body);
	if (!end)
		return EBADMSG;
	mb = mbuf_alloc(plain->end + 512);
	if (!mb)
		return ENOMEM;

	head = (size_t)(end - (const char *)plain->buf) + 2;
	err = mbuf_write_mem(mb, plain->buf, head);
	if (!err)
		err = print(mb, d, met, uri, &body);
	if (!err)
		err = mbuf_write_mem(mb, plain->buf + head, plain->end - head);
	mb->pos = 0;
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}

int dialog_auth_renumber(struct mbuf **mbp, const struct mbuf *plain,
			 const char *met, uint32_t cseq)
{
	const char *p = (const char *)plain->buf;
	const char *line = memmem(p, plain->end, "\r\nCSeq: ", 8), *next;
	struct mbuf *mb;
	int err;

	if (!line)
		return EBADMSG;
	line += 2;
	next = memmem(line, plain->end - (size_t)(line - p), "\r\n", 2);
	mb = next ? mbuf_alloc(plain->end + 16) : NULL;
	if (!mb)
		return next ? ENOMEM : EBADMSG;

	err = mbuf_write_mem(mb, plain->buf, (size_t)(line - p));
	err |= mbuf_printf(mb, "CSeq: %u %s", cseq, met);
	err |= mbuf_write_mem(mb, (const uint8_t *)next,
			      plain->end - (size_t)(next - p));
	mb->pos = 0;
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err ? ENOMEM : 0;
}

/* ---------------------------------------------------------------- challenged */

struct challenges {
	struct pl v[CHALLENGES_MAX];
	size_t n;
};

static bool collect(const struct sip_hdr *hdr, const struct sip_msg *msg,
		    void *arg)
{
	struct challenges *c = arg;

	(void)msg;
	c->v[c->n++] = hdr->val;

	return c->n == CHALLENGES_MAX;
}

bool dialog_auth_is_challenge(const struct sip_msg *msg)
{
	return msg && (msg->scode == 401 || msg->scode == 407);
}

int dialog_auth_challenge(struct dialog *d, const struct sip_msg *msg)
{
	const enum sip_hdrid id = msg->scode == 401
					  ? SIP_HDR_WWW_AUTHENTICATE
					  : SIP_HDR_PROXY_AUTHENTICATE;
	struct challenges c = {.n = 0};
	uint8_t cnonce[DIGEST_CNONCE_BYTES];
	struct sipua_account acc;
	struct digest_credentials cred = {.user = acc.user,
					  .password = acc.password};
	int err = 0;

	if (!account_get(d, &acc)) {
		d->auth_why = "credentials are wanted, there are none";
		return ENOENT;
	}
	if (!d->auth)
		err = digest_client_alloc(&d->auth);
	if (!err && RAND_bytes(cnonce, sizeof(cnonce)) != 1)
		err = EIO;
	(void)sip_msg_hdr_apply(msg, true, id, collect, &c);
	if (!err)
		err = digest_client_challenge(d->auth, msg->scode, c.v, c.n,
					      &cred, cnonce);
	OPENSSL_cleanse(&acc, sizeof(acc));
	if (err)
		d->auth_why = err == EACCES ? "user or password refused"
			      : err == ENOTSUP
				  ? "no digest algorithm in common"
				  : "challenge cannot be answered";

	return err;
}

const char *dialog_auth_why(const struct dialog *d, const struct sip_msg *msg)
{
	return dialog_auth_is_challenge(msg) ? d->auth_why : NULL;
}

int dialog_set_account(struct dialog *d, const char *account)
{
	if (!d)
		return EINVAL;

	d->account = mem_deref(d->account);

	return str_isset(account) ? str_dup(&d->account, account) : 0;
}
