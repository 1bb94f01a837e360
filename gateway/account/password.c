/* SPDX-License-Identifier: MIT */
/* Passwords: see password.h. */

#include <argon2.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>
#include <re.h>

#include "gateway/account/password.h"
#include "proto/random.h"

/* OWASP's first choice for argon2id. */
enum {
	MEMORY_KIB = 19 * 1024,
	PASSES = 2,
	LANES = 1,
	SALT_BYTES = 16,
	HASH_BYTES = 32,
};

struct job {
	struct le le;             /* waits                                */
	uv_work_t work;
	struct password_pool *pool; /* NULL: it is gone                   */
	password_h *h;
	void *arg;
	bool make;
	char password[PASSWORD_MAX + 1];
	char encoded[PASSWORD_ENCODED_SIZE];
	uint8_t salt[SALT_BYTES];
	int err;
};

struct password_pool {
	uv_loop_t *uv;            /* borrowed                             */
	struct list waitl;
	struct job *runv[PASSWORD_AT_A_TIME];
};

static void pool_destructor(void *arg)
{
	struct password_pool *p = arg;

	for (size_t i = 0; i < ARRAY_SIZE(p->runv); i++) {
		if (p->runv[i])
			p->runv[i]->pool = NULL;
	}
	list_flush(&p->waitl);
}

int password_pool_alloc(struct password_pool **pp, struct uv_loop_s *uv)
{
	struct password_pool *p;

	if (!pp || !uv)
		return EINVAL;
	p = mem_zalloc(sizeof(*p), pool_destructor);
	if (!p)
		return ENOMEM;
	p->uv = uv;
	*pp = p;

	return 0;
}

/* --------------------------------------------------------------- in a thread */

static int make(struct job *j)
{
	return argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, j->password,
				     strlen(j->password), j->salt,
				     sizeof(j->salt), HASH_BYTES, j->encoded,
				     sizeof(j->encoded));
}

/* The same work where there is nothing to compare with. */
static int pretend(struct job *j)
{
	uint8_t hash[HASH_BYTES];
	const int rc = argon2id_hash_raw(PASSES, MEMORY_KIB, LANES,
					 j->password, strlen(j->password),
					 j->salt, sizeof(j->salt), hash,
					 sizeof(hash));

	return rc == ARGON2_OK ? ARGON2_VERIFY_MISMATCH : rc;
}

static void on_work(uv_work_t *work)
{
	struct job *j = work->data;
	int rc;

	if (j->make)
		rc = make(j);
	else if (*j->encoded)
		rc = argon2id_verify(j->encoded, j->password,
				     strlen(j->password));
	else
		rc = pretend(j);

	j->err = rc == ARGON2_OK ? 0 :
		 rc == ARGON2_MEMORY_ALLOCATION_ERROR ? ENOMEM : EACCES;
}

/* --------------------------------------------------------------- on the loop */

static void next(struct password_pool *p);

static void job_destructor(void *arg)
{
	struct job *j = arg;

	list_unlink(&j->le);
	explicit_bzero(j->password, sizeof(j->password));
}

static void on_done(uv_work_t *work, int status)
{
	struct job *j = work->data;
	struct password_pool *p = j->pool;
	(void)status;

	if (p) {
		for (size_t i = 0; i < ARRAY_SIZE(p->runv); i++) {
			if (p->runv[i] == j)
				p->runv[i] = NULL;
		}
		mem_ref(p); /* the handler may let go of us */
		j->h(j->err, j->encoded, j->arg);
		next(p);
		mem_deref(p);
	}
	mem_deref(j);
}

static void next(struct password_pool *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->runv); i++) {
		struct job *j = list_ledata(list_head(&p->waitl));

		if (p->runv[i] || !j)
			continue;
		list_unlink(&j->le);
		p->runv[i] = j;
		(void)uv_queue_work(p->uv, &j->work, on_work, on_done);
	}
}

static int put(struct password_pool *p, bool makes, const char *encoded,
	       const char *password, password_h *h, void *arg)
{
	struct job *j;

	if (!p || !password || !h || strlen(password) > PASSWORD_MAX ||
	    strlen(encoded) >= PASSWORD_ENCODED_SIZE)
		return EINVAL;
	if (list_count(&p->waitl) >= PASSWORD_WAITING)
		return EBUSY;

	j = mem_zalloc(sizeof(*j), job_destructor);
	if (!j)
		return ENOMEM;
	j->pool = p;
	j->work.data = j;
	j->h = h;
	j->arg = arg;
	j->make = makes;
	random_bytes(j->salt, sizeof(j->salt));
	(void)snprintf(j->password, sizeof(j->password), "%s", password);
	(void)snprintf(j->encoded, sizeof(j->encoded), "%s", encoded);
	list_append(&p->waitl, &j->le, j);
	next(p);

	return 0;
}

int password_make(struct password_pool *p, const char *password,
		  password_h *h, void *arg)
{
	return put(p, true, "", password, h, arg);
}

int password_check(struct password_pool *p, const char *encoded,
		   const char *password, password_h *h, void *arg)
{
	return put(p, false, encoded ? encoded : "", password, h, arg);
}
