/* SPDX-License-Identifier: MIT */
/* Redirections are followed: see follow.h. */

#include <stdlib.h>
#include <string.h>
#include "node/app/app.h"
#include "node/app/dial.h"
#include "node/app/follow.h"
#include "node/app/follow_way.h"
#include "node/app/hunts.h"
#include "node/app/next.h"
#include "node/hub/trail.h"
#include "proto/log.h"
#include "proto/schema_copy.h"

/* Contacts of a leg that was redirected, which may be called. */
struct redirected {
	char *uriv[REDIRECT_CONTACTS];
	size_t n;
};

static void redirected_destructor(void *arg)
{
	struct redirected *r = arg;

	for (size_t i = 0; i < r->n; i++)
		mem_deref(r->uriv[i]);
}

static struct node *node_of(const struct hub *hub)
{
	return hub->env->arg;
}

/* ------------------------------------------------------------------- chains */

/* Who redirects. @param d  Borrows from the leg. */
static void diversion_of(Sy__Diversion *d, struct leg *leg)
{
	sy__diversion__init(d);
	if (leg->info.trunk[0])
		d->trunk = leg->info.trunk;
	else
		d->device = leg->info.user;
	d->reason = "unconditional";
	d->code = 302;
	d->redirect = true;
}

static void free_list(Sy__Redirection ***vp, size_t *np)
{
	for (size_t i = 0; i < *np; i++)
		sy__redirection__free_unpacked((*vp)[i], NULL);
	free(*vp);
	*vp = NULL;
	*np = 0;
}

/* @param rd  Taken on success. @return 0, ENOMEM. */
static int add(Sy__HuntState *what, Sy__Redirection *rd, bool first)
{
	const size_t n = what->n_left;
	Sy__Redirection **v = realloc(what->left, (n + 1) * sizeof(*v));

	if (!v)
		return ENOMEM;
	what->left = v;
	if (first)
		memmove(v + 1, v, n * sizeof(*v));
	v[first ? 0 : n] = rd;
	what->n_left = n + 1;

	return 0;
}

static Sy__Redirection *redirection_alloc(const struct redirected *r,
					  const Sy__HuntState *what,
					  const Sy__Diversion *here)
{
	Sy__Redirection *rd = calloc(1, sizeof(*rd));
	bool ok = rd != NULL;

	if (!rd)
		return NULL;
	sy__redirection__init(rd);
	rd->contacts = calloc(r->n, sizeof(*rd->contacts));
	rd->chain = calloc(what->n_diversions + 1, sizeof(*rd->chain));
	for (size_t i = 0; i < r->n && rd->contacts && ok; i++) {
		rd->contacts[i] = strdup(r->uriv[i]);
		ok = rd->contacts[i] != NULL;
		rd->n_contacts += ok;
	}
	for (size_t i = 0; i <= what->n_diversions && rd->chain && ok; i++) {
		const Sy__Diversion *d =
			i < what->n_diversions ? what->diversions[i] : here;

		rd->chain[i] = schema_copy(&d->base);
		ok = rd->chain[i] != NULL;
		rd->n_chain += ok;
	}
	if (ok && rd->contacts && rd->chain)
		return rd;
	sy__redirection__free_unpacked(rd, NULL);

	return NULL;
}

/* ---------------------------------------------------------------- judgement */

static int keep(struct redirected *r, const char *uri)
{
	int err = str_dup(&r->uriv[r->n], uri);

	if (!err)
		++r->n;

	return err;
}

/* @param why  Of the first that is refused. */
static void sift(struct redirected *out, struct node *n, const struct leg *leg,
		 Sy__Diversion *const *chain, size_t chainc,
		 const struct redirect *r, char *why, size_t size)
{
	struct follow_way way;

	for (size_t i = 0; i < r->n; i++) {
		const struct redirect_contact *c = &r->v[i];

		if (follow_resolve(&way, n, leg->hub, chain, chainc, c)) {
			if (keep(out, c->uri))
				return;
			continue;
		}
		log_info("redirection refused", LOG_S("call", leg->hub->id),
			 LOG_S("leg", leg->info.id), LOG_S("why", way.why));
		if (!why[0])
			(void)re_snprintf(why, size, "%s", way.why);
	}
}

void follow_judge(struct node *n, struct leg *leg, uint16_t code,
		  const struct redirect *r, char why[LEG_TEXT_MAX])
{
	const Sy__HuntState *what = leg->hunt ? leg->hunt->what : NULL;
	Sy__Diversion here, *chain[NEXT_DIVERSIONS_MAX + 1];
	struct redirected *out;
	char no[64] = "";
	size_t k = 0;

	str_ncpy(why, "redirected to nobody", LEG_TEXT_MAX);
	if (!what || !r || !r->n)
		return;
	if (next_is_loop(leg->hub, what)) {
		str_ncpy(why, "redirected too often", LEG_TEXT_MAX);
		return;
	}
	out = mem_zalloc(sizeof(*out), redirected_destructor);
	if (!out)
		return;

	diversion_of(&here, leg);
	for (; k < what->n_diversions; k++)
		chain[k] = what->diversions[k];
	chain[k++] = &here;
	sift(out, n, leg, chain, k, r, no, sizeof(no));
	if (re_snprintf(why, LEG_TEXT_MAX, out->n ? "%u: to %s" :
			"%u not followed: %s", code,
			out->n ? out->uriv[0] : no) < 0)
		why[LEG_TEXT_MAX - 1] = '\0';
	mem_deref(leg->redirected);
	leg->redirected = out;
}

