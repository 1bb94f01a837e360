/* SPDX-License-Identifier: MIT */
/*
 * A question to Redis, from when it is asked until its reply is told: what
 * the files of the store have in common.
 *
 *   return ask_command(r, replied, ask_alloc((ask_h *)h, arg), "GET %s", key);
 *
 *   static void replied(int err, const redisReply *reply, void *data)
 *   {
 *           struct ask *a = data;
 *
 *           ((store_count_h *)a->h)(err, ..., a->arg);
 *           mem_deref(a);
 *   }
 */

#ifndef SY_PROTO_STORE_ASK_H
#define SY_PROTO_STORE_ASK_H

#include "proto/script.h"

/** Any handler of the store; the reply's handler knows its type. */
typedef void(ask_h)(void);

struct ask {
	ask_h *h;  /* who is told; NULL: nobody */
	void *arg; /* borrowed                  */
};

/** NULL: no memory; the calls below return ENOMEM then. */
struct ask *ask_alloc(ask_h *h, void *arg);

/**
 * Ask by a command.
 *
 * @param replied  Gets the question as its argument, and frees it.
 * @param a        Taken, also on error.
 *
 * @return as redis_command().
 */
int ask_command(struct redis *r, redis_reply_h *replied, struct ask *a,
		const char *fmt, ...);

/** The same by a command in pieces: as redis_command_argv(). */
int ask_argv(struct redis *r, redis_reply_h *replied, struct ask *a, int argc,
	     const char **argv, const size_t *lenv);

/** The same by a script: as script_run(). */
int ask_script(struct redis *r, enum script script, redis_reply_h *replied,
	       struct ask *a, int keyc, int argc, const char **argv,
	       const size_t *lenv);

#endif
