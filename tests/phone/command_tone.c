/* SPDX-License-Identifier: MIT */
/* Commands on the tones that are to be heard without a break. */

#include <stdlib.h>
#include <string.h>
#include "tests/phone/command.h"

enum {
	WORST_MAX = 10, /* told one by one, unless all are asked for */
};

static const struct field f_watch_tone[] = {
    {"phone", FIELD_STR, true, NULL, 0, 0, "an id, or \"p*\""},
    {"call", FIELD_STR, false, NULL, 0, 0, "all that are up"},
    {"hz", FIELD_INT, true, NULL, 200, 20000, NULL},
    {"threshold_db", FIELD_NUM, false, NULL, -100, 0, "-30"},
    {NULL, 0, false, NULL, 0, 0, NULL},
};

static const struct field f_tone_gaps[] = {
    {"phone", FIELD_STR, true, NULL, 0, 0, "an id, or \"p*\""},
    {"each", FIELD_BOOL, false, NULL, 0, 0,
     "false: only the ten worst, one by one"},
    {NULL, 0, false, NULL, 0, 0, NULL},
};

/* One phone; what it hears is not decoded before it is up. */
static int cmd_watch_tone(struct command_ctx *ctx)
{
	const char *id = command_str(ctx->cmd, "call");
	json_t *calls = json_object_get(ctx->reply, "calls");
	json_int_t n = json_integer_value(calls);
	struct le *le;
	int err = 0;

	LIST_FOREACH(&ctx->phone->calll, le)
	{
		struct call *call = le->data;

		if (id ? str_cmp(call_id(call), id)
		       : call_state(call) != CALL_UP)
			continue;

		err = stream_watch_tone(
		    call_stream(call), command_int(ctx->cmd, "hz", 0),
		    command_num(ctx->cmd, "threshold_db", GAP_THRESHOLD_DB));
		if (err)
			return err;
		++n;
	}

	if (id && !n) {
		snprintf(ctx->error, sizeof(ctx->error),
			 "phone '%s' has no call %s", ctx->phone->id, id);
		return ENOENT;
	}

	json_object_set_new(ctx->reply, "calls", json_integer(n));
	return 0;
}

/* ----------------------------------------------------------------- report */

struct watched {
	const struct call *call;
	struct gap_result res;
};

struct report {
	struct watched *v;
	size_t n;
	unsigned heard, silent, reinvites;
	struct series first, longest, total;
};

static void report_add(struct report *r, const struct call *call,
		       const struct gap_result *res)
{
	r->v[r->n++] = (struct watched){call, *res};
	r->heard += res->heard;
	r->silent += res->silent_ms > 0.0;
	r->reinvites += call_reinvites(call);
	if (res->heard)
		series_add(&r->first, res->first_ms);
	series_add(&r->longest, res->longest_ms);
	series_add(&r->total, res->total_ms);
}

static int collect(struct report *r, const struct farm *farm,
		   const char *pattern)
{
	struct le *ple, *le;
	size_t calls = 0;

	LIST_FOREACH(&farm->phonel, ple)
	calls += list_count(&((struct phone *)ple->data)->calll);

	r->v = mem_zalloc((calls + 1) * sizeof(*r->v), NULL);
	if (!r->v)
		return ENOMEM;

	LIST_FOREACH(&farm->phonel, ple)
	{
		const struct phone *p = ple->data;

		if (!command_match(pattern, p->id))
			continue;
		LIST_FOREACH(&p->calll, le)
		{
			struct gap_result res;

			if (stream_tone_gaps(call_stream(le->data), &res))
				report_add(r, le->data, &res);
		}
	}

	return 0;
}

static int longer_first(const void *a, const void *b)
{
	const double x = ((const struct watched *)a)->res.longest_ms;
	const double y = ((const struct watched *)b)->res.longest_ms;

	return (x < y) - (x > y);
}

static json_t *worst_json(struct report *r, bool each)
{
	const size_t n = each ? r->n : MIN(r->n, WORST_MAX);
	json_t *list = json_array();

	qsort(r->v, r->n, sizeof(r->v[0]), longer_first);
	for (size_t i = 0; i < n; i++) {
		json_t *one = call_tone_json(&r->v[i].res);

		json_object_set_new(one, "phone",
				    json_string(call_phone(r->v[i].call)->id));
		json_object_set_new(one, "call",
				    json_string(call_id(r->v[i].call)));
		json_array_append_new(list, one);
	}

	return list;
}

static int cmd_tone_gaps(struct command_ctx *ctx)
{
	const char *pattern = command_str(ctx->cmd, "phone");
	struct report r = {0};
	const int err = collect(&r, ctx->farm, pattern);

	if (err)
		return err;

	events_put(
	    ctx->farm->events,
	    json_pack("{s:s s:s s:I s:i s:i s:i s:o s:o s:o s:o}", "event",
		      "tone_gaps", "phone", pattern, "watched", (json_int_t)r.n,
		      "heard", r.heard, "silent", r.silent, "reinvites",
		      r.reinvites, "first_ms", series_json(&r.first),
		      "longest_ms", series_json(&r.longest), "total_ms",
		      series_json(&r.total), "worst",
		      worst_json(&r, command_bool(ctx->cmd, "each", false))));
	series_reset(&r.first);
	series_reset(&r.longest);
	series_reset(&r.total);
	mem_deref(r.v);
	return 0;
}

const struct command commands_tone[] = {
    {"watch_tone", COMMAND_PHONE | COMMAND_MANY, f_watch_tone, cmd_watch_tone,
     "from now on, for how long a tone is not heard"},
    {"tone_gaps", COMMAND_PHONE | COMMAND_MANY | COMMAND_ONCE, f_tone_gaps,
     cmd_tone_gaps, "what those watches found until now"},
    {NULL, 0, NULL, NULL, NULL},
};