/* ------------------------------------------------------------------ to ring */

void follow_inherit(Sy__HuntState *what, const Sy__HuntState *from)
{
	if (!from)
		return;

	what->family = from->family;
	what->left = from->left;
	what->n_left = from->n_left;
	what->uri = from->uri;
	what->redirects = from->redirects;
}

void follow_tell(struct hub *hub, struct leg *caller, const Sy__Diversion *d)
{
	log_info("call sent on", LOG_S("call", hub->id),
		 LOG_S("device", d->device), LOG_S("trunk", d->trunk),
		 LOG_S("reason", d->reason), LOG_U("code", d->code));
	trail_add(hub, d);
	if (caller)
		leg_forwarded(caller);
}

enum how {
	HOW_NONE,   /* no Contact is left that could be called             */
	HOW_RINGS,  /* a hunt of its family has begun                      */
	HOW_SERVED, /* the caller is there                                 */
	HOW_LATER,  /* what comes next is not rung, and others ring        */
};

/* A hunt, and where it goes on from. */
struct following {
	struct node *n;
	struct hunt *hunt;
	struct hub *hub;
	bool alone;               /* nobody else rings              */
	Sy__Redirection ***leftp; /* what is to be followed         */
	size_t *np;
};

/* What the new hunt takes over of its group, but where it rings one itself. */
static void after_of(Sy__HuntState *after, const Sy__HuntState *what,
		     const Sy__Redirection *rd, bool group)
{
	sy__hunt_state__init(after);
	after->diversions = rd->chain;
	after->n_diversions = rd->n_chain;
	if (group)
		return;
	after->group = what->group;
	after->members = what->members;
	after->n_members = what->n_members;
	after->overall = what->overall;
}

static bool ring(const struct following *f, struct follow_way *way,
		 const Sy__HuntState *after)
{
	Sy__HuntState *what = f->hunt->what;
	const struct app_hunt *row = app_hunt(what->kind);
	Sy__HuntState from = SY__HUNT_STATE__INIT;
	struct dial_conf conf = {
		.hub = f->hub,
		.dest = &way->match.dest,
		.from_user = what->from_user,
		.from_name = what->from_name,
		.kind = what->kind,
		.caller = f->hunt->conf.caller,
		.ring_ms = way->ring_ms,
		.to = what->to,
		.after = after,
		.payer = way->payer.kind_case ? &way->payer : NULL,
		.follow = &from,
		.transferor = what->leg[0] ? what->leg : NULL,
		.referred_by = what->referred_by,
	};

	if (!row)
		return false;
	if (!what->family)
		what->family = hub_ref(f->hub);
	from.family = what->family;
	from.left = *f->leftp;
	from.n_left = *f->np;
	from.uri = (char *)(uintptr_t)way->uri;
	from.redirects = what->redirects + 1;
	if (row->argh(&conf.arg, f->n, f->hub, what))
		return false;
	if (dial_start(f->n, &conf)) {
		mem_deref(conf.arg);
		return false;
	}

	return true;
}

/* What is not rung is there at once. */
static bool serve(const struct following *f, struct follow_way *way,
		  const Sy__HuntState *after)
{
	const struct app_call call = {
		.hub = f->hub,
		.leg = f->hunt->conf.caller,
		.dest = &way->match.dest,
		.ring_ms = way->ring_ms,
		.after = after,
		.payer = way->payer.kind_case ? &way->payer : NULL,
	};

	return !app_run(f->n, &call);
}

static void limit_ring(struct follow_way *way, const struct hub *hub,
		       const Sy__HuntState *what)
{
	const uint64_t until_ms = timestamp_ms(what->overall);
	const uint64_t now_ms = hub->env->wall_ms();

	if (!what->overall)
		return;
	if (now_ms + way->ring_ms > until_ms)
		way->ring_ms = until_ms > now_ms
				       ? (uint32_t)(until_ms - now_ms)
				       : 1;
}

/* What becomes of a Contact that is resolved, if all goes well. */
static enum how how_of(const struct following *f, const struct follow_way *way)
{
	if (dial_can(&way->match.dest))
		return HOW_RINGS;
	if (f->hunt->what->kind != SY__HUNT_KIND__HUNT_DIAL)
		return HOW_NONE;

	return f->alone ? HOW_SERVED : HOW_LATER;
}

