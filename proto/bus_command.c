/* SPDX-License-Identifier: MIT */
/*
 * Commands of others: handled once, and remembered for a while with the
 * reply, for a retry that comes because the first reply was late or lost.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "proto/bus_impl.h"

enum { REMEMBER_MAX = 65536 }; /* ids remembered at most */

/* One that is being handled, then remembered with its reply. */
struct bus_request {
	struct le he;             /* in bus->seen, by id                   */
	struct le le;             /* in bus->seenl, oldest first           */
	struct bus *bus;          /* NULL: the bus is gone                 */
	char *reply_to;
	uint8_t *reply;           /* packed; NULL: not yet answered        */
	size_t reply_len;
	uint64_t seen_us;
	char id[ULID_LEN + 1];
};

static void request_destructor(void *arg)
{
	struct bus_request *req = arg;

	hash_unlink(&req->he);
	list_unlink(&req->le);
	mem_deref(req->reply_to);
	mem_deref(req->reply);
}

static void forget(struct bus *b, struct bus_request *req)
{
	b->seenc--;
	hash_unlink(&req->he);
	list_unlink(&req->le);
	mem_deref(req);
}

/* Two references: one of the memory, one of the handler until it replies. */
void bus_command_forget(struct bus *b, uint64_t now_us)
{
	struct bus_request *req;

	while ((req = list_ledata(b->seenl.head)) != NULL &&
	       (now_us - req->seen_us > BUS_REMEMBER_MS * 1000ull ||
		b->seenc > REMEMBER_MAX))
		forget(b, req);
}

static bool request_is(struct le *le, void *arg)
{
	const struct bus_request *req = le->data;

	return !strcmp(req->id, arg);
}

static void send_reply(struct bus_request *req)
{
	if (req->bus && req->reply && str_isset(req->reply_to))
		(void)bus_send(req->bus, req->reply_to, req->reply,
			      req->reply_len, NULL, NULL);
}

void bus_command_take(struct bus *b, const Sy__Envelope *env)
{
	struct bus_request *req;

	req = list_ledata(hash_lookup(b->seen, hash_joaat_str(env->id),
				      request_is, env->id));
	if (req) {
		send_reply(req); /* a retry; NULL reply: still at work */
		return;
	}

	req = mem_zalloc(sizeof(*req), request_destructor);
	if (!req)
		return;
	if (str_dup(&req->reply_to, env->reply_to)) {
		mem_deref(req);
		return;
	}
	str_ncpy(req->id, env->id, sizeof(req->id));
	req->bus = b;
	req->seen_us = loop_now_us();
	hash_append(b->seen, hash_joaat_str(req->id), &req->he, req);
	list_append(&b->seenl, &req->le, req);
	b->seenc++;
	if (b->seenc > REMEMBER_MAX)
		bus_command_forget(b, req->seen_us);
	bus_sweep_within(b, BUS_FORGET_MS);

	b->commandh(mem_ref(req), env, b->arg);
}

void bus_reply(struct bus_request *req, const Sy__Result *res)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;

	if (!req || !res)
		return;

	env.id = req->id;
	env.from = req->bus && req->bus->id ? req->bus->id : "";
	env.body_case = SY__ENVELOPE__BODY_RESULT;
	env.result = (Sy__Result *)res;
	req->reply = mem_deref(req->reply);
	req->reply = bus_pack(&env, &req->reply_len);
	send_reply(req);
	mem_deref(req);
}

void bus_replyf(struct bus_request *req, Sy__ResultCode code, const char *fmt,
		...)
{
	Sy__Result res = SY__RESULT__INIT;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	res.code = code;
	res.error = text;
	bus_reply(req, &res);
}

static bool orphan(struct le *le, void *arg)
{
	struct bus_request *req = le->data;
	(void)arg;

	req->bus = NULL;

	return false;
}

void bus_command_close(struct bus *b)
{
	if (b->seen)
		(void)hash_apply(b->seen, orphan, NULL);
	while (b->seenl.head)
		forget(b, b->seenl.head->data);
}
