/* SPDX-License-Identifier: MIT */
/* Requests that wait for DNS: see target_impl.h. */

#include <string.h>
#include "router/answer.h"
#include "router/core.h"
#include "router/target_impl.h"

struct waiting {
	struct pending *p;          /* borrowed: it owns us              */
	struct locate_query *query;
	char host[TARGET_HOST_SIZE];
};

static void waiting_destructor(void *arg)
{
	struct waiting *wt = arg;

	mem_deref(wt->query);
}

static void resume(struct waiting *wt, int err,
		   const struct locate_found *found)
{
	struct pending *p = wt->p;
	struct hop hop = target_hop(p);
	struct pl name;

	(void)pending_resume(p);
	pl_set_str(&name, wt->host);
	if (err)
		answer(&p->m, 503, "No Such Target", NULL);
	else
		target_send(&p->m, &hop, found, &name);
	pending_end(p);
}

static void located(int err, const struct locate_found *found, void *arg)
{
	resume(arg, err, found);
}

static void dns_late(void *arg)
{
	resume(arg, ETIMEDOUT, NULL);
}

static int start_query(struct pending *p, const struct locate_uri *lu)
{
	struct waiting *wt = mem_zalloc(sizeof(*wt), waiting_destructor);
	struct locate_uri uri = *lu;
	int err;

	if (!wt)
		return ENOMEM;
	p->state = wt;
	wt->p = p;
	err = pl_strcpy(&lu->host, wt->host, sizeof(wt->host));
	if (err)
		return err;
	pl_set_str(&uri.host, wt->host);
	err = locate_query(&wt->query, p->w->locate, &uri, located, wt);
	if (!err)
		pending_later(p, TARGET_DNS_MS, dns_late, wt);

	return err;
}

void target_dns_wait(struct msg *m, const struct hop *hop,
			 const struct locate_uri *lu)
{
	struct pending *p;

	if (pending_is(m)) {
		stat_inc(&m->w->stats, STAT_DROP_REPEAT);
		return;
	}
	if (m->v->method == VIEW_CANCEL && pending_cancel(m))
		return;
	if (pending_hold(&p, m)) {
		answer_later(m, NULL);
		return;
	}
	p->tok = hop->tok;
	p->record_route = hop->record_route;
	if (!start_query(p, lu))
		return;
	(void)pending_resume(p);
	answer_later(&p->m, NULL);
	pending_end(p);
}

