/* SPDX-License-Identifier: MIT */
/* What the files of auth share; nobody else includes it. */

#ifndef SY_GATEWAY_API_AUTH_IMPL_H
#define SY_GATEWAY_API_AUTH_IMPL_H

#include "gateway/api/auth.h"

enum auth_kind {
	AUTH_LOGIN,      /* a cookie, sent by a page of ours              */
	AUTH_LOGIN_CSRF, /* a cookie, perhaps sent by another's           */
	AUTH_PASS,       /* a short-lived token                           */
};

/** Who has this ticket?  As auth_token(). @param text  "ID.SECRET". */
enum auth_out auth_ticket(struct auth *au, const char *text,
			  enum auth_kind kind, struct principal *who,
			  struct auth_ask **askp, auth_h *h, void *arg);

bool auth_ticket_valid(struct auth *au, struct principal *who);

/** The page that sends a request has the session's CSRF token, where it needs
 * it, and is ours. @param text  Of the cookie. */
bool auth_is_sent_by_us(const struct web_req *req, const char *text);

#endif
