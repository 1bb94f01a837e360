/* SPDX-License-Identifier: MIT */
/* Probes and metrics over HTTP; see health.h. */

#include <stdlib.h>
#include <string.h>
#include "proto/metrics.h"
#include "router/health.h"

struct health {
	struct http_sock *sock;
	struct worker *w;
};

static void destructor(void *arg)
{
	struct health *h = arg;

	mem_deref(h->sock);
}

static void metrics(struct http_conn *conn)
{
	char *text = metrics_print();

	if (text)
		(void)http_creply(conn, 200, "OK",
				  "text/plain; version=0.0.4", "%s", text);
	else
		(void)http_ereply(conn, 500, "No Memory");
	free(text);
}

static void request(struct http_conn *conn, const struct http_msg *msg,
		    void *arg)
{
	struct health *h = arg;

	if (!pl_strcmp(&msg->path, "/metrics"))
		metrics(conn);
	else if (!pl_strcmp(&msg->path, "/healthz"))
		(void)http_creply(conn, 200, "OK", "text/plain", "ok\n");
	else if (pl_strcmp(&msg->path, "/readyz"))
		(void)http_ereply(conn, 404, "Not Found");
	else if (router_is_ready(h->w))
		(void)http_creply(conn, 200, "OK", "text/plain", "ready\n");
	else
		(void)http_creply(conn, 503, "Service Unavailable",
				  "text/plain", "%sredis: %s, configuration: "
				  "%s\n",
				  h->w->router->leaving ? "leaving, " : "",
				  !bus_is_up(h->w->bus) ? "down"
				  : member_redis_is_well(h->w->members)
					  ? "up" : "not well",
				  config_get(h->w->config) ? "loaded"
							   : "missing");
}

int health_alloc(struct health **hp, const char *addr, struct worker *w)
{
	struct health *h;
	struct sa sa;
	int err;

	if (sa_decode(&sa, addr, strlen(addr)))
		return EINVAL;
	h = mem_zalloc(sizeof(*h), destructor);
	if (!h)
		return ENOMEM;
	h->w = w;
	err = http_listen(&h->sock, &sa, request, h);
	if (err)
		mem_deref(h);
	else
		*hp = h;

	return err;
}
