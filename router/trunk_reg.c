/* SPDX-License-Identifier: MIT */
/* A registration at a carrier, and what is asked for; see trunk_reg.h. */

#include <string.h>
#include "proto/random.h"
#include "router/trunk_reg.h"
#include "router/trunk_reg_impl.h"

static void destructor(void *arg)
{
	struct trunk_reg *r = arg;

	if (r->password)
		explicit_bzero(r->password, strlen(r->password));
	mem_deref(r->domain);
	mem_deref(r->user);
	mem_deref(r->contact);
	mem_deref(r->mark);
	mem_deref(r->proxy);
	mem_deref(r->username);
	mem_deref(r->password);
	mem_deref(r->digest);
	mem_deref(r->uri);
	mem_deref(r->from);
	mem_deref(r->to);
	mem_deref(r->call_id);
	mem_deref(r->stands);
	mem_deref(r->old);
	mem_deref(r->headers);
	trunk_reg_routes_clear(r);
}

static int copy(struct trunk_reg *r, const struct trunk_reg_conf *c)
{
	int err = str_dup(&r->domain, c->domain);

	err |= str_dup(&r->user, c->user);
	err |= str_dup(&r->contact, c->contact);
	err |= str_dup(&r->mark, c->mark);
	if (c->proxy)
		err |= str_dup(&r->proxy, c->proxy);
	if (c->username)
		err |= str_dup(&r->username, c->username);
	if (c->password)
		err |= str_dup(&r->password, c->password);

	return err ? ENOMEM : 0;
}

static int identify(struct trunk_reg *r)
{
	uint8_t id[16], tag[8];
	int err;

	random_bytes(id, sizeof(id));
	random_bytes(tag, sizeof(tag));
	err = re_sdprintf(&r->uri, "sip:%s", r->domain);
	err |= re_sdprintf(&r->from, "<sip:%s@%s>;tag=%w", r->user, r->domain,
			   tag, sizeof(tag));
	err |= re_sdprintf(&r->to, "<sip:%s@%s>", r->user, r->domain);
	err |= re_sdprintf(&r->call_id, "%w", id, sizeof(id));

	return err ? ENOMEM : 0;
}

int trunk_reg_alloc(struct trunk_reg **rp, const struct trunk_reg_conf *conf,
		    uint64_t now_ms)
{
	struct trunk_reg *r;
	int err;

	if (!rp || !conf || !conf->domain || !conf->user || !conf->contact ||
	    !conf->mark)
		return EINVAL;

	r = mem_zalloc(sizeof(*r), destructor);
	if (!r)
		return ENOMEM;
	r->expires_s = conf->expires_s;
	r->due_ms = now_ms;
	err = copy(r, conf);
	if (!err)
		err = identify(r);
	if (!err)
		err = digest_client_alloc(&r->digest);

	if (err)
		mem_deref(r);
	else
		*rp = r;

	return err;
}

int trunk_reg_resume(struct trunk_reg *r, const struct trunk_reg_past *past,
		     uint64_t now_ms)
{
	int err = 0;

	if (!past->call_id || !past->call_id[0])
		return 0;

	r->call_id = mem_deref(r->call_id);
	err = str_dup(&r->call_id, past->call_id);
	r->cseq = past->cseq + TRUNK_REG_CSEQ_MARGIN;
	if (err || !past->contact[0] || past->expires_ms <= now_ms)
		return err;

	err = str_dup(&r->stands, past->contact);
	if (err)
		return err;
	r->registered = true;
	r->expires_ms = past->expires_ms;
	r->refresh_ms = past->refresh_ms;
	if (!strcmp(r->stands, r->contact))
		r->due_ms = r->refresh_ms > now_ms ? r->refresh_ms : now_ms;

	return 0;
}

/* ----------------------------------------------------------------- asking */

uint64_t trunk_reg_due(const struct trunk_reg *r)
{
	if (r->asking || r->gone)
		return UINT64_MAX;
	if (r->registered && r->expires_ms < r->due_ms)
		return r->expires_ms;

	return r->due_ms;
}

