/* SPDX-License-Identifier: MIT */
/* An event as a message on a gRPC stream. */

#ifndef SY_GATEWAY_GRPC_EVENT_FRAME_H
#define SY_GATEWAY_GRPC_EVENT_FRAME_H

#include "gateway/http/ws.h"
#include "proto/schema.h"

/**
 * A StreamedEvent, with its head.
 *
 * @param ws  The event as it is sent to WebSockets.
 *
 * @return owned by the caller; NULL: no memory.
 */
struct ws_frame *event_frame(const struct ws_frame *ws, const char *id,
			     Sy__EventType type);

#endif
