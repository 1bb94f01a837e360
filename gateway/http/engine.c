/* SPDX-License-Identifier: MIT */
/* What the engines share: see engine.h. */

#include <re.h>

#include "gateway/http/engine.h"
#include "gateway/http/request.h"

const struct web_limits web_limits_default = {
	.head_bytes = 16 * 1024,
	.target_bytes = 8 * 1024,
	.body_bytes = 1024 * 1024,
	.large_bytes = 16 * 1024 * 1024,
	.fields = 100,
	.streams = 100,
	.conns = 16384,
	.source_conns = 8192,
	.waiting_bytes = 8 * 1024 * 1024,
	.head_ms = 10 * 1000,
	.body_ms = 30 * 1000,
	.idle_ms = 75 * 1000,
	.leave_ms = 500,
	.write_ms = 30 * 1000,
};

void engine_init(struct engine *e, const struct engine_ops *ops,
		 const struct engine_conf *conf, uint64_t now_ms)
{
	e->ops = ops;
	e->conf = *conf;
	e->now_ms = now_ms;
	list_init(&e->reql);
}

void engine_flush(struct engine *e)
{
	while (e->reql.head) {
		struct web_req *req = e->reql.head->data;

		web_req_detach(req);
		mem_deref(req);
	}
}

int engine_feed(struct engine *e, const uint8_t *p, size_t len,
		uint64_t now_ms)
{
	int err;

	e->now_ms = now_ms;
	e->depth++;
	err = e->ops->feed(e, p, len, now_ms);
	e->depth--;

	return err;
}

int engine_pull(struct engine *e, struct mbuf *mb, size_t max,
		uint64_t now_ms)
{
	int err;

	e->now_ms = now_ms;
	e->depth++;
	err = e->ops->pull(e, mb, max, now_ms);
	e->depth--;

	return err;
}

void engine_ready(struct engine *e, struct web_req *req)
{
	e->ops->ready(e, req);

	/* Within a call from outside the caller pulls anyway. */
	if (!e->depth && e->conf.wakeh)
		e->conf.wakeh(e->conf.wake_arg);
}

void engine_expire(struct engine *e, uint64_t now_ms)
{
	e->now_ms = now_ms;
	e->depth++;
	e->ops->expire(e, now_ms);
	e->depth--;
}

void engine_eof(struct engine *e)
{
	e->depth++;
	e->ops->eof(e);
	e->depth--;
}

void engine_shutdown(struct engine *e)
{
	e->depth++;
	e->ops->shutdown(e);
	e->depth--;
}

bool engine_wants_input(const struct engine *e)
{
	return e->ops->wants_input(e);
}

bool engine_is_done(const struct engine *e)
{
	return e->ops->is_done(e);
}

uint64_t engine_deadline_ms(const struct engine *e)
{
	return e->ops->deadline_ms(e);
}
