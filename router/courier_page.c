/* SPDX-License-Identifier: MIT */
/* A message goes to a browser page: its gateway has the socket. */

#include <string.h>
#include "router/courier_impl.h"

enum { PAGE_MS = 2000 };

void courier_page_add(struct courier *c, const char *device,
		      const Sy__Binding *b)
{
	struct courier_send *s = courier_send_alloc(c);

	if (s && (str_dup(&s->gateway, b->gateway) ||
		  str_dup(&s->device, device) || str_dup(&s->phone, b->phone)))
		mem_deref(s);
}

static uint16_t code_of(Sy__ResultCode code)
{
	switch (code) {

	case SY__RESULT_CODE__OK:
		return 200;
	case SY__RESULT_CODE__NOT_FOUND: /* its socket is lost */
	case SY__RESULT_CODE__NO_SUBSCRIBER:
		return 430;
	default:
		return 408;
	}
}

static void result_handler(const Sy__Result *res, void *arg)
{
	courier_answered(arg, code_of(res->code), NULL);
}

/* "" is who is not shown. */
static char *shown(const struct courier *c)
{
	return strcmp(c->from_user, "anonymous") ? c->from_user
						 : (char *)(uintptr_t)"";
}

int courier_page_send(struct courier_send *s)
{
	struct courier *c = s->c;
	Sy__BrowserMessage bm = SY__BROWSER_MESSAGE__INIT;
	Sy__PhoneMessage text = SY__PHONE_MESSAGE__INIT;
	Sy__WsServer msg = SY__WS_SERVER__INIT;
	Sy__Envelope env = SY__ENVELOPE__INIT;
	char *copy;
	int err;

	if (!c->plain)
		return ENOTSUP;
	copy = mem_zalloc(c->bodylen + 1, NULL);
	if (!copy)
		return ENOMEM;

	memcpy(copy, c->body, c->bodylen);
	text.to = c->to_user;
	text.from = shown(c);
	text.from_name = c->from_name;
	text.text = copy;
	msg.body_case = SY__WS_SERVER__BODY_PHONE_MESSAGE;
	msg.phone_message = &text;
	bm.phone = s->phone;
	bm.device = s->device;
	bm.message = &msg;
	env.body_case = SY__ENVELOPE__BODY_BROWSER_MESSAGE;
	env.browser_message = &bm;
	err = bus_request_member(c->t->w->bus, s->gateway, &env, PAGE_MS,
				 result_handler, s);
	mem_deref(copy);

	return err;
}
