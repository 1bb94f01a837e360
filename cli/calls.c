/* SPDX-License-Identifier: MIT */
/* calls, call, hangup, move. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/http.h"
#include "cli/out.h"

static enum out_colour colour_of(const char *state)
{
	return strstr(state, "ANSWERED")  ? OUT_GREEN
	       : strstr(state, "RINGING") ? OUT_YELLOW
					  : OUT_PLAIN;
}

/* "CALL_ANSWERED" for people: "answered" */
static const char *plain(char *buf, size_t size, const char *state)
{
	const char *p = strchr(state, '_');
	size_t i;

	p = p ? p + 1 : state;
	if (!strncmp(p, "STATE_", 6))
		p += 6;
	for (i = 0; p[i] && i + 1 < size; i++)
		buf[i] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]);
	buf[i] = '\0';

	return buf;
}

static const char *lasts(char *buf, const json_t *call)
{
	const double from = out_time(out_text(call, "answeredAt"));

	return from > 0 ? out_duration(buf, (double)time(NULL) - from) : "-";
}

/* -------------------------------------------------------------------- calls */

static void add_call(struct out_table *t, const json_t *call)
{
	const char *state = out_text(call, "state");
	char buf[16], word[24];

	out_cell(t, OUT_PLAIN, "%s", out_text(call, "id"));
	out_cell(t, colour_of(state), "%s%s", plain(word, sizeof(word), state),
		 out_true(call, "adopting") ? ", being taken over" : "");
	out_cell(t, OUT_PLAIN, "%s", out_text(call, "caller"));
	out_cell(t, OUT_PLAIN, "%s", out_text(call, "called"));
	out_cell(t, OUT_PLAIN, "%s", out_text(call, "destination"));
	out_cell(t, OUT_PLAIN, "%zu",
		 json_array_size(json_object_get(call, "legs")));
	out_cell(t, OUT_PLAIN, "%s", lasts(buf, call));
	out_cell(t, OUT_PLAIN, "%s", out_text(call, "node"));
}

int cli_calls(struct cli *c)
{
	struct out_table *t;
	const json_t *call;
	json_t *items;
	size_t i;
	int err = http_list(c, "/api/calls", &items);

	if (err)
		return err;
	if (c->json) {
		out_json(items);
	} else {
		t = out_table("CALL|STATE|FROM|CALLED|TO|>LEGS|>TIME|NODE");
		json_array_foreach(items, i, call)
			add_call(t, call);
		out_table_end(t, "no calls");
	}
	json_decref(items);

	return CLI_OK;
}

/* --------------------------------------------------------------------- call */

/* "muted held" */
static const char *marks(char *buf, size_t size, const json_t *leg)
{
	static const char *const v[] = {"muted", "deaf", "held", "talking"};
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (out_true(leg, v[i]))
			n += (size_t)snprintf(buf + n, size - n, "%s%s",
					      n ? " " : "", v[i]);
	}

	return buf;
}

static void add_leg(struct out_table *t, const json_t *leg)
{
	const char *state = out_text(leg, "state");
	const double mos = out_number(leg, "mos");
	char word[24], kind[24], buf[48];

	out_cell(t, OUT_PLAIN, "%s", out_text(leg, "id"));
	out_cell(t, OUT_PLAIN, "%s",
		 plain(kind, sizeof(kind), out_text(leg, "kind")));
	out_cell(t, OUT_PLAIN, "%s", out_text(leg, "user"));
	out_cell(t, colour_of(state), "%s", plain(word, sizeof(word), state));
	out_cell(t, OUT_PLAIN, "%s", out_text(leg, "codec"));
	if (mos > 0)
		out_cell(t, mos < 3.1 ? OUT_RED : mos < 3.6 ? OUT_YELLOW
						      : OUT_GREEN,
			 "%.1f", mos);
	else
		out_cell(t, OUT_PLAIN, "-");
	out_cell(t, OUT_PLAIN, "%.1f %%", out_number(leg, "lossPercent"));
	out_cell(t, OUT_PLAIN, "%.0f ms", out_number(leg, "jitterMs"));
	out_cell(t, OUT_PLAIN, "%.0f ms", out_number(leg, "roundTripMs"));
	out_cell(t, OUT_PLAIN, "%s", marks(buf, sizeof(buf), leg));
}

static void print_call(const json_t *call)
{
	const json_t *leg;
	struct out_table *t;
	char word[24], buf[16];
	size_t i;

	out_pair("call", "%s", out_text(call, "id"));
	out_pair("state", "%s",
		 plain(word, sizeof(word), out_text(call, "state")));
	out_pair("from", "%s", out_text(call, "caller"));
	out_pair("called", "%s", out_text(call, "called"));
	out_pair("to", "%s", out_text(call, "destination"));
	out_pair("started", "%s", out_clock(buf, out_text(call, "startedAt")));
	out_pair("answered", "%s",
		 out_clock(buf, out_text(call, "answeredAt")));
	out_pair("lasts", "%s", lasts(buf, call));
	out_pair("node", "%s, epoch %.0f", out_text(call, "node"),
		 out_number(call, "epoch"));
	(void)putchar('\n');
	t = out_table("LEG|KIND|USER|STATE|CODEC|>MOS|>LOSS|>JITTER|"
		      ">ROUND TRIP|");
	json_array_foreach(json_object_get(call, "legs"), i, leg)
		add_leg(t, leg);
	out_table_end(t, "no legs");
}

static char *call_path(const struct cli *c, const char *rest)
{
	char *head = http_path("/api/calls/%s", c->argv[0]), *path;

	if (asprintf(&path, "%s%s", head, rest) < 0)
		abort();
	free(head);

	return path;
}

int cli_call(struct cli *c)
{
	char *path = call_path(c, "");
	struct answer a;
	int err = http_ask(c, "GET", path, NULL, NULL, &a);

	free(path);
	if (err)
		return err;
	if (c->json)
		out_json(a.body);
	else
		print_call(a.body);
	http_free(&a);

	return CLI_OK;
}

/* ------------------------------------------------------------- hangup, move */

int cli_hangup(struct cli *c)
{
	char *leg = c->leg ? http_path("/legs/%s", c->leg) : NULL;
	char *path = call_path(c, leg ? leg : "");
	int err = http_ask(c, "DELETE", path, NULL, NULL, NULL);

	if (!err && !c->json)
		(void)printf("%s %s was hung up\n", c->leg ? "leg" : "call",
			     c->leg ? c->leg : c->argv[0]);
	free(path);
	free(leg);

	return err;
}

int cli_move(struct cli *c)
{
	char *path = call_path(c, "/move");
	json_t *body = json_object();
	struct answer a;
	int err;

	if (c->argc > 1)
		(void)json_object_set_new(body, "node",
					  json_string(c->argv[1]));
	err = http_ask(c, "POST", path, body, NULL, &a);
	if (!err && c->json)
		out_json(a.body);
	else if (!err)
		(void)printf("call %s is at %s\n", c->argv[0],
			     out_text(a.body, "node"));
	if (!err)
		http_free(&a);
	json_decref(body);
	free(path);

	return err;
}
