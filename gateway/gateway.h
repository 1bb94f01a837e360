/* SPDX-License-Identifier: MIT */
/* A gateway: view, API and HTTP server put together on one libuv loop. */

#ifndef SY_GATEWAY_GATEWAY_H
#define SY_GATEWAY_GATEWAY_H

#include <stddef.h>
#include <uv.h>

#include "gateway/api/api.h"

struct gateway;

struct gateway_conf {
	uv_loop_t *loop;         /* borrowed, outlives the gateway        */
	const char *redis_url;
	const char *id;          /* member id                             */
	const char *http;        /* "host:port"; NULL or "": no such port */
	const char *https;
	const char *tls_cert;    /* PEM files; NULL or "": self-signed    */
	const char *tls_key;
	const char *web;         /* folder for browsers; NULL or "": none */
	const char *admin_token; /* NULL or "": none                      */
	const char *cluster_key_file; /* NULL or "": none                 */
	const char *cluster_key; /* the secret itself; NULL or "": none   */
	const char *admin_password; /* of the user admin, who is made where
				    there is no user yet; NULL or "": none */
	bool hook_loopback;      /* webhooks may be of this machine       */
	uint32_t connections;    /* at a time; 0: web_limits_default      */
	enum api_metrics metrics;
	const char *cors;        /* see api/cors.h; NULL or "": none      */
	uint32_t per_s;          /* requests of one sender; 0: any number */
};

/**
 * Start: listens when this returns.
 *
 * @param errbuf  On error, one line that says what and why.
 */
int gateway_alloc(struct gateway **gp, const struct gateway_conf *conf,
		  char *errbuf, size_t errsize);

/** End in order; afterwards the loop runs out of work.  A second call: at
 * once. */
void gateway_stop(struct gateway *g);

/** Read certificate and site again, as they are in their files. */
void gateway_reload(struct gateway *g);

/** After the loop has ended. */
void gateway_free(struct gateway *g);

#endif
