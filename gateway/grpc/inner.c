/* SPDX-License-Identifier: MIT */
/* Requests of our own: see inner.h.  Their engine does nothing but to say when
 * an answer is there. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/grpc/inner.h"
#include "gateway/http/engine.h"
#include "gateway/http/request_impl.h"

struct inner {
	struct engine e;      /* must be first                            */
	struct web_req *req;
	inner_h *h;
	void *arg;
};

static void on_ready(struct engine *e, struct web_req *req)
{
	(void)e;
	(void)req;
}

static const struct engine_ops ops = {.ready = on_ready};

/* The last thing that engine_ready() does: the handler may free us. */
static void on_wake(void *arg)
{
	struct inner *in = arg;
	inner_h *h = in->h;

	if (!in->req->res.ended || !h)
		return;

	in->h = NULL;
	h(in, in->arg);
}

/* Whoever wanted to know is gone. */
static void on_allowed_late(struct web_req *req, void *arg)
{
	(void)req;
	(void)arg;
}

static void destructor(void *arg)
{
	struct inner *in = arg;

	in->h = NULL;
	if (in->req && in->req->allowedh)
		in->req->allowedh = on_allowed_late;
	if (in->req)
		web_req_detach(in->req);
	mem_deref(in->req);
}

static int copy_head(struct web_req *req, const struct web_req *outer,
		     const char *const *namev)
{
	int err = 0;

	for (; *namev && !err; namev++) {
		const char *value = web_header(outer, *namev);

		if (value)
			err = fields_add(&req->head, *namev, strlen(*namev),
					 value, strlen(value));
	}

	return err;
}

int inner_alloc(struct inner **ip, const struct web_req *outer,
		const char *method, const char *target,
		const char *const *namev, inner_h *h, void *arg)
{
	const struct engine_conf conf = {
		.lim = &web_limits_default,
		.peer = outer->peer,
		.tls = outer->tls,
		.wakeh = on_wake,
	};
	struct inner *in;
	int err;

	in = mem_zalloc(sizeof(*in), destructor);
	if (!in)
		return ENOMEM;

	engine_init(&in->e, &ops, &conf, 0);
	in->e.conf.wake_arg = in;
	in->h = h;
	in->arg = arg;
	err = web_req_alloc(&in->req, &in->e);
	if (err)
		goto out;

	in->req->version = outer->version;
	in->req->complete = true;
	err = web_req_target(in->req, method, strlen(method), target,
			     strlen(target));
	if (!err)
		err = copy_head(in->req, outer, namev);

out:
	if (err)
		mem_deref(in);
	else
		*ip = in;

	return err;
}

struct web_req *inner_request(struct inner *in)
{
	return in->req;
}
