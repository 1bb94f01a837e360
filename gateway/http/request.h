/* SPDX-License-Identifier: MIT */
/*
 * A request and its response, the same for HTTP/1.1 and HTTP/2.
 *
 * An engine (h1, h2) fills in the request and hands it to a handler.  The
 * handler answers now or later; for later it keeps a reference (mem_ref) and
 * drops it after the answer.  The connection may vanish meanwhile: then
 * closeh is called, answering does nothing more, and all else stays valid.
 *
 * A response is pulled: what a handler writes waits in the request until the
 * engine has room for it, so a slow peer never makes the socket's queue grow.
 *
 *     web_reply()                                a whole response
 *     web_start() web_write() ... web_end()      a stream, with trailers
 *     datah                                      a body as it comes
 *     web_upgrade()                              another protocol from here
 *                                                on (ws.h)
 *
 * All on the loop's thread.
 */

#ifndef SY_GATEWAY_HTTP_REQUEST_H
#define SY_GATEWAY_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/http/fields.h"

/* No header of libre here: its JSON names are jansson's, too, and handlers
 * speak JSON. */

struct engine;
struct mbuf;
struct web_req;

enum {
	WEB_WRITE_MAX = 1 << 20, /* bytes that a stream may have waiting */
};

/** The peer is gone; nothing that is written from here on is seen. */
typedef void(web_close_h)(struct web_req *req, void *arg);

/** A piece of the body, borrowed; len 0: that was the whole body. */
typedef void(web_data_h)(struct web_req *req, const uint8_t *p, size_t len,
			 void *arg);

/** All that was written has been taken by the engine: write more. */
typedef void(web_drain_h)(struct web_req *req, void *arg);

/**
 * The engine has room, and all that was written is taken: more of a streamed
 * response, put where it goes at once.  It is asked until it gives nothing,
 * and again after web_wake().
 *
 * @return number of bytes, up to max; 0: none now, or web_end() was called.
 */
typedef size_t(web_source_h)(struct web_req *req, uint8_t *p, size_t max,
			     void *arg);

/** A request of our own was looked at, and may: its maker goes on. */
typedef void(web_allowed_h)(struct web_req *req, void *arg);

struct web_req {
	/* The request: read-only for handlers. */
	char *method;            /* "GET"; HEAD stays HEAD                */
	char *path;              /* as sent, percent-encoded, from "/"    */
	char *query;             /* as sent, after "?"; "" if none        */
	struct fields head;      /* header fields                         */
	struct mbuf *body;       /* pos 0, end: length; NULL: none        */
	const char *peer;        /* "host:port"                           */
	unsigned version;        /* 10, 11, 20                            */
	bool tls;
	bool complete;           /* the body is all there                 */
	bool body_large;         /* set in the head handler: a large body may
				    come (web_limits.large_bytes)         */
	char *upgrade;           /* protocol that is wanted instead of an
				    answer, "websocket"; NULL: none       */

	/* Set by a handler when it wants them. */
	web_close_h *closeh;
	web_drain_h *drainh;
	web_source_h *sourceh;   /* in place of drainh                    */
	web_data_h *datah;       /* set in the head handler: the body is
				    not collected, and not limited        */
	void *arg;               /* of the handlers above                 */
	web_allowed_h *allowedh; /* of a request that we make ourselves: in
				    place of the work, once it is known
				    that it may; or NULL                  */
	void *user;              /* of the application; released with the
				    request (mem_deref)                   */

	/* The response: by the functions below; read by the engine. */
	struct {
		unsigned status; /* 0: not started                        */
		struct fields head, trailers;
		struct mbuf *out; /* pos..end not yet pulled              */
		struct {          /* or bytes that many share:            */
			const uint8_t *p; /* not yet pulled               */
			size_t len;
			void *owner;      /* a reference                  */
		} shared;
		bool plain;       /* has a secret: never compressed, or its
				     length would tell of it (BREACH)     */
		bool ended;
	} res;

