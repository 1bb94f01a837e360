/* SPDX-License-Identifier: MIT */
/*
 * Requests and the routers they go by.  A router may die with a request in
 * its hands; it is no longer live 3 s later.  So as long as nothing was
 * answered the request is led to a live router: to the peer it is a copy, to
 * the transaction the answer is the one that it waits for.
 */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

enum {
	CHECK_MS = 2000,
	CHECKS = 3,      /* a lease is 3 s: after 6 s it would be known */
};

struct client {
	struct dialog *d;        /* borrowed: its `pending` keeps it */
	request_resp_h *resph;
	struct client **reqp;    /* set to us while we are under way */
	struct ctrans *ct;       /* borrowed; until the final answer */
	const char *met;         /* static */
	char *uri;
	struct mbuf *plain;      /* its text, without credentials */
	struct wheel_tmr tmr;
	char router[ROUTER_ID_SIZE];
	unsigned checks;
};

static void destructor(void *arg)
{
	struct client *c = arg;

	wheel_cancel(&c->tmr);
	mem_deref(c->uri);
	mem_deref(c->plain);
}

static void check_handler(void *arg)
{
	struct client *c = arg;
	struct dialog *d = c->d;
	struct ua_router r;

	if (d->abandoned)
		return;

	if (!ua_router(d->ua, &r, c->router) &&
	    strcmp(r.id, c->router)) {
		ctrans_lead(c->ct, &r.addr);
		memcpy(c->router, r.id, sizeof(c->router));
		memcpy(d->router, r.id, sizeof(d->router));
	}

	if (++c->checks < CHECKS)
		wheel_start(d->ua->wheel, &c->tmr, CHECK_MS, check_handler, c);
}

static bool answer_challenge(struct client *c, const struct sip_msg *msg);

static void resp_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct client *c = arg;
	struct dialog *d = c->d;
	request_resp_h *resph = c->resph;

	wheel_cancel(&c->tmr);
	if (dialog_auth_is_challenge(msg) && answer_challenge(c, msg))
		return;

	mem_ref(d);
	if (!msg || msg->scode >= 200) {
		if (c->reqp)
			*c->reqp = NULL;
		mem_deref(c);
		--d->ua->clients;
		dialog_unpend(d);
	}

	resph(err, msg, d);
	dialog_settle(d);
	mem_deref(d);
}

void request_drop(struct client *c)
{
	struct dialog *d;

	if (!c)
		return;

	d = c->d;
	if (c->reqp)
		*c->reqp = NULL;
	ctrans_drop(c->ct);
	--d->ua->clients;
	dialog_unpend(d);
	mem_deref(c);
}

const char *request_branch(const struct client *c)
{
	return ctrans_branch(c->ct);
}

const char *request_sentby(const struct client *c)
{
	return ctrans_sentby(c->ct);
}

bool request_is_canceled(const struct client *c)
{
	return ctrans_is_canceled(c->ct);
}

/* By another router when its own is gone: a peer that wants the Via of the
 * INVITE in it may refuse that, but by a dead one it would never get it. */
void request_cancel(struct client *c, const char *why)
{
	struct ua_router r;

	if (!c)
		return;

	if (!ua_router(c->d->ua, &r, c->router) &&
	    strcmp(r.id, c->router)) {
		memcpy(c->router, r.id, sizeof(c->router));
		ctrans_aim(c->ct, &r.addr);
	}
	ctrans_cancel(c->ct, why);
}

/* The router to go by, or where the dialog's last message came from. */
static int hop(struct ua_router *r, const struct dialog *d)
{
	int err;

	memset(r, 0, sizeof(*r));
	err = ua_router(d->ua, r, d->router);
	if (!err)
		return 0;

	if (!sa_isset(&d->next_hop, SA_ALL))
		return err;
	r->addr = d->next_hop;

	return 0;
}

