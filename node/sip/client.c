/* SPDX-License-Identifier: MIT */
/*
 * Client transactions are libre's: it repeats a request, but always to the
 * same address.  A router may die with the request in its hands; it is no
 * longer live 3 s later.  So the bytes of a request are kept until anything
 * is answered, and go out again, branch and all, by a live router: to the
 * peer it is a copy, to libre the answer is the one that it waits for.
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
	struct mbuf *mb;         /* while it is being sent: its headers */
	struct mbuf *copy;       /* as sent; NULL: answered */
	struct wheel_tmr tmr;
	char router[ROUTER_ID_SIZE];
	unsigned checks;
};

static void destructor(void *arg)
{
	struct client *c = arg;

	wheel_cancel(&c->tmr);
	mem_deref(c->copy);
}

static void check_handler(void *arg)
{
	struct client *c = arg;
	struct dialog *d = c->d;
	struct ua_router r;

	if (d->abandoned)
		return;

	if (!ua_router(d->ua, &r, c->router, d->tcp) &&
	    strcmp(r.id, c->router)) {
		c->copy->pos = 0;
		(void)sip_send(d->ua->sip, NULL, SIP_TRANSP_UDP, &r.addr,
			       c->copy);
		memcpy(c->router, r.id, sizeof(c->router));
		memcpy(d->router, r.id, sizeof(d->router));
	}

	if (++c->checks < CHECKS)
		wheel_start(d->ua->wheel, &c->tmr, CHECK_MS, check_handler, c);
}

/* libre has begun the message: the start line and its Via. */
static int send_handler(enum sip_transp tp, const struct sa *src,
			const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct client *c = arg;
	int err;

	(void)tp;
	(void)src;
	(void)dst;

	mem_deref(c->copy);
	c->copy = mbuf_alloc(mb->end + c->mb->end);
	if (!c->copy)
		return ENOMEM;

	err = mbuf_write_mem(c->copy, mb->buf, mb->end);

	return err | mbuf_write_mem(c->copy, c->mb->buf, c->mb->end);
}

static void resp_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct client *c = arg;
	struct dialog *d = c->d;
	request_resp_h *resph = c->resph;

	wheel_cancel(&c->tmr);
	c->copy = mem_deref(c->copy);
	d->ua->responses += msg != NULL;

	mem_ref(d);
	if (!msg || msg->scode >= 200) {
		mem_deref(c);
		--d->ua->clients;
		dialog_unpend(d);
	}

	resph(err, msg, d);
	dialog_settle(d);
	mem_deref(d);
}

/* The router to go by, or where the dialog's last message came from. */
static int hop(struct ua_router *r, const struct dialog *d)
{
	int err;

	memset(r, 0, sizeof(*r));
	err = ua_router(d->ua, r, d->router, d->tcp);
	if (!err)
		return 0;

	if (!sa_isset(&d->next_hop, SA_ALL))
		return err;
	r->addr = d->next_hop;

	return 0;
}

int request_send(struct sip_request **reqp, struct dialog *d, const char *met,
		 struct mbuf *mb, request_resp_h *resph)
{
	struct client *c = NULL;
	struct ua_router r;
	struct uri route;
	char host[64];
	int err;

	if (!d->ua || d->ua->closing)
		return ECONNABORTED;

	err = hop(&r, d);
	if (err)
		return err;

	(void)re_snprintf(host, sizeof(host), "%j", &r.addr);
	memset(&route, 0, sizeof(route));
	pl_set_str(&route.scheme, "sip");
	pl_set_str(&route.host, host);
	route.port = sa_port(&r.addr);

	if (resph) {
		c = mem_zalloc(sizeof(*c), destructor);
		if (!c)
			return ENOMEM;
		c->d = d;
		c->resph = resph;
		c->mb = mb;
		memcpy(c->router, r.id, sizeof(c->router));
	}

	err = sip_request(reqp, d->ua->sip, c != NULL, met, -1, d->target, -1,
			  &route, mb, 0, c ? send_handler : NULL,
			  c ? resp_handler : NULL, c);
	if (err || !c) {
		mem_deref(c);
		return err;
	}

	c->mb = NULL;
	wheel_start(d->ua->wheel, &c->tmr, CHECK_MS, check_handler, c);
	++d->ua->clients;
	++d->pending;

	return 0;
}
