/* SPDX-License-Identifier: MIT */
/*
 * An engine speaks one version of HTTP for one connection, without I/O:
 * bytes and time in, requests out to handlers, bytes out when pulled.  The
 * connection (conn.c) brings the socket, TLS and the timer.
 *
 *   feed ---> [ h1 | h2 ] ---> headh, requesth
 *   pull <---           <---  web_reply() ...
 *
 * An engine owns a reference to each of its requests, and detaches them when
 * it goes.  After each call from outside the caller asks again for
 * engine_wants_input(), engine_is_done(), engine_deadline_ms() and pulls.
 */

#ifndef SY_GATEWAY_HTTP_ENGINE_H
#define SY_GATEWAY_HTTP_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <re.h>

struct engine;
struct web_req;

/** What a peer may cost us. */
struct web_limits {
	size_t head_bytes;      /* header of a request                    */
	size_t target_bytes;    /* its target; below head_bytes           */
	size_t body_bytes;      /* its body                               */
	size_t large_bytes;     /* ... where the head handler said large  */
	unsigned fields;        /* header fields                          */
	unsigned streams;       /* requests at a time on an h2 connection */
	unsigned conns;         /* connections of the process             */
	unsigned source_conns;  /* of these, from one address             */
	size_t waiting_bytes;   /* of answers that an h2 peer does not take:
				   then its requests are refused          */
	uint32_t head_ms;       /* to send a whole header, or handshake   */
	uint32_t body_ms;       /* to send a whole body                   */
	uint32_t idle_ms;       /* between requests                       */
	uint32_t leave_ms;      /* the same when we end: who has just asked,
				   or connected, may be asking again      */
	uint32_t write_ms;      /* without taking a byte of an answer     */
};

extern const struct web_limits web_limits_default;

/**
 * A header is complete, the body is not.  The handler may answer at once
 * (then the body is read and thrown away) or set req->datah.
 */
typedef void(web_head_h)(struct web_req *req, void *arg);

/** A request is complete, and was not answered by the head handler. */
typedef void(web_request_h)(struct web_req *req, void *arg);

/** Output waits, outside of feed, expire and pull. */
typedef void(engine_wake_h)(void *arg);

struct engine_conf {
	const struct web_limits *lim; /* borrowed, outlives the engine    */
	const char *peer;             /* borrowed likewise                */
	bool tls;
	web_head_h *headh;            /* or NULL                          */
	web_request_h *requesth;
	void *arg;                    /* of both                          */
	engine_wake_h *wakeh;
	void *wake_arg;
	uint64_t *floods;             /* counts peers that are cut off; or
					 NULL; borrowed likewise          */
};

struct engine_ops {
	int (*feed)(struct engine *e, const uint8_t *p, size_t len,
		    uint64_t now_ms);
	int (*pull)(struct engine *e, struct mbuf *mb, size_t max,
		    uint64_t now_ms);
	void (*ready)(struct engine *e, struct web_req *req);
	void (*expire)(struct engine *e, uint64_t now_ms);
	void (*eof)(struct engine *e);
	void (*shutdown)(struct engine *e);
	bool (*wants_input)(const struct engine *e);
	bool (*is_done)(const struct engine *e);
	uint64_t (*deadline_ms)(const struct engine *e);
};

struct engine {
	const struct engine_ops *ops;
	struct engine_conf conf;
	struct list reql;       /* struct web_req, oldest first           */
	uint64_t now_ms;        /* as last told                           */
	unsigned depth;         /* calls from outside that are running    */
	bool failed;            /* no more input: close when pulled empty */
};

/** HTTP/1.1 and 1.0. @param ep  Owned by the caller (mem_deref). */
int h1_alloc(struct engine **ep, const struct engine_conf *conf,
	     uint64_t now_ms);

/** HTTP/2 (RFC 9113), from the client's preface on. */
int h2_alloc(struct engine **ep, const struct engine_conf *conf,
	     uint64_t now_ms);

/** For engines: set the shared part. */
void engine_init(struct engine *e, const struct engine_ops *ops,
		 const struct engine_conf *conf, uint64_t now_ms);

/** For engines: detach and release all requests. */
void engine_flush(struct engine *e);

/** Bytes from the peer; all are taken.  Errors of the peer are answered and
 * lead to engine_is_done(). @return 0, or an errno: close at once. */
int engine_feed(struct engine *e, const uint8_t *p, size_t len,
		uint64_t now_ms);

/** Append output to mb, about max bytes at most; nothing: none waits. */
int engine_pull(struct engine *e, struct mbuf *mb, size_t max,
		uint64_t now_ms);

/** A handler changed a response. */
void engine_ready(struct engine *e, struct web_req *req);

/** The deadline has come: answer 408, reset, or become done. */
void engine_expire(struct engine *e, uint64_t now_ms);

/** The peer will send no more. */
void engine_eof(struct engine *e);

/** End in order: no new requests, finish those that run. */
void engine_shutdown(struct engine *e);

/** False: the peer must wait until answers are out. */
bool engine_wants_input(const struct engine *e);

/** Close the connection once pull gives nothing. */
bool engine_is_done(const struct engine *e);

/** When engine_expire() is due; UINT64_MAX: never. */
uint64_t engine_deadline_ms(const struct engine *e);

#endif
