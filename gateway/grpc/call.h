/* SPDX-License-Identifier: MIT */
/*
 * A call of a method, from its header to its trailers.
 *
 *   head --> start -- message(s) --> end of input --> reply, or send ... end
 *              |           |              |
 *              +-----------+--------------+--> call_end(code)
 *
 * It lives as long as its request.  A peer that goes, or whose deadline comes,
 * ends it: its state is released (mem_deref), and nothing is called any more.
 */

#ifndef SY_GATEWAY_GRPC_CALL_H
#define SY_GATEWAY_GRPC_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

#include "gateway/grpc/frame.h"
#include "gateway/grpc/grpc.h"
#include "gateway/grpc/status.h"
#include "gateway/http/request.h"
#include "proto/services.h"

struct call;

/** What a method is. */
struct call_ops {
	size_t max_bytes;      /* of a message of the client               */
	bool streams;          /* the client sends any number of messages;
				  else exactly one                         */

	/** The header is there; or NULL. */
	void (*start)(struct call *c);

	/** A message; of a client that sends one, once it has said all. */
	void (*message)(struct call *c, const uint8_t *p, size_t len);

	/** A client that streams has said all; or NULL: then it is ended. */
	void (*said)(struct call *c);
};

struct call {
	struct grpc *g;                   /* borrowed                      */
	struct web_req *web;              /* borrowed: it owns this        */
	const struct call_ops *ops;
	const struct service_method *method; /* of unary; else NULL        */
	void *state;                      /* of the method; released with us */
	void (*stoph)(struct call *c);    /* let go of the request: the
					     deadline has come; or NULL    */

	/* Of call.c. */
	struct frame frame;
	struct loop_timer *deadline;
	const uint8_t *p;                 /* the one message               */
	size_t len;
	uint8_t *plain;                   /* it, if it came compressed     */
	bool has_message, ended;
	bool late;                        /* the deadline has come         */
};

/** Answer with one message, whose bytes are borrowed, and OK. */
void call_reply(struct call *c, const uint8_t *p, size_t len);

/** The same of a message. */
void call_reply_message(struct call *c, const ProtobufCMessage *msg);

/** Send one message of several. @return 0, ENOBUFS (the peer does not take
 * them), EPIPE (it is gone), ENOMEM. */
int call_send(struct call *c, const ProtobufCMessage *msg);

/** End with a code, and words for a person. */
void call_end(struct call *c, enum grpc_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** End with what an answer of the API says that is an error. */
void call_end_problem(struct call *c, const struct web_req *req);

/** End because a field of the message is wrong. */
void call_end_field(struct call *c, const char *field, const char *cause);

/* The methods. */
extern const struct call_ops unary_ops;    /* a route of the API           */
extern const struct call_ops health_check_ops, health_watch_ops;
extern const struct call_ops reflect_ops;
extern const struct call_ops events_ops;

#endif
