/* SPDX-License-Identifier: MIT */
/* Events: see event_frame.h.  Made once for all who watch.  (jansson: no
 * header of libre here.) */

#include <stdlib.h>
#include <services.pb-c.h>

#include "gateway/feed/say.h"
#include "gateway/grpc/event_frame.h"
#include "gateway/grpc/frame.h"
#include "proto/json.h"

struct ws_frame *event_frame(const struct ws_frame *ws, const char *id,
			     Sy__EventType type)
{
	Sy__StreamedEvent msg = SY__STREAMED_EVENT__INIT;
	struct ws_frame *f = NULL;
	ProtobufCMessage *ev;
	char errbuf[128];
	const char *json;
	uint8_t *p;
	size_t len;
	(void)type;

	json = say_event_json(ws, id, &len);
	if (json_read(&ev, &sy__event__descriptor, json, len, errbuf,
		      sizeof(errbuf)))
		return NULL;

	msg.id = (char *)id;
	msg.event = (Sy__Event *)ev;
	len = sy__streamed_event__get_packed_size(&msg);
	p = malloc(FRAME_HEAD + len);
	if (p) {
		frame_head(p, len);
		(void)sy__streamed_event__pack(&msg, p + FRAME_HEAD);
		f = ws_frame_raw(p, FRAME_HEAD + len);
	}
	free(p);
	protobuf_c_message_free_unpacked(ev, NULL);

	return f;
}
