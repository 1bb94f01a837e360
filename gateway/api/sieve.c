/* SPDX-License-Identifier: MIT */
/* Filtered lists: see sieve.h. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/sieve.h"
#include "proto/schema_copy.h"

struct sieve {
	struct api_req *a;
	const struct sieve_def *def;
	void *filter;
	size_t limit, n, looked;
	char cursor[SIEVE_CURSOR_SIZE];
	ProtobufCMessage *msgv[API_LIMIT_MAX];
};

static void destructor(void *arg)
{
	struct sieve *s = arg;

	for (size_t i = 0; i < s->n; i++)
		protobuf_c_message_free_unpacked(s->msgv[i], NULL);
	mem_deref(s->filter);
}

static void end(struct sieve *s, int err, const char *next)
{
	api_listed(s->a, err, s->def->what, s->msgv, s->n, next);
	mem_deref(s);
}

static void ask(struct sieve *s)
{
	int err = s->a->api->view
		      ? s->def->askh(view_redis(s->a->api->view),
				     *s->cursor ? s->cursor : NULL,
				     SIEVE_PAGE, s)
		      : ENOTCONN;

	if (err)
		end(s, err, NULL);
}

void sieve_page(struct sieve *s, int err, const void *msgv, size_t n,
		const char *next)
{
	ProtobufCMessage *const *v = msgv;
	size_t i;

	for (i = 0; !err && i < n && s->n < s->limit; i++) {
		str_ncpy(s->cursor, s->def->cursorh(v[i]), sizeof(s->cursor));
		if (!s->def->wantedh(v[i], s->filter, s->a->api))
			continue;
		s->msgv[s->n] = schema_copy(v[i]);
		if (s->msgv[s->n])
			s->n++;
		else
			err = ENOMEM;
	}
	s->looked += n;

	if (err) {
		end(s, err, NULL);
		return;
	}
	if (i == n) {
		if (!next) {
			end(s, 0, NULL);
			return;
		}
		str_ncpy(s->cursor, next, sizeof(s->cursor));
	}
	if (s->n == s->limit || s->looked >= SIEVE_LOOK)
		end(s, 0, s->cursor);
	else
		ask(s);
}

void sieve_list(struct api_req *a, const struct sieve_def *def, size_t limit,
		const char *cursor, const void *filter, size_t size)
{
	struct sieve *s = mem_zalloc(sizeof(*s), destructor);

	if (s)
		s->filter = mem_alloc(size, NULL);
	if (!s || !s->filter) {
		mem_deref(s);
		api_reply_err(a, ENOMEM, def->what);
		return;
	}

	memcpy(s->filter, filter, size);
	s->a = a;
	s->def = def;
	s->limit = limit;
	str_ncpy(s->cursor, cursor, sizeof(s->cursor));
	api_hold(a);
	ask(s);
}
