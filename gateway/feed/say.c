/* SPDX-License-Identifier: MIT */
/* JSON of /ws: see say.h.  Fields that have their default are left out: what
 * is sent to thousands should be short. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/feed/say.h"
#include "proto/json.h"

static const char before_id[] = "{\"seq\":\"";
static const char before_event[] = "\",\"event\":";

typedef int(frame_h)(struct ws_frame **fp, const char *text, size_t len);

/* @param text  Taken. */
static struct ws_frame *frame(frame_h *make, char *text)
{
	struct ws_frame *f = NULL;

	if (text && make(&f, text, strlen(text)))
		f = NULL;
	free(text);

	return f;
}

struct ws_frame *say_message(const Sy__WsServer *msg)
{
	return frame(ws_frame_text, json_print(&msg->base, 0));
}

struct ws_frame *say_event(const char *id, const Sy__Event *ev)
{
	Sy__WsServer msg = SY__WS_SERVER__INIT;

	msg.seq = (char *)id;
	msg.body_case = SY__WS_SERVER__BODY_EVENT;
	msg.event = (Sy__Event *)ev;

	return frame(ws_frame_shared, json_print(&msg.base, 0));
}

char *say_call(const Sy__Call *call)
{
	return json_print(&call->base, 0);
}

struct ws_frame *say_calls(const char *topic, const char *seq,
			   const char *const *textv, size_t n, bool more)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;

	(void)fprintf(out, "{\"snapshot\":{\"topic\":\"%s\",\"seq\":\"%s\","
		      "\"calls\":[", topic, seq);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(out, "%s%s", i ? "," : "", textv[i]);
	(void)fprintf(out, "]%s}}", more ? ",\"more\":true" : "");
	if (fclose(out)) {
		free(text);
		return NULL;
	}

	return frame(ws_frame_shared, text);
}

const char *say_event_json(const struct ws_frame *f, const char *id,
			   size_t *lenp)
{
	const size_t at = f->head + strlen(before_id) + strlen(id) +
			  strlen(before_event);

	*lenp = f->len - at - 1;

	return (const char *)f->p + at;
}

struct ws_frame *say_text(const char *text)
{
	return ws_frame_raw(text, strlen(text));
}

struct ws_frame *say_sse(const struct ws_frame *ws, const char *id,
			 Sy__EventType type)
{
	const ProtobufCEnumValue *name = protobuf_c_enum_descriptor_get_value(
		&sy__event_type__descriptor, (int)type);
	struct ws_frame *f = NULL;
	const char *json;
	char *text = NULL;
	size_t len = 0, n;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;

	json = say_event_json(ws, id, &n);
	(void)fprintf(out, "id: %s\nevent: %s\ndata: %.*s\n\n", id,
		      name ? name->name : "EVENT_UNKNOWN", (int)n, json);
	if (!fclose(out))
		f = ws_frame_raw(text, len);
	free(text);

	return f;
}

int say_read(Sy__WsClient **msgp, const char *text, size_t len, char *errbuf,
	     size_t errsize)
{
	ProtobufCMessage *msg = NULL;
	int err = json_read(&msg, &sy__ws_client__descriptor, text, len,
			    errbuf, errsize);

	if (!err)
		*msgp = (Sy__WsClient *)msg;

	return err;
}
