/* SPDX-License-Identifier: MIT */
/* The address of a Redis server, as a URL says it.  No I/O. */

#ifndef SY_PROTO_REDIS_URL_H
#define SY_PROTO_REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REDIS_SENTINELS_MAX = 16 };

/** Parts of a URL; strings are owned by the object. */
struct redis_url {
	bool tls;
	bool insecure;     /* TLS without verification of the server */
	char *host;        /* NULL: unix socket                      */
	char *path;        /* of the unix socket                     */
	char *user, *password;
	char *cafile;
	uint16_t port;
	uint32_t db;
	char *master;      /* name of it at the sentinels; NULL: no such */
	struct redis_url *sentinelv[REDIS_SENTINELS_MAX];
	size_t sentinelc;  /* 0: host or path is the server itself       */
};

/**
 * Read a URL; the forms are in redis.h.
 *
 * @param up    Set on success; owned by the caller (mem_deref).
 * @param errp  On EINVAL, set to a static text that says what is allowed;
 *              may be NULL.
 *
 * @return 0, EINVAL, ENOMEM.
 */
int redis_url_read(struct redis_url **up, const char *url, const char **errp);

/**
 * The same server parameters at another address.
 *
 * @param up    Set on success; owned by the caller.
 * @param host  Copied.
 *
 * @return 0, EINVAL, ENOMEM.
 */
int redis_url_at(struct redis_url **up, const struct redis_url *url,
		 const char *host, uint16_t port);

#endif
