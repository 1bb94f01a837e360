/* SPDX-License-Identifier: MIT */
/*
 * Messages on a gRPC stream: a flag (compressed), a length of four bytes, the
 * message.  Without I/O: bytes in, messages out.
 */

#ifndef SY_GATEWAY_GRPC_FRAME_H
#define SY_GATEWAY_GRPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_HEAD = 5 };

/** What came of a message so far; zeroed to begin. */
struct frame {
	size_t max;            /* of a message [bytes]; set by the owner  */
	uint8_t head[FRAME_HEAD];
	size_t have;           /* bytes of head and message               */
	size_t len;            /* of the message, once head is whole      */
	uint8_t *buf;          /* of len bytes, grown as they come        */
	size_t size;
};

/**
 * A message is whole.
 *
 * @param p  Borrowed.
 *
 * @return 0 to go on; else frame_feed() ends with that.
 */
typedef int(frame_h)(bool compressed, const uint8_t *p, size_t len, void *arg);

/**
 * Take bytes.
 *
 * @return 0, EBADMSG (an unknown flag), EMSGSIZE (longer than max), ENOMEM, or
 *         what the handler gave.  After an error nothing more may be fed.
 */
int frame_feed(struct frame *f, const uint8_t *p, size_t len, frame_h *h,
	       void *arg);

/** True between two messages, where a stream may end. */
bool frame_is_empty(const struct frame *f);

/** Free what it holds. */
void frame_reset(struct frame *f);

/** Write the head of a message of len bytes (below 4 GB), not compressed. */
void frame_head(uint8_t head[FRAME_HEAD], size_t len);

#endif
