/* SPDX-License-Identifier: MIT */
/*
 * Asks Redis Sentinel which server is master, over and over, on a connection
 * of its own: a failover is heard of also while the old master still talks to
 * us.  Sentinels that do not answer are left for the next of the list.
 */

#ifndef SY_PROTO_REDIS_SENTINEL_H
#define SY_PROTO_REDIS_SENTINEL_H

#include <stdint.h>

struct loop;
struct redis_url;
struct redis_sentinel;

/** Each answer; mostly the same as before. Never from within a call to us. */
typedef void(redis_master_h)(const char *host, uint16_t port, void *arg);

/**
 * Begin to ask.
 *
 * @param sp   Set on success; owned by the caller; mem_deref() ends it, also
 *             from within the handler.
 * @param url  With sentinels; borrowed, outlives it.
 *
 * @return 0, EINVAL, ENOMEM.
 */
int redis_sentinel_alloc(struct redis_sentinel **sp, struct loop *loop,
			 const struct redis_url *url, redis_master_h *h,
			 void *arg);

/**
 * The master that was told of last is of no use: ask again now, and often
 * until redis_sentinel_calm().
 */
void redis_sentinel_hurry(struct redis_sentinel *s);

/** The master is found: ask once a second. */
void redis_sentinel_calm(struct redis_sentinel *s);

/** Why no answer came; 0: one did, or none was asked yet.  ENXIO: the
 * sentinels know no such master, EACCES: not us. */
int redis_sentinel_error(const struct redis_sentinel *s);

#endif
