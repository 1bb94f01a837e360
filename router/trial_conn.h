/* SPDX-License-Identifier: MIT */
/*
 * A connection by TCP or TLS to see whether there is one to be had: opened,
 * looked at, closed.  (Those of wire.h do not say why they failed.)
 */

#ifndef SY_ROUTER_TRIAL_CONN_H
#define SY_ROUTER_TRIAL_CONN_H

#include "proto/locate.h"

struct certs;
struct trial_conn;

enum trial_connected {
	TRIAL_CONN_OK,
	TRIAL_CONN_REFUSED,     /* nobody listens there                    */
	TRIAL_CONN_SILENT,      /* no answer within TRIAL_CONN_MS          */
	TRIAL_CONN_UNREACHABLE, /* no way there                            */
	TRIAL_CONN_CERTIFICATE, /* its certificate is not what we want     */
	TRIAL_CONN_TLS,         /* it does not speak TLS, or not ours      */
};

enum { TRIAL_CONN_MS = 4000 };

/** @param detail  In words. Called once, from the loop. */
typedef void(trial_conn_h)(enum trial_connected out, const char *detail,
			   void *arg);

/**
 * @param cp     Set on success; owned by the caller, who lets it go when he
 *               likes (mem_deref), in the handler too.
 * @param certs  For TLS; borrowed.
 * @param name   That the certificate must be for; NULL: the address.
 *
 * @return 0; ENOTSUP (TLS without certs), ENOMEM.
 */
int trial_conn_open(struct trial_conn **cp, struct certs *certs,
		    const struct locate_target *target, const char *name,
		    trial_conn_h *h, void *arg);

#endif
