/* SPDX-License-Identifier: MIT */
/* What a client says. */

#include <errno.h>

#include "gateway/feed/feed_impl.h"
#include "gateway/feed/say.h"

static void take_ping(struct ws_client *c, const Sy__WsClient *msg)
{
	(void)ws_done(c, msg->id);
}

static void take_phone(struct ws_client *c, const Sy__WsClient *msg)
{
	if (!principal_may(&c->who, "phone"))
		(void)ws_refuse(c, msg->id, "forbidden",
				"\"%s\" lacks the scope phone", c->who.id);
	else if (!c->feed->phoneh)
		(void)ws_refuse(c, msg->id, "unavailable",
				"this gateway serves no browser phones");
	else
		c->feed->phoneh(c, msg, c->feed->phone_arg);
}

static void take(struct ws_client *c, const Sy__WsClient *msg)
{
	static const struct {
		Sy__WsClient__BodyCase body;
		void (*h)(struct ws_client *c, const Sy__WsClient *msg);
	} v[] = {
		{SY__WS_CLIENT__BODY_HELLO, hello_take},
		{SY__WS_CLIENT__BODY_SUBSCRIBE, topic_subscribe},
		{SY__WS_CLIENT__BODY_UNSUBSCRIBE, topic_unsubscribe},
		{SY__WS_CLIENT__BODY_PING, take_ping},
	};

	if (c->state != CLIENT_IN && msg->body_case !=
	    SY__WS_CLIENT__BODY_HELLO) {
		client_close(c, WS_CODE_DENIED, "say hello first");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		if (v[i].body == msg->body_case) {
			v[i].h(c, msg);
			return;
		}
	}
	if (msg->body_case >= SY__WS_CLIENT__BODY_PHONE_REGISTER)
		take_phone(c, msg);
	else
		(void)ws_refuse(c, msg->id, "bad-request",
				"a message has one of hello, subscribe, "
				"unsubscribe, ping, phone...");
}

void command_take(struct ws_client *c, const char *text, size_t len)
{
	Sy__WsClient *msg = NULL;
	char errbuf[256] = "";

	if (say_read(&msg, text, len, errbuf, sizeof(errbuf))) {
		(void)ws_refuse(c, 0, "bad-request", "%s", errbuf);
		return;
	}
	take(c, msg);
	sy__ws_client__free_unpacked(msg, NULL);
}
