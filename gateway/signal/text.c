/* SPDX-License-Identifier: MIT */
/*
 * Texts outside of calls: what a page writes goes to a router, which brings it
 * to phones and pages as a MESSAGE of its device; what is for a page comes from
 * one.
 */

#include <errno.h>
#include <string.h>

#include "gateway/signal/signal_impl.h"

enum {
	TO_MAX = 64,
	TEXT_MAX = 900,   /* what SIP says around it has room besides */
	BRING_MS = 10000, /* a router waits 8 s for phones */
	MEMBER_SIZE = 64,
};

struct writing {
	struct phone *ph;         /* reference                            */
	struct ws_client *client; /* that asked; compared, never used     */
	uint32_t id;
};

static void destructor(void *arg)
{
	struct writing *w = arg;

	mem_deref(w->ph);
}

static const char *type_of(uint32_t status)
{
	switch (status) {

	case 403:
		return "forbidden";
	case 404:
		return "not-found";
	case 413:
		return "bad-request";
	case 480:
	case 503:
		return "unavailable";
	default: /* as a phone says */
		return "conflict";
	}
}

static const char *words_of(uint32_t status)
{
	switch (status) {

	case 404:
		return "to: no route has this number, or its device is not "
		       "there";
	case 413:
		return "text: too long with so long a name";
	case 480:
		return "nobody is there who takes it";
	case 503:
		return "no router takes messages now: again in a while";
	default:
		return "it was refused";
	}
}

static void tell(const struct writing *w, const Sy__Result *res)
{
	struct ws_client *c = w->ph->client;

	if (res->code == SY__RESULT_CODE__TIMED_OUT)
		(void)ws_refuse(c, w->id, "timeout",
				"the router did not answer in time");
	else if (res->code)
		(void)ws_refuse(c, w->id, "unavailable", "%s",
				words_of(503));
	else if (res->status < 300)
		(void)ws_done(c, w->id);
	else
		(void)ws_refuse(c, w->id, type_of(res->status),
				"%s%s%s", words_of(res->status),
				res->error[0] ? ": " : "", res->error);
}

static void result_handler(const Sy__Result *res, void *arg)
{
	struct writing *w = arg;

	if (w->ph->client && w->ph->client == w->client)
		tell(w, res);
	mem_deref(w);
}

static bool router_handler(const Sy__Member *m, void *arg)
{
	if (m->state != SY__MEMBER_STATE__LIVE)
		return false;
	str_ncpy(arg, m->id, MEMBER_SIZE);

	return true;
}

/* @return NULL, or what is wrong. */
static const char *check(const Sy__PhoneMessage *m)
{
	const size_t to = strlen(m->to), text = strlen(m->text);

	if (!to || to > TO_MAX)
		return "to: 1 to 64 characters, a number or a device";
	for (size_t i = 0; i < to; i++) {
		if ((unsigned char)m->to[i] <= ' ' || m->to[i] == 0x7f)
			return "to: has a blank or a control character";
	}
	if (!text || text > TEXT_MAX)
		return "text: 1 to 900 bytes of UTF-8";

	return NULL;
}

static void bring_to(struct phone *ph, uint32_t id,
		     const Sy__PhoneMessage *m, const char *router)
{
	Sy__BringMessage bring = SY__BRING_MESSAGE__INIT;
	Sy__Envelope env = SY__ENVELOPE__INIT;
	struct writing *w = mem_zalloc(sizeof(*w), destructor);
	int err = w ? 0 : ENOMEM;

	if (!err) {
		w->ph = mem_ref(ph);
		w->client = ph->client;
		w->id = id;
		bring.device = ph->device;
		bring.to = m->to;
		bring.text = m->text;
		env.body_case = SY__ENVELOPE__BODY_BRING_MESSAGE;
		env.bring_message = &bring;
		err = bus_request_member(view_bus(ph->signal->view), router,
					 &env, BRING_MS, result_handler, w);
	}
	if (err) {
		(void)ws_refuse(ph->client, id, "internal", "out of memory");
		mem_deref(w);
	}
}

void text_write(struct phone *ph, const Sy__WsClient *msg)
{
	const char *wrong = check(msg->phone_message);
	char router[MEMBER_SIZE] = "";

	if (wrong) {
		(void)ws_refuse(ph->client, msg->id, "bad-request", "%s",
				wrong);
		return;
	}
	member_apply(view_members(ph->signal->view), SY__MEMBER_KIND__ROUTER,
		     router_handler, router);
	if (router[0])
		bring_to(ph, msg->id, msg->phone_message, router);
	else
		(void)ws_refuse(ph->client, msg->id, "unavailable", "%s",
				words_of(503));
}