/* Send its text, with credentials if there are any, to a router. */
static int transact(struct client *c, const struct sa *dst,
		    const struct ctrans_origin *orig)
{
	struct ctrans_req req = {.met = c->met, .uri = c->uri, .dst = dst};
	struct ctranss *ctranss = c->d->ua->ctranss;
	struct mbuf *mb;
	int err;

	err = dialog_auth_print(&mb, c->d, c->met, c->uri, c->plain);
	if (err)
		return err;

	req.mb = mb;
	err = orig ? ctrans_resume(&c->ct, ctranss, &req, orig, resp_handler,
				   c)
		   : ctrans_request(&c->ct, ctranss, &req, resp_handler, c);
	mem_deref(mb);

	return err;
}

/* The request's next CSeq; an INVITE's is what its ACK and CANCEL go by. */
static int renumber(struct client *c)
{
	struct dialog *d = c->d;
	struct mbuf *mb;
	int err = dialog_auth_renumber(&mb, c->plain, c->met, d->lcseq + 1);

	if (err)
		return err;

	mem_deref(c->plain);
	c->plain = mb;
	++d->lcseq;
	if (!strcmp(c->met, "INVITE")) {
		d->inv_cseq = d->lcseq;
		if (!d->re_invite)
			early_flush(d);
	}

	return 0;
}

/* The same request once more, with credentials (RFC 3261 22.2).
 * @return false: who asked is told of the challenge. */
static bool answer_challenge(struct client *c, const struct sip_msg *msg)
{
	/* The transaction of any other method is gone by now. */
	const bool canceled =
	    !strcmp(c->met, "INVITE") && ctrans_is_canceled(c->ct);
	struct dialog *d = c->d;
	struct ua_router r;

	if (!d->ua || d->ua->closing || d->abandoned || canceled ||
	    dialog_auth_challenge(d, msg) ||
	    hop(&r, d) || renumber(c) || transact(c, &r.addr, NULL))
		return false;

	memcpy(c->router, r.id, sizeof(c->router));
	c->checks = 0;
	wheel_start(d->ua->wheel, &c->tmr, CHECK_MS, check_handler, c);
	dialog_changed(d);

	return true;
}

/* @param uri   Request-URI.
 * @param orig  NULL: it begins here. */
static int start(struct client **reqp, struct dialog *d, const char *uri,
		 const char *met, struct mbuf *mb,
		 const struct ctrans_origin *orig, request_resp_h *resph)
{
	struct ctrans_req req = {.met = met, .uri = uri, .mb = mb};
	struct client *c;
	struct ua_router r;
	int err;

	if (!d->ua || d->ua->closing)
		return ECONNABORTED;

	err = hop(&r, d);
	if (err)
		return err;

	req.dst = &r.addr;
	if (!resph)
		return ctrans_send(d->ua->ctranss, &req);

	c = mem_zalloc(sizeof(*c), destructor);
	if (!c)
		return ENOMEM;

	c->d = d;
	c->resph = resph;
	c->reqp = reqp;
	c->met = met;
	c->plain = mem_ref(mb);
	memcpy(c->router, r.id, sizeof(c->router));
	dialog_auth_start(d);
	err = str_dup(&c->uri, uri);
	if (!err)
		err = transact(c, &r.addr, orig);
	if (err) {
		mem_deref(c);
		return err;
	}

	if (reqp)
		*reqp = c;
	wheel_start(d->ua->wheel, &c->tmr, CHECK_MS, check_handler, c);
	++d->ua->clients;
	++d->pending;

	return 0;
}

int request_send(struct client **reqp, struct dialog *d, const char *met,
		 struct mbuf *mb, request_resp_h *resph)
{
	return start(reqp, d, d->target, met, mb, NULL, resph);
}

int request_send_early(struct dialog *d, const struct early *e,
		       const char *met, struct mbuf *mb, request_resp_h *resph)
{
	return start(NULL, d, e ? e->target : d->target, met, mb, NULL, resph);
}

int request_resume(struct client **reqp, struct dialog *d, const char *met,
		   struct mbuf *mb, const struct ctrans_origin *orig,
		   request_resp_h *resph)
{
	return start(reqp, d, d->target, met, mb, orig, resph);
}
