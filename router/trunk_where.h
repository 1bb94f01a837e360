/* SPDX-License-Identifier: MIT */
/*
 * Where a trunk, its registrar or its proxy is: from "host[:port][;transport=
 * tcp]" of the configuration to targets, by DNS where that is a name; and a
 * flow to one of them.
 */

#ifndef SY_ROUTER_TRUNK_WHERE_H
#define SY_ROUTER_TRUNK_WHERE_H

#include "proto/locate.h"
#include "router/wire.h"

struct worker;

typedef void(trunk_where_h)(void *arg);

/** Targets of one text.  Zeroed, then filled in by trunk_where_find(). */
struct trunk_where {
	struct worker *w;             /* borrowed                          */
	char *text;                   /* owned                             */
	struct locate_query *query;   /* owned; NULL: none under way       */
	struct locate_found found;
	int err;                      /* why it has nothing: as locate_h   */
	trunk_where_h *h;
	void *arg;
};

/** @return 0 or ENOMEM. */
int trunk_where_init(struct trunk_where *tw, struct worker *w,
		     const char *text);

void trunk_where_close(struct trunk_where *tw);

/**
 * Look anew.
 *
 * @param h  Called from the loop when found was filled in (with nothing, if
 *           there is no such name), if EINPROGRESS was returned.
 *
 * @return 0 (found is filled in), EINPROGRESS.
 */
int trunk_where_find(struct trunk_where *tw, trunk_where_h *h, void *arg);

/** The i-th target's flow. @return 0 or errno. */
int trunk_where_flow(const struct trunk_where *tw, size_t i, struct flow *f);

/** The same of any target. */
int trunk_target_flow(struct worker *w, const char *text,
		      const struct locate_target *t, struct flow *f);

/** It answered, or did not: for the memory of failed targets. */
void trunk_target_tell(struct worker *w, const struct locate_target *t,
		       bool ok);

/** The host in such a text. @param buf  That it points into. */
int trunk_where_host(struct pl *host, char *buf, size_t size,
		     const char *text);

/** The transport that a text asks for; UDP if none. */
enum wire_kind trunk_where_kind(const char *text);

/** The address in such a text. @return 0; EINVAL: it has a name. */
int trunk_where_sa(struct sa *sa, const char *text);

#endif
