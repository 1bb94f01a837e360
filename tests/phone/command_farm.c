/* SPDX-License-Identifier: MIT */
/* Commands on phones and on all of them: register, route, count, load. */

#include <string.h>
#include "tests/phone/bulk.h"
#include "tests/phone/command.h"
#include "tests/phone/load.h"

#define F_PHONE {"phone", FIELD_STR, true, NULL, 0, 0, "an id, or \"p*\""}
#define F_END {NULL, 0, false, NULL, 0, 0, NULL}

static const struct field f_register[] = {
	F_PHONE,
	{"expires", FIELD_INT, false, NULL, 1, 86400, "300 s"},
	{"rate", FIELD_NUM, false, NULL, 0.1, 100000, "200 phones a second"},
	F_END,
};

static const struct field f_phone_only[] = {F_PHONE, F_END};

static const struct field f_route[] = {
	F_PHONE,
	{"to", FIELD_STR, true, NULL, 0, 0, "host:port; empty: no override"},
	{"methods", FIELD_WORDS, false, "REGISTER|INVITE|ACK|BYE|CANCEL", 0, 0,
	 "all"},
	{"transport", FIELD_ENUM, false, "udp|tcp", 0, 0, "the phone's"},
	F_END,
};

static const struct field f_stats[] = {
	{"reset", FIELD_BOOL, false, NULL, 0, 0, "false"}, F_END,
};

static const struct field f_load[] = {
	{"from", FIELD_STR, true, NULL, 0, 0, "\"p%d\""},
	{"to", FIELD_STR, true, NULL, 0, 0, "\"q%d\", or a number"},
	{"count", FIELD_INT, true, NULL, 1, 10000000, "calls"},
	{"first", FIELD_INT, false, NULL, 0, 1000000, "1"},
	{"phones", FIELD_INT, false, NULL, 1, 20000,
	 "as many as there are: used in turn"},
	{"rate", FIELD_NUM, false, NULL, 0.1, 10000, "10 a second"},
	{"hold_ms", FIELD_INT, false, NULL, 0, 86400000, "2000"},
	{"media", FIELD_BOOL, false, NULL, 0, 0, "true"},
	{"gaps", FIELD_BOOL, false, NULL, 0, 0, "false"},
	{"parallel", FIELD_INT, false, NULL, 1, 20000, "count"},
	{"progress_ms", FIELD_INT, false, NULL, 0, 3600000, "1000; 0: none"},
	F_END,
};

static const struct field f_wait[] = {
	{"event", FIELD_STR, true, NULL, 0, 0, "its name"},
	{"within_ms", FIELD_INT, false, NULL, 1, 3600000, "10000"},
	F_END,
};

static const struct field f_none[] = {F_END};

/* --------------------------------------------------------------- register */

static int cmd_register(struct command_ctx *ctx)
{
	const uint32_t expires = command_int(ctx->cmd, "expires", 300);
	unsigned count;
	int err;

	if (ctx->phone)
		return phone_register(ctx->phone, expires, NULL, NULL);

	err = bulk_register(ctx->farm, command_str(ctx->cmd, "phone"),
			    expires, command_num(ctx->cmd, "rate", 200.0),
			    &count);
	json_object_set_new(ctx->reply, "count", json_integer(count));
	return err;
}

static int cmd_unregister(struct command_ctx *ctx)
{
	return phone_register(ctx->phone, 0, NULL, NULL);
}

static int cmd_route(struct command_ctx *ctx)
{
	const json_t *methods = json_object_get(ctx->cmd, "methods");
	struct phone *p = ctx->phone;
	char *to;
	int err;

	err = command_hostport(ctx, "to", &to);
	if (err)
		return err;

	for (int m = 0; m < METHOD_COUNT && !err; m++) {
		bool named = !methods;

		for (size_t i = 0; i < json_array_size(methods); i++)
			named |= !strcmp(json_string_value(json_array_get(
						 methods, i)),
					 method_name(m));
		if (!named)
			continue;

		p->route[m] = mem_deref(p->route[m]);
		if (to)
			err = phone_hop_uri(&p->route[m], to,
					    command_transport(ctx->cmd, p->tp));
	}

	mem_deref(to);
	return err;
}

/* ------------------------------------------------------------------ count */

