/* SPDX-License-Identifier: MIT */
/*
 * A large request for a UDP target, that waits until the target takes a TCP
 * connection or does not: sent into one that never opens it would be missed
 * until the node's next copy, half a second later.
 */

#include <string.h>
#include "router/core.h"
#include "router/target_impl.h"

struct probe {
	struct le le;               /* in worker->probes                 */
	struct pending *p;          /* borrowed: it owns us              */
	struct locate_target t;
	struct locate_found found;
	char host[TARGET_HOST_SIZE];
};

static void probe_destructor(void *arg)
{
	struct probe *pr = arg;

	list_unlink(&pr->le);
}

static void probe_done(void *arg)
{
	struct probe *pr = arg;
	struct pending *p = pr->p;
	struct hop hop = target_hop(p);
	struct pl name;

	(void)pending_resume(p);
	pl_set_str(&name, pr->host);
	target_send(&p->m, &hop, &pr->found, &name);
	pending_end(p);
}

static void probe_late(void *arg)
{
	struct probe *pr = arg;

	list_unlink(&pr->le);
	target_failed(pr->p->w, &pr->t);
	probe_done(pr);
}

bool target_probe_start(struct msg *m, const struct hop *hop,
			const struct attempt *a,
			const struct locate_found *found,
			const struct pl *name)
{
	const struct locate_target *t = attempt_target(a);
	struct pending *p;
	struct probe *pr;

	if (t->transport != LOCATE_TCP || !target_is_large(m) ||
	    found->v[0].transport != LOCATE_UDP ||
	    wire_is_through(m->w->wire, &a->flow) || pending_is(m) ||
	    pending_hold(&p, m))
		return false;
	pr = mem_zalloc(sizeof(*pr), probe_destructor);
	if (!pr || pl_strcpy(name, pr->host, sizeof(pr->host))) {
		mem_deref(pr);
		(void)pending_resume(p);
		pending_end(p);
		return false;
	}
	p->state = pr;
	p->tok = hop->tok;
	p->record_route = hop->record_route;
	pr->p = p;
	pr->t = *t;
	pr->found = *found;
	list_append(&m->w->probes, &pr->le, pr);
	pending_later(p, TARGET_PROBE_MS, probe_late, pr);

	return true;
}

void target_probe_told(struct worker *w, const struct locate_target *t)
{
	struct le *le = list_head(&w->probes);

	while (le) {
		struct probe *pr = le->data;

		le = le->next;
		if (pr->t.transport != t->transport ||
		    !sa_cmp(&pr->t.sa, &t->sa, SA_ALL))
			continue;
		list_unlink(&pr->le);
		pending_later(pr->p, 0, probe_done, pr);
	}
}

bool target_probe_has(struct msg *m)
{
	if (!m->w->probes.head)
		return false;
	if (m->v->method == VIEW_CANCEL)
		return pending_cancel(m);
	if (!pending_is(m))
		return false;
	stat_inc(&m->w->stats, STAT_DROP_REPEAT);

	return true;
}