bool trunk_reg_wants(const struct trunk_reg *r, uint64_t now_ms)
{
	return !r->asking && !r->gone && now_ms >= r->due_ms;
}

bool trunk_reg_is_again(const struct trunk_reg *r)
{
	return r->again;
}

size_t trunk_reg_target(const struct trunk_reg *r)
{
	return r->target;
}

enum trunk_reg_out trunk_reg_tick(struct trunk_reg *r, uint64_t now_ms)
{
	if (!r->registered || now_ms < r->expires_ms)
		return TRUNK_REG_SAME;

	r->registered = false;
	r->stands = mem_deref(r->stands);

	return TRUNK_REG_DOWN;
}

/* What this one is about: our contact, one that we had, or the end. */
static const char *subject(const struct trunk_reg *r, uint32_t *expires_s)
{
	*expires_s = r->leaving || r->cleaning ? 0 : r->expires_s;
	if (r->cleaning)
		return r->old;
	if (r->leaving && r->stands)
		return r->stands;

	return r->contact;
}

struct digest_credentials trunk_reg_credentials(const struct trunk_reg *r)
{
	return (struct digest_credentials){.user = r->username ? r->username
							       : "",
					   .password = r->password};
}

static int print_headers(struct trunk_reg *r, struct mbuf *mb)
{
	const struct digest_credentials cred = trunk_reg_credentials(r);
	uint32_t expires_s;
	const char *contact = subject(r, &expires_s);
	int err = 0;

	if (r->proxy)
		err = mbuf_printf(mb, "Route: %s\r\n", r->proxy);
	err |= mbuf_printf(mb,
			   "Contact: <%s>\r\nExpires: %u\r\n"
			   "Supported: path\r\n"
			   "User-Agent: Switchyard/" SY_VERSION "\r\n",
			   contact, expires_s);
	if (digest_client_has(r->digest))
		err |= digest_client_print(mb, r->digest, &cred, "REGISTER",
					   r->uri, NULL);
	err |= mbuf_write_u8(mb, 0);

	return err ? ENOMEM : 0;
}

int trunk_reg_print(struct trunk_reg *r, struct trunk_reg_msg *m)
{
	struct mbuf *mb;
	int err;

	if (!r || !m)
		return EINVAL;

	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;
	if (!r->again) {
		r->rounds = 0;
		r->cleaning = r->old && r->registered && !r->leaving;
		digest_client_start(r->digest);
	}
	err = print_headers(r, mb);
	if (err) {
		mem_deref(mb);
		return err;
	}
	mem_deref(r->headers);
	r->headers = mb;
	r->again = false;
	r->asking = true;
	r->left = r->leaving;
	*m = (struct trunk_reg_msg){.uri = r->uri,
				    .from = r->from,
				    .to = r->to,
				    .call_id = r->call_id,
				    .cseq = ++r->cseq,
				    .headers = (const char *)mb->buf};

	return 0;
}

/* ------------------------------------------------------------------- end */

void trunk_reg_leave(struct trunk_reg *r, uint64_t now_ms)
{
	if (r->leaving)
		return;
	r->leaving = true;
	r->again = false;
	r->due_ms = now_ms;
	if (!r->registered && !r->asking)
		r->gone = true;
}

bool trunk_reg_is_gone(const struct trunk_reg *r)
{
	return r->gone;
}

void trunk_reg_stat(const struct trunk_reg *r, struct trunk_reg_stat *st)
{
	*st = (struct trunk_reg_stat){
		.registered = r->registered,
		.expires_ms = r->expires_ms,
		.refresh_ms = r->refresh_ms,
		.last_code = r->last_code,
		.reason = r->reason,
		.call_id = r->call_id,
		.cseq = r->cseq,
		.contact = r->stands ? r->stands : "",
		.routev = r->routev,
		.routec = r->routec,
	};
}
