/* SPDX-License-Identifier: MIT */
/* How a call came to whom it rings: see chain.h. */

#include <string.h>
#include "node/app/chain.h"
#include "node/app/trunk.h"
#include "node/hub/trail.h"
#include "proto/log.h"

/* Who reads it. */
struct reader {
	const struct node *n;
	const Sy__Trunk *trunk; /* NULL: a device of ours              */
	const char *domain;     /* ours                                */
	bool hide;              /* it is not told of anybody           */
};

static bool is_hidden(const struct hub *hub)
{
	return hub->private || (hub->trail && hub->trail->hidden);
}

/* ---------------------------------------------------------- who sent it on */

static bool print_uri(char *buf, size_t size, const char *user,
		      const char *host)
{
	struct pl pl;

	pl_set_str(&pl, user);

	return re_snprintf(buf, size, "sip:%H@%s", uri_user_escape, &pl,
			   host) > 0;
}

/* A number as the trunk writes it. */
static bool print_number(char *buf, size_t size, const struct reader *r,
			 const char *number)
{
	char out[NUMBER_SIZE];

	return !number_called_out(out, r->trunk, number) &&
	       print_uri(buf, size, out, r->trunk->target);
}

/* By what number is a device known there? "": by none. */
static const char *device_number(const struct reader *r,
				 const Sy__Device *dev, const char *called)
{
	char e164[NUMBER_SIZE];
	const char *v[] = {dev ? dev->caller_id : "", called};

	if (dev && dev->anonymous)
		return "";
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		int err = v[i][0] ? number_e164(e164, r->trunk, v[i]) : ENOENT;

		if (!v[i][0] || (err && err != ENOENT) ||
		    (i && err) || !number_may_show(r->trunk, e164))
			continue;
		return v[i];
	}

	return r->trunk->default_number;
}

/* @param called  What was called at first, if this is the first; or "".
 * @return false: it may not be shown. */
static bool print_device(char *buf, size_t size, const struct reader *r,
			 const char *device, const char *called)
{
	const Sy__Trunk *t = r->trunk;
	char out[NUMBER_SIZE];
	const char *number;

	if (!t)
		return print_uri(buf, size, device, r->domain);

	number = device_number(r, config_device(r->n->config, device,
						strlen(device)), called);

	return number[0] && !number_caller_out(out, t, number) &&
	       print_uri(buf, size, out,
			 t->from_domain[0] ? t->from_domain : r->domain);
}

/* A number out there, or a URI that somebody gave. */
static bool print_target(char *buf, size_t size, const struct reader *r,
			 const char *target)
{
	if (strchr(target, ':'))
		return re_snprintf(buf, size, "%s", target) > 0;

	return r->trunk ? print_number(buf, size, r, target)
			: print_uri(buf, size, target, r->domain);
}

/* @param before  Where the call was sent to the last time; or called. */
static bool print_by(char *buf, size_t size, const struct reader *r,
		     const Sy__Diversion *d, const char *before, bool first)
{
	if (d->device[0])
		return print_device(buf, size, r, d->device,
				    first ? before : "");

	return print_target(buf, size, r, before);
}

/* -------------------------------------------------------------------- chain */

static void put_came(struct histinfo *h, const struct hub *hub,
		     const struct reader *r)
{
	const Sy__Trail *t = hub->trail;

	for (size_t i = 0; t && i < t->n_came; i++) {
		const Sy__HistoryEntry *c = t->came[i];
		struct histinfo_entry *e = histinfo_add(h, c->uri,
							(uint16_t)c->cause);

		if (!e)
			return;
		str_ncpy(e->index, c->index, sizeof(e->index));
		str_ncpy(e->how, c->how, sizeof(e->how));
		str_ncpy(e->from, c->from, sizeof(e->from));
		e->reason = (uint16_t)c->reason;
		e->count = (uint16_t)c->count;
		e->hidden = c->hidden || r->hide || is_hidden(hub);
	}
}

/* Was it an answer that sent it on? */
static uint16_t answer_of(const Sy__Diversion *d)
{
	return d->redirect || d->code == 486 || d->code == 408
		   ? (uint16_t)d->code
		   : 0;
}

