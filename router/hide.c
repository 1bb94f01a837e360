/* SPDX-License-Identifier: MIT */
/* Vias of nodes, kept from peers; see hide.h. */

#include <string.h>
#include "router/hide.h"

static const char param[] = "nb";
static const char cookie[] = "z9hG4bK";

enum { COOKIE = sizeof(cookie) - 1 };

/* The value as a node writes it; length, or -1. */
static int value(char *str, const struct flow *to, const struct pl *branch)
{
	return re_snprintf(str, HIDE_VALUE_MAX, "SIP/2.0/UDP %J;branch=%s%r",
			   &to->peer, cookie, branch);
}

struct pl hide_branch(const struct view *v)
{
	struct pl pl = v->via.branch;

	pl_advance(&pl, COOKIE);

	return pl;
}

bool hide_fits(const struct view *v, const struct flow *reply)
{
	const struct pl *all = &v->via.all, *branch = &v->via.branch;
	char str[HIDE_VALUE_MAX];
	struct pl rest;
	int n;

	if (v->via2.all.p || !reply->node || branch->l <= COOKIE ||
	    branch->l > COOKIE + HIDE_BRANCH_MAX ||
	    memcmp(branch->p, cookie, COOKIE))
		return false;
	rest = hide_branch(v);
	n = value(str, reply, &rest);
	if (n <= 0 || (size_t)n > all->l || memcmp(all->p, str, (size_t)n))
		return false;
	rest.p = all->p + n;
	rest.l = all->l - (size_t)n;

	return !rest.l || !pl_strcmp(&rest, ";rport");
}

bool hide_is(const struct view *v)
{
	struct pl pl;

	return !v->via2.all.p && view_param(&v->via.params, param, &pl);
}

int hide_read(struct view_via *via, char *str, const struct view *v,
	      const struct flow *to)
{
	struct pl nb, pl = {str, 0};
	int n;

	if (!view_param(&v->via.params, param, &nb) || !nb.l ||
	    nb.l > HIDE_BRANCH_MAX)
		return EBADMSG;
	n = value(str, to, &nb);
	if (n <= 0)
		return EBADMSG;
	pl.l = (size_t)n;

	return view_via_read(via, &pl);
}
