/* SPDX-License-Identifier: MIT */
/* events: what happened lately, or happens. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/http.h"
#include "cli/out.h"

static void field(const char *name, const char *value)
{
	if (!*value)
		return;
	(void)printf("  %s=", name);
	out_safe(value, false);
}

static void print_event(const json_t *e)
{
	const json_t *call = json_object_get(e, "call");
	const json_t *leg = json_object_get(e, "leg");
	const json_t *reg = json_object_get(e, "registration");
	const json_t *ban = json_object_get(e, "ban");
	char clock[16];

	(void)printf("%s%s%s  %s%-18s%s", out_on(OUT_DIM),
		     out_clock(clock, out_text(e, "at")), out_off(OUT_DIM),
		     out_on(OUT_CYAN), out_text(e, "type"), out_off(OUT_CYAN));
	field("member", out_text(e, "member"));
	field("call", out_text(e, "callId"));
	field("from", out_text(call, "caller"));
	field("to", out_text(call, "destination"));
	field("user", out_text(leg, "user"));
	field("device", out_text(reg, "device"));
	field("trunk", out_text(e, "trunk"));
	field("digit", out_text(e, "digit"));
	field("ban", out_text(ban, "id"));
	field("account", out_text(e, "account"));
	field("number", out_text(e, "number"));
	field("reason", out_text(e, "reason"));
	(void)putchar('\n');
	(void)fflush(stdout);
}

static void show(const struct cli *c, const json_t *e)
{
	if (!c->json) {
		print_event(e);
		return;
	}
	(void)json_dumpf(e, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
	(void)putchar('\n');
	(void)fflush(stdout);
}

/* Server-sent events: "data: {...}", one line each. */
static bool on_line(const char *line, void *arg)
{
	json_t *e;

	if (strncmp(line, "data:", 5))
		return true;
	e = json_loads(line + 5, 0, NULL);
	if (e)
		show(arg, e);
	json_decref(e);

	return true;
}

static char *path_of(const struct cli *c, const char *base)
{
	char *call = c->call ? http_path("&call=%s", c->call) : NULL;
	char *type = c->type ? http_path("&type=%s", c->type) : NULL;
	char *path;

	if (asprintf(&path, "%s%s%s", base, call ? call : "",
		     type ? type : "") < 0)
		abort();
	free(call);
	free(type);

	return path;
}

/* Newest first is what the list has; people read down. */
static int last(struct cli *c)
{
	char *path = path_of(c, "/api/events?format=json&limit=50");
	struct answer a;
	const json_t *items;
	int err = http_ask(c, "GET", path, NULL, NULL, &a);

	free(path);
	if (err)
		return err;
	items = json_object_get(a.body, "items");
	for (size_t i = json_array_size(items); i > 0; i--)
		show(c, json_array_get(items, i - 1));
	if (!json_array_size(items) && !c->json)
		(void)printf("no events are kept\n");
	http_free(&a);

	return CLI_OK;
}

int cli_events(struct cli *c)
{
	char *path;
	int err;

	if (!c->follow)
		return last(c);
	path = path_of(c, "/api/events?format=sse");
	err = http_stream(c, path, on_line, c);
	free(path);

	return err;
}
