/* SPDX-License-Identifier: MIT */
/*
 * Is a request from a router of ours, and for this very node?  Its topmost
 * Via's branch must be a BRANCH token (proto/SIP.md).
 *
 * The Via below is the peer's, as odd as peers' may be.  It is read here as
 * the routers read it: the bytes of the sent-by and of the branch, not what
 * they mean; libre would refuse some that are valid.
 */

#include <string.h>
#include <strings.h>
#include <re.h>

#include "node/sip/ua.h"

enum { CTX_SIZE = 2048 };

static const char magic[] = "z9hG4bK";

static bool is_ws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Cut what stands before the first white space or ';' off the front. */
static void word(struct pl *w, struct pl *rest)
{
	w->p = rest->p;
	w->l = 0;
	while (w->l < rest->l && !is_ws(w->p[w->l]) && w->p[w->l] != ';')
		++w->l;
	pl_advance(rest, (ssize_t)w->l);
}

static void skip(struct pl *rest)
{
	while (rest->l && is_ws(*rest->p))
		pl_advance(rest, 1);
}

/* "SIP / 2.0 / UDP host:port;branch=..." */
static void via_read(struct pl *sentby, struct pl *branch, const struct pl *val)
{
	struct pl rest = *val, w;
	unsigned slashes = 0;

	while (rest.l && slashes < 2) {
		slashes += *rest.p == '/';
		pl_advance(&rest, 1);
	}
	skip(&rest);
	word(&w, &rest);
	skip(&rest);
	word(sentby, &rest);

	while (rest.l) {
		bool is_branch;

		while (rest.l && *rest.p != ';')
			pl_advance(&rest, 1);
		if (!rest.l)
			break;
		pl_advance(&rest, 1);
		skip(&rest);

		is_branch = rest.l >= 6 && !strncasecmp(rest.p, "branch", 6);
		if (!is_branch)
			continue;
		pl_advance(&rest, 6);
		skip(&rest);
		if (!rest.l || *rest.p != '=')
			continue;
		pl_advance(&rest, 1);
		skip(&rest);
		word(branch, &rest);
		return;
	}
}

struct second {
	struct pl sentby, branch;
	unsigned n;
};

static bool second_via(const struct sip_hdr *hdr, const struct sip_msg *msg,
		       void *arg)
{
	struct second *s = arg;

	(void)msg;

	if (s->n++ == 0)
		return false;

	via_read(&s->sentby, &s->branch, &hdr->val);

	return true;
}

/* The further bytes under the token's MAC. */
static size_t branch_ctx(char *buf, size_t size, const struct sip_msg *msg)
{
	struct second s = {.n = 0};
	struct pl num;
	const struct pl *v[] = {&s.sentby, &s.branch, &msg->callid,
				&msg->from.tag, &num};
	char cseq[16];
	size_t n = 0, i;

	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_VIA, second_via, &s);
	(void)re_snprintf(cseq, sizeof(cseq), "%u", msg->cseq.num);
	pl_set_str(&num, cseq);

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		if (n + v[i]->l + 1 > size)
			return 0;
		if (v[i]->l)
			memcpy(&buf[n], v[i]->p, v[i]->l);
		n += v[i]->l;
		buf[n++] = 0;
	}

	return n;
}

int ua_token_check(const struct sipua *ua, const struct sip_msg *msg,
		   struct token *tok)
{
	const struct pl *b = &msg->via.branch;
	size_t pfx = sizeof(magic) - 1, n;
	char ctx[CTX_SIZE];
	int err;

	if (b->l != pfx + TOKEN_LEN || memcmp(b->p, magic, pfx))
		return EINVAL;

	n = branch_ctx(ctx, sizeof(ctx), msg);
	if (!n)
		return EINVAL;

	err = token_read(tok, ua->conf.key, TOKEN_BRANCH, b->p + pfx,
			 TOKEN_LEN, ctx, n);
	if (err)
		return err;

	if (tok->instance == ua_instance(ua))
		return 0;

	/* It names the node that had the hub when its dialog began. */
	return ua->conf.ownsh &&
	       ua->conf.ownsh(tok->hub, tok->epoch, ua->conf.arg) ? 0
								   : ESTALE;
}
