/* SPDX-License-Identifier: MIT */
/* Inside of the message view: what view.c and view_start.c share. */

#ifndef SY_ROUTER_VIEW_IMPL_H
#define SY_ROUTER_VIEW_IMPL_H

#include "router/view.h"

/** RFC 3261 25.1: token, at least one character. */
bool view_is_token(const struct pl *pl);

/**
 * Read the start line: sets is_request and method, uri or code.
 *
 * @param p    Its first character.
 * @param eol  Its line feed.
 */
enum view_err view_start_line(struct view *v, const char *p, const char *eol);

#endif
