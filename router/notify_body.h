/* SPDX-License-Identifier: MIT */
/* Bodies of NOTIFY: dialog-info (RFC 4235), presence (RFC 3863), waiting
 * messages (RFC 3842). */

#ifndef SY_ROUTER_NOTIFY_BODY_H
#define SY_ROUTER_NOTIFY_BODY_H

#include <re.h>
#include "router/calls.h"

/**
 * @param c     Or NULL: nobody is in a call.
 * @param pick  Who is told may pick up: Call-ID and tags of what rings are
 *              told, for an INVITE with Replaces (RFC 3891).
 *
 * @return 0, ENOMEM.
 */
int notify_body_dialog(struct mbuf *mb, const struct calls *c,
		       const char *resource, const char *domain,
		       uint32_t version, bool pick);

/** @param registered  Somebody can be reached there. */
int notify_body_presence(struct mbuf *mb, const struct calls *c,
			 const char *resource, const char *domain,
			 bool registered);

int notify_body_messages(struct mbuf *mb, const char *resource,
			 const char *domain, uint32_t fresh, uint32_t old);

#endif
