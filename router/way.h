/* SPDX-License-Identifier: MIT */
/*
 * The way to a device that has bound a contact: by the flow that it came on,
 * which its Path names, or by the address in its URI.
 */

#ifndef SY_ROUTER_WAY_H
#define SY_ROUTER_WAY_H

#include "proto/schema.h"
#include "router/flow.h"

struct worker;

/**
 * The flow in a binding's Path, "<sip:TOKEN.FLOW@router;lr>" or the URI
 * alone.
 *
 * @param f     Set on success; maybe of another thread or router, as
 *              uac_send() takes it.
 * @param path  NULL: there is none.
 *
 * @return 0, EINVAL (it has none, or none that was made by this cluster).
 */
int way_by_path(struct flow *f, const struct worker *w, const char *path);

/**
 * The same of a whole binding.  Without a Path it is its URI's address, by the
 * transport that this names: an open connection, or a new one.
 *
 * @param w  Its wire must be there (it serves) unless the binding has a Path.
 *
 * @return as way_by_path(); EINVAL also for a URI with a name; EAFNOSUPPORT,
 *         errno of connect().
 */
int way_to_binding(struct flow *f, struct worker *w, const Sy__Binding *b);

#endif