static json_t *stats_json(struct farm *farm)
{
	struct tally *t = &farm->tally;
	struct media_lateness late;
	struct stream_stats st;
	unsigned phones = 0, registered = 0, now = 0;
	struct le *le, *cle;

	LIST_FOREACH(&farm->phonel, le) {
		const struct phone *p = le->data;

		++phones;
		registered += phone_registered(p);
		LIST_FOREACH(&p->calll, cle)
			now += call_state(cle->data) == CALL_UP;
	}
	media_totals(farm->media, &st);
	media_lateness(farm->media, &late);

	return json_pack("{s:s s:i s:i s:{s:I s:I s:I s:I s:i} s:o s:o s:o"
			 " s:{s:I s:I s:I s:I s:I} s:{s:I s:I s:f} s:I s:I}",
			 "event", "stats", "phones", phones, "registered",
			 registered, "calls", "made", (json_int_t)t->made,
			 "incoming", (json_int_t)t->incoming, "answered",
			 (json_int_t)t->answered, "ended",
			 (json_int_t)t->ended, "now", now, "failed",
			 tally_failed_json(t->failed), "setup_ms",
			 series_json(&t->setup), "ring_ms",
			 series_json(&t->ring), "rtp", "tx",
			 (json_int_t)st.tx, "rx", (json_int_t)st.rx, "lost",
			 (json_int_t)st.lost, "late", (json_int_t)st.late,
			 "stray", (json_int_t)st.stray, "clock", "steps",
			 (json_int_t)late.steps, "late",
			 (json_int_t)late.late, "late_ms_max", late.max_ms,
			 "byes", (json_int_t)t->byes, "reinvites",
			 (json_int_t)t->reinvites);
}

static int cmd_stats(struct command_ctx *ctx)
{
	events_put(ctx->farm->events, stats_json(ctx->farm));
	if (command_bool(ctx->cmd, "reset", false))
		tally_reset(&ctx->farm->tally);

	return 0;
}

static int cmd_load(struct command_ctx *ctx)
{
	const struct load_param prm = {
		.from = command_str(ctx->cmd, "from"),
		.to = command_str(ctx->cmd, "to"),
		.count = command_int(ctx->cmd, "count", 1),
		.first = command_int(ctx->cmd, "first", 1),
		.phones = command_int(ctx->cmd, "phones", 0),
		.rate = command_num(ctx->cmd, "rate", 10.0),
		.hold_ms = command_int(ctx->cmd, "hold_ms", 2000),
		.media = command_bool(ctx->cmd, "media", true),
		.gaps = command_bool(ctx->cmd, "gaps", false),
		.parallel = command_int(ctx->cmd, "parallel", 0),
		.progress_ms = command_int(ctx->cmd, "progress_ms", 1000),
	};
	const int err = load_start(ctx->farm, &prm);

	if (err == ENOENT)
		snprintf(ctx->error, sizeof(ctx->error),
			 "field 'from': there is no phone '%s' with number %u",
			 prm.from, prm.first);
	return err;
}

/* The input reads no further while this is set. */
static int cmd_wait(struct command_ctx *ctx)
{
	json_decref(ctx->farm->wait);
	ctx->farm->wait = json_incref((json_t *)ctx->cmd);
	return 0;
}

static int cmd_quit(struct command_ctx *ctx)
{
	ctx->farm->quit = true;
	return 0;
}

const struct command commands_farm[] = {
	{"register", COMMAND_PHONE | COMMAND_MANY | COMMAND_ONCE, f_register,
	 cmd_register, "register, and again at half the time"},
	{"unregister", COMMAND_PHONE | COMMAND_MANY, f_phone_only,
	 cmd_unregister, "end the registration"},
	{"route", COMMAND_PHONE | COMMAND_MANY, f_route, cmd_route,
	 "next hop of later requests of these methods, in dialogs too"},
	{"stats", 0, f_stats, cmd_stats, "totals of all phones"},
	{"load", 0, f_load, cmd_load, "many calls at a rate, and a summary"},
	{"wait", COMMAND_ANY, f_wait, cmd_wait,
	 "read on after an event with these members came: event waited"},
	{"quit", 0, f_none, cmd_quit, "hang up, unregister, exit"},
	{NULL, 0, NULL, NULL, NULL},
};
