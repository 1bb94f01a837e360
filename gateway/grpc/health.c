/* SPDX-License-Identifier: MIT */
/* grpc.health.v1: the gateway is ready, as /readyz says, and so is each of its
 * services. */

#include <errno.h>
#include <string.h>
#include <re.h>
#include <grpc/health/v1/health.pb-c.h>

#include "gateway/api/api.h"
#include "gateway/grpc/call.h"
#include "gateway/grpc/files.h"
#include "proto/loop.h"

enum {
	MESSAGE_MAX = 1024,
	LOOK_MS = 250,        /* a change is told within            */
};

typedef Grpc__Health__V1__HealthCheckRequest request;
typedef Grpc__Health__V1__HealthCheckResponse response;

#define STATUS(name)                                                          \
	GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__##name

struct watch {
	struct call *c;       /* borrowed: it owns this             */
	struct loop_timer *timer;
	char service[MESSAGE_MAX];
	int told;             /* the last status                    */
};

static int status_of(struct call *c, const char *service)
{
	if (*service && !files_has_service(c->g->files, service))
		return STATUS(SERVICE_UNKNOWN);

	return c->g->api->view && !c->g->api->stopping &&
		       view_is_ready(c->g->api->view, NULL)
		       ? STATUS(SERVING)
		       : STATUS(NOT_SERVING);
}

/* NULL: was ended. */
static request *read_request(struct call *c, const uint8_t *p, size_t len)
{
	request *req =
		grpc__health__v1__health_check_request__unpack(NULL, len, p);

	if (!req)
		call_end(c, GRPC_INVALID_ARGUMENT,
			 "this is no HealthCheckRequest");

	return req;
}

static void on_check(struct call *c, const uint8_t *p, size_t len)
{
	request *req = read_request(c, p, len);
	response res = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

	if (!req)
		return;
	res.status = status_of(c, req->service);
	if (res.status == STATUS(SERVICE_UNKNOWN))
		call_end(c, GRPC_NOT_FOUND, "there is no service %.200s",
			 req->service);
	else
		call_reply_message(c, &res.base);
	grpc__health__v1__health_check_request__free_unpacked(req, NULL);
}

/* ------------------------------------------------------------------- watch */

static void look(void *arg)
{
	struct watch *w = arg;
	struct call *c = w->c;
	response res = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	int err = 0;

	w->timer = mem_deref(w->timer);
	res.status = status_of(c, w->service);
	if ((int)res.status != w->told)
		err = call_send(c, &res.base);
	w->told = (int)res.status;
	if (!err)
		err = loop_timer_start(&w->timer, c->g->loop, LOOK_MS, look, w);

	/* Either ends the watch: w is gone. */
	if (c->g->api->stopping)
		call_end(c, GRPC_UNAVAILABLE, "this gateway ends");
	else if (err)
		call_end(c, GRPC_RESOURCE_EXHAUSTED, "%s", strerror(err));
}

static void watch_destructor(void *arg)
{
	struct watch *w = arg;

	mem_deref(w->timer);
}

static void on_watch(struct call *c, const uint8_t *p, size_t len)
{
	request *req = read_request(c, p, len);
	struct watch *w = req ? mem_zalloc(sizeof(*w), watch_destructor) : NULL;

	if (!req)
		return;
	if (w) {
		w->c = c;
		w->told = -1;
		str_ncpy(w->service, req->service, sizeof(w->service));
		c->state = w;
		look(w);
	}
	else {
		call_end(c, GRPC_RESOURCE_EXHAUSTED, "out of memory");
	}
	grpc__health__v1__health_check_request__free_unpacked(req, NULL);
}

const struct call_ops health_check_ops = {
	.max_bytes = MESSAGE_MAX,
	.message = on_check,
};

const struct call_ops health_watch_ops = {
	.max_bytes = MESSAGE_MAX,
	.message = on_watch,
};
