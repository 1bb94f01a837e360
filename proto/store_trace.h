/* SPDX-License-Identifier: MIT */
/*
 * The SIP messages of a call, as routers saw them, and those of browser pages,
 * as gateways did: sy:trace:{H}, bounded in number and bytes, gone by itself.
 */

#ifndef SY_PROTO_STORE_TRACE_H
#define SY_PROTO_STORE_TRACE_H

#include "proto/store.h"

enum {
	STORE_TRACE_MAX = 300,          /* messages of a call               */
	STORE_TRACE_FIRST = 100,        /* of these the first stay          */
	STORE_TRACE_BYTES = 512 * 1024, /* of a call                        */
	STORE_TRACE_BATCH = 64,         /* of one store_trace_put()         */
};

/** A packed TraceMessage; borrowed. */
struct store_trace_item {
	const void *p;
	size_t len;
};

/** Messages to append to a call's trace. */
struct store_trace_put {
	const char *hub;
	uint32_t ttl_s;      /* kept for so long from now on; 0: as before  */
	uint32_t running_s;  /* that, where there is none before            */
	size_t n;            /* 1 to STORE_TRACE_BATCH                      */
	struct store_trace_item itemv[STORE_TRACE_BATCH]; /* by time        */
};

/**
 * Append messages to a call's trace.
 *
 * @param h    err 0: they are there; or NULL.
 * @param arg  Given as by redis_arg_owned(), if there is h. On error it stays
 *             the caller's.
 *
 * @return 0, ENOTCONN ..., EINVAL.
 */
int store_trace_put(struct redis *r, const struct store_trace_put *put,
		    store_h *h, void *arg);

/** The messages of a call; mem_deref() frees it. */
struct store_trace {
	size_t n;
	Sy__TraceMessage *messagev[]; /* by time */
};

/** @param trace  Owned by the handler; NULL on error; none is no error. */
typedef void(store_trace_h)(int err, struct store_trace *trace, void *arg);

/** Read a call's trace. @param arg  As that of store_quality_get(). */
int store_trace_get(struct redis *r, const char *hub, store_trace_h *h,
		    void *arg);

#endif
