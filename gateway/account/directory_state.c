/* SPDX-License-Identifier: MIT */
/* What a directory holds in memory, and how it is found in there. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>

#include "gateway/account/directory_impl.h"
#include "proto/log.h"

static const ProtobufCMessageDescriptor *const descv[DIRECTORY_SECTIONS] = {
	[DIRECTORY_USERS] = &sy__user_record__descriptor,
	[DIRECTORY_TOKENS] = &sy__api_token__descriptor,
	[DIRECTORY_WEBHOOKS] = &sy__webhook_record__descriptor,
};

static void destructor(void *arg)
{
	struct directory_state *s = arg;

	for (size_t k = 0; k < DIRECTORY_SECTIONS; k++) {
		for (size_t i = 0; i < s->countv[k]; i++) {
			mem_deref(s->entryv[k][i].id);
			protobuf_c_message_free_unpacked(s->entryv[k][i].msg,
							 NULL);
		}
		mem_deref(s->entryv[k]);
	}
	mem_deref(s->hashv);
}

/* "17 A\n", then the record. @return 0, EBADMSG. */
static int read_value(struct directory_entry *e, const redisReply *r,
		      const ProtobufCMessageDescriptor *desc)
{
	char *end;

	if (r->type != REDIS_REPLY_STRING)
		return EBADMSG;
	e->revision = strtoull(r->str, &end, 10);
	if (end == r->str || end[0] != ' ' || !end[1] || end[2] != '\n')
		return EBADMSG;
	e->mark = end[1];
	end += 3;
	e->msg = protobuf_c_message_unpack(
		desc, NULL, (size_t)r->len - (size_t)(end - r->str),
		(const uint8_t *)end);

	return e->msg ? 0 : EBADMSG;
}

static int cmp_entry(const void *a, const void *b)
{
	return strcmp(((const struct directory_entry *)a)->id,
		      ((const struct directory_entry *)b)->id);
}

/* One that cannot be read must not hide the others. */
static int read_section(struct directory_state *s, size_t k,
			const redisReply *r)
{
	struct directory_entry *v;
	int err;

	v = s->entryv[k] = mem_zalloc((r->elements / 2 + 1) * sizeof(*v),
				      NULL);
	if (!v)
		return ENOMEM;

	for (size_t i = 0; i + 1 < r->elements; i += 2) {
		struct directory_entry *e = &v[s->countv[k]];

		if (r->element[i]->type != REDIS_REPLY_STRING ||
		    read_value(e, r->element[i + 1], descv[k])) {
			log_error("an account in Redis cannot be read",
				  LOG_U("section", k));
			continue;
		}
		err = str_dup(&e->id, r->element[i]->str);
		if (err) {
			protobuf_c_message_free_unpacked(e->msg, NULL);
			return err;
		}
		s->countv[k]++;
	}
	if (s->countv[k])
		qsort(v, s->countv[k], sizeof(*v), cmp_entry);

	return 0;
}

/* ------------------------------------------------------------------ tokens */

static int cmp_hash(const void *a, const void *b)
{
	return memcmp(((const struct directory_hash *)a)->md,
		      ((const struct directory_hash *)b)->md, 32);
}

static int read_hashes(struct directory_state *s)
{
	const size_t n = s->countv[DIRECTORY_TOKENS];

	s->hashv = mem_zalloc((n + 1) * sizeof(*s->hashv), NULL);
	if (!s->hashv)
		return ENOMEM;

	for (size_t i = 0; i < n; i++) {
		const Sy__ApiToken *t = (const Sy__ApiToken *)
			s->entryv[DIRECTORY_TOKENS][i].msg;

		if (str_len(t->hash) != 64 ||
		    str_hex(s->hashv[s->hashc].md, 32, t->hash))
			continue;
		s->hashv[s->hashc++].token = t;
	}
	if (s->hashc)
		qsort(s->hashv, s->hashc, sizeof(*s->hashv), cmp_hash);

	return 0;
}

/* How long a search takes tells of a hash, and nothing of a token. */
struct directory_hash *directory_state_hash(const struct directory_state *s,
					    const uint8_t hash[32])
{
	struct directory_hash key;

	if (!s->hashc)
		return NULL;
	memcpy(key.md, hash, sizeof(key.md));

	return bsearch(&key, s->hashv, s->hashc, sizeof(key), cmp_hash);
}

int directory_state_read(struct directory_state **sp, const redisReply *r)
{
	struct directory_state *s;
	int err = 0;

	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;

	if (r->elements)
		s->revision = strtoull(r->element[0]->str, NULL, 10);
	for (size_t k = 0; r->elements && !err && k < DIRECTORY_SECTIONS; k++)
		err = read_section(s, k, r->element[k + 2]);
	if (!err)
		err = read_hashes(s);
	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}
