/* SPDX-License-Identifier: MIT */
/* OpenSSL 3 calls its RAND_METHOD deprecated; it is the way that needs no
 * provider of our own. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <openssl/rand.h>
#include "proto/random.h"

enum { POOL_BYTES = 256 }; /* getrandom() is never interrupted up to here */

static _Thread_local struct {
	uint8_t buf[POOL_BYTES];
	size_t left;       /* unused bytes, at the end of buf */
	unsigned life;     /* of the process that filled it   */
} pool;

static atomic_uint life = 1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A child must not give out what its parent does. */
static void forked(void)
{
	atomic_fetch_add_explicit(&life, 1, memory_order_relaxed);
}

static void init(void)
{
	(void)pthread_atfork(NULL, NULL, forked);
}

static void from_kernel(uint8_t *p, size_t len)
{
	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
		else if (n < 0 && errno != EINTR) {
			abort(); /* a kernel without random numbers */
		}
	}
}

void random_bytes(void *p, size_t len)
{
	const unsigned now = atomic_load_explicit(&life, memory_order_relaxed);
	uint8_t *at;

	if (len > POOL_BYTES / 4) {
		from_kernel(p, len);
		return;
	}

	if (pool.left < len || pool.life != now) {
		(void)pthread_once(&once, init);
		from_kernel(pool.buf, sizeof(pool.buf));
		pool.left = sizeof(pool.buf);
		pool.life = now;
	}

	at = pool.buf + sizeof(pool.buf) - pool.left;
	pool.left -= len;
	memcpy(p, at, len);
	explicit_bzero(at, len);
}

/* -------------------------------------------------------------- OpenSSL */

static int serve(unsigned char *p, int len)
{
	if (len < 0)
		return 0;

	random_bytes(p, (size_t)len);

	return 1;
}

static int status(void)
{
	return 1;
}

void random_serve_openssl(void)
{
	static const RAND_METHOD method = {
		.bytes = serve,
		.pseudorand = serve,
		.status = status,
	};

	(void)RAND_set_rand_method(&method);
}
