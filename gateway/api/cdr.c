/* SPDX-License-Identifier: MIT */
/* GET /api/cdr: calls that have ended, one record each. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/history.h"
#include "gateway/api/query.h"
#include "proto/store_past.h"

enum { WORD_SIZE = 128 };

struct filter {
	char user[WORD_SIZE], number[WORD_SIZE], trunk[WORD_SIZE];
	char result[WORD_SIZE];
};

static bool has_leg(const Sy__Call *call, const char *user, const char *trunk)
{
	for (size_t i = 0; i < call->n_legs; i++) {
		const Sy__Leg *leg = call->legs[i];

		if ((user && !strcmp(leg->user, user)) ||
		    (trunk && !strcmp(leg->trunk, trunk)))
			return true;
	}

	return false;
}

static bool is_wanted(const ProtobufCMessage *msg, const void *filter)
{
	const Sy__CallRecord *rec = (const Sy__CallRecord *)msg;
	const Sy__Call *call = rec->call;
	const struct filter *f = filter;

	if (!call)
		return false;
	if (*f->user && strcmp(call->caller, f->user) &&
	    !has_leg(call, f->user, NULL))
		return false;
	if (*f->number && strcmp(call->called, f->number) &&
	    strcmp(call->caller, f->number) && !has_leg(call, f->number, NULL))
		return false;
	if (*f->trunk && !has_leg(call, NULL, f->trunk))
		return false;

	return !*f->result ||
	       !strcmp(f->result, "answered") == !!call->answered_at;
}

static bool read_filter(struct api_req *a, struct filter *f)
{
	return query_text(a, "user", f->user, WORD_SIZE) &&
	       query_text(a, "number", f->number, WORD_SIZE) &&
	       query_text(a, "trunk", f->trunk, WORD_SIZE) &&
	       query_choice(a, "result", f->result, WORD_SIZE,
			    "answered|unanswered");
}

void api_cdr_list(struct api_req *a)
{
	static const struct history_def def = {
	    .stream = STORE_CDR,
	    .what = "call",
	    .desc = &sy__call_record__descriptor,
	    .wantedh = is_wanted,
	};
	struct filter f = {.user = ""}, *filter = NULL;

	if (!read_filter(a, &f))
		return;
	if (*f.user || *f.number || *f.trunk || *f.result) {
		filter = mem_alloc(sizeof(*filter), NULL);
		if (!filter) {
			api_reply_err(a, ENOMEM, "call");
			return;
		}
		*filter = f;
	}
	history_list(a, &def, filter);
}

static void on_record(int err, const Sy__CallRecord *rec, void *arg)
{
	struct api_req *a = arg;

	if (err)
		api_reply_err(a, err, "call in the history");
	else
		api_reply(a, 200, &rec->base);
	api_release(a);
}

void api_cdr_get(struct api_req *a)
{
	char id[ULID_LEN + 1];
	int err;

	if (!api_ulid(a, 0, id, "call"))
		return;

	api_hold(a);
	err = store_cdr_get(view_redis(a->api->view), id, on_record, a);
	if (err)
		on_record(err, NULL, a);
}
