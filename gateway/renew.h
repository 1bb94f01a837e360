/* SPDX-License-Identifier: MIT */
/* What comes from files and may change while we run: the certificate, looked
 * at every RENEW_MS, and, when told by SIGHUP, the site too. */

#ifndef SY_GATEWAY_RENEW_H
#define SY_GATEWAY_RENEW_H

struct loop;
struct renew;
struct site;
struct web_tls;

enum { RENEW_MS = 2000 };

/** @param rp  Set on success; owned by the caller. @param tls, site  Borrowed;
 * tls NULL: there is no port with TLS. */
int renew_alloc(struct renew **rp, struct loop *loop, struct web_tls *tls,
		struct site *site);

/** Read all again now.  What is wrong is logged, and the old stays. */
void renew_now(struct renew *r);

#endif