	/* Of the engine. */
	struct engine *engine;   /* borrowed; NULL: the peer is gone      */
	uint64_t since_ms;       /* when its first byte came              */
	size_t head_bytes;
	uint64_t stall_ms;       /* the peer takes nothing since; 0: it does */
	size_t taken_bytes;      /* since then                             */
	int32_t stream;
	bool dispatched;         /* the handler has it                    */
	bool large;              /* its header is too large                */
	bool submitted;          /* the engine has taken the status       */
	bool upgraded;           /* bytes of another protocol follow      */
	char peer_text[64];
};

/** A new request of an engine. @param engine  NULL in tests. */
int web_req_alloc(struct web_req **reqp, struct engine *engine);

/** Set method and target ("/path?query"). @return 0, EINVAL, ENOMEM. */
int web_req_target(struct web_req *req, const char *method, size_t mlen,
		   const char *target, size_t tlen);

/** Append to the body. @return 0, EMSGSIZE (over max), ENOMEM. */
int web_req_body(struct web_req *req, const uint8_t *p, size_t len,
		 size_t max);

/** For engines: the peer is gone.  Calls closeh once. */
void web_req_detach(struct web_req *req);

/** The body, borrowed. @param lenp  Set to its length [bytes]. */
const uint8_t *web_body(const struct web_req *req, size_t *lenp);

/** A request header by its lower case name, or NULL. */
const char *web_header(const struct web_req *req, const char *name);

/**
 * A parameter of the query, percent-decoded.
 *
 * @param val  Set to the value; "" if the parameter has none.
 *
 * @return 0, ENOENT, EINVAL (bad encoding), EOVERFLOW (longer than size).
 */
int web_query(const struct web_req *req, const char *name, char *val,
	      size_t size);

/** Percent-decode. @return 0, EINVAL (bad, or a zero byte), EOVERFLOW. */
int web_unescape(char *out, size_t size, const char *in, size_t len);

/** True while an answer can still reach the peer. */
bool web_is_open(const struct web_req *req);

/** Add a response header; before web_start() or web_reply(). */
int web_head(struct web_req *req, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * Send a whole response.  Text of some size is compressed, if the client takes
 * that; set res.plain where a body has a secret.
 *
 * @param type  Content-Type, or NULL: no body.
 * @param p     Body; copied.
 *
 * @return 0, EALREADY (answered before), ENOMEM.  A peer that is gone is no
 *         error.
 */
int web_reply(struct web_req *req, unsigned status, const char *type,
	      const void *p, size_t len);

/**
 * Send a whole response without copying its body: a slow peer holds a
 * reference, not a copy.  As it is: never compressed.
 *
 * @param owner  What the bytes belong to; a reference is taken.
 */
int web_reply_shared(struct web_req *req, unsigned status, const char *type,
		     const void *p, size_t len, void *owner);

/** Begin a streamed response. */
int web_start(struct web_req *req, unsigned status, const char *type);

/** @return 0, ENOBUFS (WEB_WRITE_MAX waits: see drainh), EPIPE (not
 * started, ended, or the peer is gone), ENOMEM. */
int web_write(struct web_req *req, const void *p, size_t len);

/** End a streamed response. @param trailers  Copied; NULL: none. */
int web_end(struct web_req *req, const struct fields *trailers);

/**
 * Take the protocol that the peer wants (req->upgrade), in the head handler,
 * after web_head().  What it sends from now on comes by datah as it is, what
 * is written goes out as it is; web_end() ends the connection (h2: the
 * stream).  Time limits are the handler's.
 *
 * @return 0, EPROTO (none is wanted), EALREADY (answered before).
 */
int web_upgrade(struct web_req *req);

/** sourceh has something again. */
void web_wake(struct web_req *req);

/** For engines: take up to max bytes of the response. @return number. */
size_t web_res_pull(struct web_req *req, uint8_t *p, size_t max);

/** Bytes of the response that wait to be pulled. */
size_t web_res_waiting(const struct web_req *req);

/** What waits to be pulled, borrowed. @param lenp  Set to its length. */
const uint8_t *web_res_peek(const struct web_req *req, size_t *lenp);

/** True once all of the response was pulled. */
bool web_res_is_done(const struct web_req *req);

/** "Not Found"; "" when unknown. */
const char *web_status_text(unsigned status);

#endif
