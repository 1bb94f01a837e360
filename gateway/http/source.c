/* SPDX-License-Identifier: MIT */
/* Connections by where they come from: see source.h. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/http/source.h"

enum { BUCKETS = 4096, KEY_BYTES = 8 };

struct sources {
	struct hash *hash;       /* struct source, by key                 */
};

/* Reference counted: a reference is a connection. */
struct source {
	struct le le;
	uint8_t key[KEY_BYTES];
};

static void sources_destructor(void *arg)
{
	struct sources *s = arg;

	mem_deref(s->hash);
}

int sources_alloc(struct sources **sp)
{
	struct sources *s;
	int err;

	s = mem_zalloc(sizeof(*s), sources_destructor);
	if (!s)
		return ENOMEM;

	err = hash_alloc(&s->hash, BUCKETS);
	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}

/* An IPv4 address in IPv6 clothes is one. */
static void make_key(uint8_t key[KEY_BYTES], const struct sa *peer)
{
	const uint8_t *p = peer->u.in6.sin6_addr.s6_addr;

	memset(key, 0, KEY_BYTES);
	if (sa_af(peer) == AF_INET)
		memcpy(key + 4, &peer->u.in.sin_addr, 4);
	else if (IN6_IS_ADDR_V4MAPPED(&peer->u.in6.sin6_addr))
		memcpy(key + 4, p + 12, 4);
	else
		memcpy(key, p, KEY_BYTES);
}

static bool has_key(struct le *le, void *arg)
{
	const struct source *src = le->data;

	return !memcmp(src->key, arg, KEY_BYTES);
}

static void source_destructor(void *arg)
{
	struct source *src = arg;

	hash_unlink(&src->le);
}

int source_take(struct source **srcp, struct sources *s, const struct sa *peer,
		unsigned max)
{
	uint8_t key[KEY_BYTES];
	struct source *src;
	uint32_t n;

	make_key(key, peer);
	n = hash_joaat(key, KEY_BYTES);
	src = list_ledata(hash_lookup(s->hash, n, has_key, key));
	if (src) {
		if (mem_nrefs(src) >= max)
			return EBUSY;
		*srcp = mem_ref(src);
		return 0;
	}

	src = mem_zalloc(sizeof(*src), source_destructor);
	if (!src)
		return ENOMEM;
	memcpy(src->key, key, KEY_BYTES);
	hash_append(s->hash, n, &src->le, src);
	*srcp = src;

	return 0;
}
