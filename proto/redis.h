/* SPDX-License-Identifier: MIT */
/*
 * One connection to Redis on either event loop: plain TCP, TLS or a unix
 * socket; hiredis' reader and formatter on a socket of ours.
 *
 * Commands are pipelined and answered in order.  When the connection is lost
 * every outstanding command is answered with ENOTCONN at once, and the
 * connection is tried again after 50 ms, doubling to 200 ms (2 s where the
 * server does not want us), each with random jitter, for ever.  A command
 * past its deadline is answered ETIMEDOUT; its late reply is dropped.  Commands while not connected fail with ENOTCONN
 * from the call itself: nothing is queued for later.
 *
 * A connection that subscribes can do nothing else (RESP2): the bus uses two.
 */

#ifndef SY_PROTO_REDIS_H
#define SY_PROTO_REDIS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct redis;
struct redisReply;

enum { REDIS_DEADLINE_MS = 2000 }; /* default of a command */

/** What --help says of a URL. */
#define REDIS_URL_HELP                                                        \
	"Redis of the cluster: redis://, rediss:// (TLS), unix:///path, "     \
	"redis+sentinel:// or rediss+sentinel://host[:port],.../master"

/**
 * Connection came up (after AUTH and SELECT, and with all channels subscribed
 * that were asked for until then) or was lost.  One that does not come up at
 * all is logged, once for each cause: EACCES is a wrong password, EKEYREJECTED
 * a certificate that does not prove the server, EBUSY one that starts or is
 * not well, EROFS a replica.
 *
 * @param up   New state.
 * @param err  When lost: errno of the cause.
 */
typedef void(redis_state_h)(bool up, int err, void *arg);

/**
 * Reply of a command.
 *
 * @param err    0, ENOTCONN, ETIMEDOUT, EPROTO (an error reply of Redis:
 *               reply->str has its text), EBADMSG (not RESP).
 * @param reply  The reply; borrowed for the call; NULL unless err is 0 or
 *               EPROTO.
 */
typedef void(redis_reply_h)(int err, const struct redisReply *reply,
			    void *arg);

/** A published message. Borrowed for the call. */
typedef void(redis_message_h)(const char *channel, const uint8_t *p,
			      size_t len, void *arg);

/**
 * Open a connection and keep it open.
 *
 * @param rp    Set on success; owned by the caller; mem_deref() closes it
 *              and drops outstanding commands without calling their handlers.
 * @param loop  Event loop; borrowed.
 * @param url   "redis://[user:password@]host[:port][/db]", "rediss://..."
 *              (TLS, server verified; "?insecure=1" turns that off,
 *              "?cafile=FILE"), "unix:///path[?db=N&user=U&password=P]".
 *              By Sentinel: "redis+sentinel://[user:password@]host[:port]
 *              [,host[:port]...]/master[/db]", 16 hosts at most, port 26379;
 *              "rediss+sentinel://..." with TLS to sentinels and servers;
 *              "?sentinel_user=U&sentinel_password=P" where the sentinels
 *              ask for one (user and password are the server's), "?db=N",
 *              "?cafile=FILE", "?insecure=1".  The master is asked for when
 *              the connection was lost or is refused as a replica's, and
 *              once a second: it is left when another one is named.
 * @param h     State handler, or NULL.
 *
 *              A host name is looked up when connecting, which blocks the
 *              loop for that long; an address does not.
 *
 * @return 0, EINVAL (bad URL: redis_url_check() says what), ENOMEM.
 *         A server that is not there is no error: see the state handler.
 */
int redis_alloc(struct redis **rp, struct loop *loop, const char *url,
		redis_state_h *h, void *arg);

/** Another connection of this process says that the server is gone, or not
 * there: this one says only what is more than that. */
void redis_quiet(struct redis *r);

/**
 * Check a URL.
 *
 * @param errp  On error, set to a static text that says what is allowed.
 *
 * @return 0 or EINVAL.
 */
int redis_url_check(const char *url, const char **errp);

/** True while commands can be sent. */
bool redis_is_up(const struct redis *r);

/** @return why it is not up, as of the last attempt (see redis_state_h); 0:
 *          it is up, or no attempt failed yet. */
int redis_error(const struct redis *r);

/**
 * Send a command, formatted as by hiredis ("%s", "%b", "%d", "%llu").
 *
 * @param deadline_ms  0: REDIS_DEADLINE_MS.
 * @param h            Reply handler, called exactly once if 0 is returned
 *                     (unless the connection object goes first), never from
 *                     within this call; NULL: the reply is dropped.
 *
 * @return 0, ENOTCONN, ENOMEM, EINVAL (format), ENOBUFS (backlog over 64 MB).
 */
int redis_command(struct redis *r, uint32_t deadline_ms, redis_reply_h *h,
		  void *arg, const char *fmt, ...);

/** The same. @param ap  Used up. */
int redis_vcommand(struct redis *r, uint32_t deadline_ms, redis_reply_h *h,
		   void *arg, const char *fmt, va_list ap);

/** The same from an argument vector; lenv may be NULL (strings). */
int redis_command_argv(struct redis *r, uint32_t deadline_ms,
		       redis_reply_h *h, void *arg, int argc,
		       const char **argv, const size_t *lenv);

/**
 * Give the argument of the newest command to the connection: should it go
 * (mem_deref) before the reply came, it derefs the argument instead of
 * calling the handler.  Otherwise the handler is called and owns it.
 */
void redis_arg_owned(struct redis *r);

/**
 * Subscribe; again by itself after each reconnection.
 *
 * @param h  Message handler of this channel; one channel, one handler.
 */
int redis_subscribe(struct redis *r, const char *channel, redis_message_h *h,
		    void *arg);

/** Undo redis_subscribe(). */
int redis_unsubscribe(struct redis *r, const char *channel);

/** Counters since start, for metrics. */
struct redis_stat {
	uint64_t commands;
	uint64_t errors;      /* error replies                    */
	uint64_t timeouts;
	uint64_t connects;
	uint64_t disconnects;
	uint32_t pending;     /* commands without a reply, now    */
};

void redis_stat(const struct redis *r, struct redis_stat *st);

#endif