/* @param how  RINGS or SERVED. */
static bool go(const struct following *f, struct follow_way *way,
	       const Sy__Redirection *rd, enum how how)
{
	Sy__HuntState after;

	after_of(&after, f->hunt->what, rd,
		 way->match.dest.kind_case == SY__DESTINATION__KIND_GROUP);
	limit_ring(way, f->hub, &after);

	return how == HOW_RINGS ? ring(f, way, &after)
				: serve(f, way, &after);
}

static void drop_contact(Sy__Redirection *rd)
{
	free(rd->contacts[0]);
	rd->n_contacts--;
	memmove(rd->contacts, rd->contacts + 1,
		rd->n_contacts * sizeof(*rd->contacts));
}

/* Its first Contact, which is taken off unless it is for later. */
static enum how try_one(const struct following *f, Sy__Redirection *rd)
{
	Sy__Diversion *last = rd->chain[rd->n_chain - 1];
	struct redirect_contact c;
	enum how how = HOW_NONE;
	struct follow_way way;
	struct pl pl;

	pl_set_str(&pl, rd->contacts[0]);
	if (!redirect_read_uri(&c, &pl) &&
	    follow_resolve(&way, f->n, f->hub, rd->chain, rd->n_chain, &c))
		how = how_of(f, &way);
	if (how == HOW_LATER)
		return how;

	drop_contact(rd);
	if (how == HOW_NONE ||
	    next_set(&last->target, way.uri[0] ? way.uri : c.user) ||
	    !go(f, &way, rd, how)) {
		log_warn("redirection not followed",
			 LOG_S("call", f->hub->id));
		return HOW_NONE;
	}
	follow_tell(f->hub, f->hunt->conf.caller, last);

	return how;
}

static void drop_first(const struct following *f)
{
	sy__redirection__free_unpacked((*f->leftp)[0], NULL);
	--*f->np;
	memmove(*f->leftp, *f->leftp + 1, *f->np * sizeof(**f->leftp));
}

static enum how follow(const struct following *f)
{
	while (*f->np) {
		Sy__Redirection *rd = (*f->leftp)[0];
		enum how how;

		if (!rd->n_contacts || !rd->n_chain) {
			drop_first(f);
			continue;
		}
		how = try_one(f, rd);
		if (how != HOW_NONE)
			return how;
	}

	return HOW_NONE;
}

/* ---------------------------------------------------- what the hunt asks for */

/* Others of its branches ring: it goes on, and so does what it would follow. */
static bool beside(struct hunt *hunt, Sy__Redirection *rd)
{
	Sy__Redirection **v = &rd;
	size_t n = 1;
	const struct following f = {
		.n = node_of(hunt->hub),
		.hunt = hunt,
		.hub = hunt->hub,
		.leftp = &v,
		.np = &n,
	};
	enum how how;

	how = follow(&f);
	if (how == HOW_LATER && !add(hunt->what, rd, false))
		return true;
	if (n)
		sy__redirection__free_unpacked(rd, NULL);

	return how == HOW_RINGS;
}

static bool instead(struct hunt *hunt, Sy__Redirection *rd)
{
	Sy__HuntState *what = hunt->what;
	const struct following f = {
		.n = node_of(hunt->hub),
		.hunt = hunt,
		.hub = hunt->hub,
		.leftp = &what->left,
		.np = &what->n_left,
	};
	enum how how;

	if (add(what, rd, true)) {
		sy__redirection__free_unpacked(rd, NULL);
		return false;
	}
	how = follow(&f);
	if (how == HOW_RINGS)
		free_list(&what->left, &what->n_left);

	return how != HOW_NONE;
}

static bool redirected(struct hunt *hunt, struct leg *leg, uint16_t code)
{
	const struct redirected *r = leg->redirected;
	Sy__Redirection *rd;
	Sy__Diversion here;

	(void)code;
	if (!r || !r->n || !hunt->what)
		return false;
	diversion_of(&here, leg);
	rd = redirection_alloc(r, hunt->what, &here);
	if (!rd)
		return false;

	return hunt->sealed && !hunt->branches ? instead(hunt, rd)
					       : beside(hunt, rd);
}

/* The others of its family go on with what it would have followed. */
static void hand_on(Sy__HuntState *to, Sy__HuntState *what)
{
	while (what->n_left) {
		if (add(to, what->left[0], false))
			return;
		what->n_left--;
		memmove(what->left, what->left + 1,
			what->n_left * sizeof(*what->left));
	}
}

static bool failed(struct hunt *hunt, struct hub *hub, struct hunt *sibling)
{
	struct leg *caller = hunt->conf.caller;
	const struct following f = {
		.n = node_of(hub),
		.hunt = hunt,
		.hub = hub,
		.alone = !sibling,
		.leftp = &hunt->what->left,
		.np = &hunt->what->n_left,
	};
	enum how how;

	if (caller && leg_is(caller, SY__LEG_STATE__LEG_ENDED))
		return false;
	how = follow(&f);
	if (how == HOW_LATER)
		hand_on(sibling->what, hunt->what);

	return how != HOW_NONE || sibling;
}

const struct hunt_follow follow_ops = {
	.redirected = redirected,
	.failed = failed,
};