static uint16_t last_cause(Sy__Diversion *const *v, size_t n)
{
	return n ? (uint16_t)v[n - 1]->code : 0;
}

/* @param last  URI of who is rung. */
static void put_ours(struct histinfo *h, const struct hub *hub,
		     const struct reader *r, Sy__Diversion *const *v,
		     size_t n, const char *last)
{
	const size_t before = h->n;
	const char *at = hub->called;
	struct histinfo_entry *e;
	char uri[HISTINFO_URI];

	for (size_t i = 0; i < n; i++) {
		const bool known = print_by(uri, sizeof(uri), r, v[i], at,
					    i == 0);

		/* Who was called is the last one that came with the call. */
		e = i || !before
			    ? histinfo_add(h, known ? uri : histinfo_nobody,
					   last_cause(v, i))
			    : &h->v[h->n - 1];
		if (!e)
			return;
		e->reason = answer_of(v[i]);
		e->hidden |= !known || r->hide;
		at = v[i]->target;
	}
	if (n)
		(void)histinfo_add(h, last, last_cause(v, n));
}

static bool is_wanted(const Sy__Trunk *t, const char *what)
{
	return !t || !strcmp(t->send_history, "both") ||
	       !strcmp(t->send_history, what);
}

static void print(char buf[CHAIN_SIZE], const struct histinfo *h,
		  const struct reader *r)
{
	size_t len;
	int err = 0;

	buf[0] = '\0';
	if (!h->n)
		return;
	if (is_wanted(r->trunk, "history"))
		err = histinfo_print(buf, HISTINFO_TEXT, h);
	len = strlen(buf);
	if (!err && is_wanted(r->trunk, "diversion"))
		err = histinfo_print_diversion(buf + len, CHAIN_SIZE - len, h);
	if (err)
		log_warn("way of a call not told", LOG_E(err));
}

/* What came with the call, and what we have sent on in this hunt. */
static void print_hunt(char buf[CHAIN_SIZE], const struct hunt *hunt,
		       const struct reader *r, const char *uri)
{
	const Sy__HuntState *what = hunt->what;
	struct histinfo h = {.n = 0};

	if (what) {
		put_came(&h, hunt->hub, r);
		put_ours(&h, hunt->hub, r, what->diversions,
			 what->n_diversions, uri);
	}
	print(buf, &h, r);
}

void chain_to_device(char buf[CHAIN_SIZE], const struct hunt *hunt,
		     const char *domain, const char *uri)
{
	const struct reader r = {.domain = domain};

	print_hunt(buf, hunt, &r, uri);
}

void chain_to_trunk(char buf[CHAIN_SIZE], const struct node *n,
		    const struct hunt *hunt, const Sy__Trunk *trunk,
		    const char *domain, const char *uri)
{
	const struct reader r = {
		.n = n,
		.trunk = trunk,
		.domain = domain,
		.hide = is_hidden(hunt->hub),
	};

	print_hunt(buf, hunt, &r, uri);
}

/* Those of our own that a caller's call took, whatever hunt they are of. */
void chain_to_caller(char buf[CHAIN_SIZE], const struct node *n,
		     const struct leg *leg, const char *domain)
{
	const struct hub *hub = leg->hub;
	const Sy__Trail *t = hub->trail;
	struct reader r = {.n = n, .domain = domain};
	struct histinfo h = {.n = 0};
	char uri[HISTINFO_URI];
	size_t ours = 0;

	buf[0] = '\0';
	if (leg->info.trunk[0]) {
		r.trunk = config_trunk(n->config, leg->info.trunk);
		if (!r.trunk || !is_wanted(r.trunk, "history"))
			return;
		r.hide = is_hidden(hub);
	}
	while (t && ours < t->n_diversions && t->diversions[ours]->uri[0])
		++ours;
	if (!t || ours == t->n_diversions)
		return;

	put_came(&h, hub, &r);
	if (!print_target(uri, sizeof(uri), &r,
			  t->diversions[t->n_diversions - 1]->target))
		return;
	put_ours(&h, hub, &r, t->diversions + ours, t->n_diversions - ours,
		 uri);
	if (histinfo_print(buf, HISTINFO_TEXT, &h))
		buf[0] = '\0';
}
