/* SPDX-License-Identifier: MIT */
/*
 * Messages out of a byte stream (RFC 3261 18.3), and the keep-alives between
 * them (RFC 5626 3.5.1).  No I/O.  One stream belongs to one connection and
 * so to one thread.
 *
 * Use: room, read into it, put; then next until it says STREAM_MORE, and
 * done after each message, when its bytes are no longer needed.
 */

#ifndef SY_ROUTER_STREAM_H
#define SY_ROUTER_STREAM_H

#include <stddef.h>

enum { STREAM_MESSAGE_MAX = 32 * 1024 }; /* bytes of one message */

enum stream_out {
	STREAM_MORE,      /* needs more bytes                              */
	STREAM_MESSAGE,   /* a whole message                               */
	STREAM_PING,      /* CRLF CRLF: answer CRLF                        */
	STREAM_NO_LENGTH, /* headers of a message without Content-Length,
			     or with a bad one: answer 400 and close       */
	STREAM_TOO_LARGE, /* headers of a message that is too large: 513   */
	STREAM_JUNK,      /* headers that never end: close                 */
};

struct stream {
	char *buf;      /* owned */
	size_t size;
	size_t start;   /* of what is not yet done      */
	size_t len;     /* end of what was read         */
	size_t scanned; /* no end of headers before it  */
	size_t total;   /* size of the message at start, as far as known */
};

/** Release the buffer. */
void stream_close(struct stream *st);

/**
 * Room to read into.
 *
 * @param n  Set to its size, at least 1.
 *
 * @return where, or NULL (no memory).
 */
char *stream_room(struct stream *st, size_t *n);

/** So many bytes were read into the room. */
void stream_put(struct stream *st, size_t n);

/**
 * What comes next.
 *
 * @param p, len  Set to the message (or its headers); borrowed until
 *                stream_done().
 */
enum stream_out stream_next(struct stream *st, const char **p, size_t *len);

/** The message, or the ping, was dealt with. */
void stream_done(struct stream *st);

#endif
