/* SPDX-License-Identifier: MIT */
/* History: see store_past.h. */

#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store_past.h"

enum { RANGE_SIZE = STORE_EVENT_ID_SIZE + 1 };

struct asking {
	store_past_h *pasth;
	store_record_h *recordh;
	void *arg;
	char hub[ULID_LEN + 1];
};

bool store_past_read(struct store_past *past, const redisReply *reply)
{
	const redisReply *id, *field;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2)
		return false;

	id = reply->element[0];
	field = reply->element[1];
	if (field->type != REDIS_REPLY_ARRAY || field->elements < 2)
		return false;

	str_ncpy(past->id, id->str, sizeof(past->id));
	past->p = (const uint8_t *)field->element[1]->str;
	past->len = (size_t)field->element[1]->len;

	return true;
}

static size_t count(int err, const redisReply *reply)
{
	return err || reply->type != REDIS_REPLY_ARRAY ? 0 : reply->elements;
}

/* ---------------------------------------------------------------- a list */

static void list_handler(int err, const redisReply *reply, void *arg)
{
	const size_t all = count(err, reply);
	struct store_past *v = mem_zalloc((all + 1) * sizeof(*v), NULL);
	struct asking *ask = arg;
	size_t n = 0;

	if (!v && !err)
		err = ENOMEM;
	for (size_t i = 0; v && i < all; i++)
		n += store_past_read(&v[n], reply->element[i]);

	ask->pasth(err, v, n, ask->arg);
	mem_deref(v);
	mem_deref(ask);
}

/* One end of the range, which the id does not belong to. */
static void print_end(char buf[RANGE_SIZE], const char *id, const char *none)
{
	(void)re_snprintf(buf, RANGE_SIZE, "%s%s", *id ? "(" : none, id);
}

int store_past_list(struct redis *r, const char *stream, const char *before,
		    const char *after, size_t limit, store_past_h *h,
		    void *arg)
{
	char begin[RANGE_SIZE], end[RANGE_SIZE];
	struct asking *ask;
	int err;

	if (!r || !stream || !before || !after || !limit || !h ||
	    (*before && !store_event_id_is_valid(before)) ||
	    (*after && !store_event_id_is_valid(after)))
		return EINVAL;

	ask = mem_zalloc(sizeof(*ask), NULL);
	if (!ask)
		return ENOMEM;

	ask->pasth = h;
	ask->arg = arg;
	print_end(end, before, "+");
	print_end(begin, after, "-");
	err = redis_command(r, 0, list_handler, ask,
			    "XREVRANGE %s %s %s COUNT %d", stream, end, begin,
			    (int)limit);
	if (err)
		mem_deref(ask);
	else
		redis_arg_owned(r);

	return err;
}

/* ----------------------------------------------------------------- audit */

struct writing {
	store_h *h;
	void *arg;
};

static void write_handler(int err, const redisReply *reply, void *arg)
{
	struct writing *wr = arg;
	(void)reply;

	wr->h(err, wr->arg);
	mem_deref(wr);
}

static int audit_append(struct redis *r, const uint8_t *p, size_t len,
			struct writing *wr)
{
	int err = redis_command(r, 0, write_handler, wr,
				"XADD " STORE_AUDIT " MAXLEN ~ %d * a %b",
				STORE_AUDIT_MAX, p, len);

	if (!err)
		redis_arg_owned(r);

	return err;
}

int store_audit_put(struct redis *r, const Sy__AuditEntry *entry, store_h *h,
		    void *arg)
{
	struct writing *wr;
	uint8_t *p;
	size_t len;
	int err;

	if (!r || !entry || !h)
		return EINVAL;

	p = mem_alloc(sy__audit_entry__get_packed_size(entry) + 1, NULL);
	wr = mem_zalloc(sizeof(*wr), NULL);
	if (!p || !wr) {
		err = ENOMEM;
		goto out;
	}
	wr->h = h;
	wr->arg = arg;
	len = sy__audit_entry__pack(entry, p);
	err = audit_append(r, p, len, wr);

out:
	mem_deref(p);
	if (err)
		mem_deref(wr);

	return err;
}

/* ------------------------------------------------------------ one record */

static void record_handler(int err, const redisReply *reply, void *arg)
{
	const size_t n = count(err, reply);
	struct asking *ask = arg;
	Sy__CallRecord *rec = NULL;

	/* Several calls may have ended within that millisecond. */
	for (size_t i = 0; i < n && !rec; i++) {
		struct store_past past;

		if (!store_past_read(&past, reply->element[i]))
			continue;
		rec = sy__call_record__unpack(NULL, past.len, past.p);
		if (rec && (!rec->call || strcmp(rec->call->id, ask->hub))) {
			sy__call_record__free_unpacked(rec, NULL);
			rec = NULL;
		}
	}

	ask->recordh(err ? err : rec ? 0 : ENOENT, rec, ask->arg);
	if (rec)
		sy__call_record__free_unpacked(rec, NULL);
	mem_deref(ask);
}

int store_cdr_get(struct redis *r, const char *hub, store_record_h *h,
		  void *arg)
{
	const char *argv[] = {STORE_CDR, "{sy:cdr}:seen", hub};
	struct asking *ask;
	size_t lenv[ARRAY_SIZE(argv)];
	int err;

	if (!r || !hub || !h)
		return EINVAL;

	ask = mem_zalloc(sizeof(*ask), NULL);
	if (!ask)
		return ENOMEM;

	ask->recordh = h;
	ask->arg = arg;
	str_ncpy(ask->hub, hub, sizeof(ask->hub));
	for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
		lenv[i] = strlen(argv[i]);
	err = script_run_owned(r, SCRIPT_CDR_GET, 0, record_handler, ask, 2,
			       ARRAY_SIZE(argv), argv, lenv);
	if (err)
		mem_deref(ask);

	return err;
}
