/* SPDX-License-Identifier: MIT */
/*
 * The byte stream below a Redis connection: TCP, TLS over TCP or a unix
 * socket, non-blocking, on either loop.  Connects once; redis.c starts a new
 * one to reconnect.
 */

#ifndef SY_PROTO_REDIS_SOCK_H
#define SY_PROTO_REDIS_SOCK_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct redis_url;
struct redis_sock;

struct redis_sock_handlers {
	void (*open)(void *arg);  /* connected, TLS done               */
	void (*recv)(const char *p, size_t len, void *arg);
	void (*close)(int err, void *arg); /* lost, or never came up  */
};

/**
 * Start to connect.
 *
 * @param sp  Set on success; owned by the caller; mem_deref() closes it,
 *            also from within a handler.
 * @param attempt  Counts up from one attempt to the next: of a host name
 *            with several addresses each has its turn ("localhost" is often
 *            ::1 first, where nobody listens).
 * @param h   Handlers; borrowed, outlives it.  Never called from within
 *            redis_sock_connect() or redis_sock_send().
 *
 * @return 0, or errno: the host is unknown, no memory, no descriptor.
 */
int redis_sock_connect(struct redis_sock **sp, struct loop *loop,
		       const struct redis_url *url, unsigned attempt,
		       const struct redis_sock_handlers *h, void *arg);

/**
 * Queue bytes; what is queued within one turn of the loop leaves as one
 * write.
 *
 * @return 0, ENOMEM, ENOBUFS (backlog over 64 MB).
 */
int redis_sock_send(struct redis_sock *s, const char *p, size_t len);

#endif
