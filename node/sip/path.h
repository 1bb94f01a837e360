/* SPDX-License-Identifier: MIT */
/*
 * The ways back of a server transaction: one for each router that brought
 * its request.
 */

#ifndef SY_NODE_SIP_PATH_H
#define SY_NODE_SIP_PATH_H

#include <re.h>

struct path;

/** The path that a copy came by: transport and sent-by of its top Via. */
struct path *path_find(const struct list *pathl, const struct sip_msg *msg);

/**
 * Add the path that a request came by.
 *
 * @param pp     Set to it, or NULL.
 * @param pathl  Owns it (list_flush()).
 *
 * @return 0, EOVERFLOW (too many), ENOMEM.
 */
int path_add(struct path **pp, struct list *pathl, const struct sip_msg *msg);

/** Where else it leads now: the router of it may be gone.
 * @param dst     Where it led so far; changed.
 * @param sentby  Of its top Via. */
typedef void(path_way_h)(struct sa *dst, const char *sentby, void *arg);

/** Ask where a path leads, if that was not known just now. */
void path_find_way(struct path *p, path_way_h *h, void *arg);

/**
 * Send a response on a path.
 *
 * @param start  Status line.
 * @param via    The Vias below the path's own.
 * @param rest   What follows them; all borrowed.
 */
int path_send(const struct path *p, struct sip *sip, const struct mbuf *start,
	      const struct mbuf *via, const struct mbuf *rest);

/** A stream: what was sent arrives, or the connection breaks. */
bool path_is_reliable(const struct path *p);

#endif
