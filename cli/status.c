/* SPDX-License-Identifier: MIT */
/* status, nodes, drain: the cluster and its nodes. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/http.h"
#include "cli/out.h"

enum { LOOK_MS = 500 };

static enum out_colour colour_of(const char *state)
{
	return !strcmp(state, "LIVE")	       ? OUT_GREEN
	       : !strcmp(state, "DRAINING")    ? OUT_YELLOW
	       : !strcmp(state, "OVERLOADED") ? OUT_RED
						: OUT_PLAIN;
}

static const char *since(char *buf, const json_t *m)
{
	const double t = out_time(out_text(m, "startedAt"));

	return t > 0 ? out_duration(buf, (double)time(NULL) - t) : "-";
}

/* ------------------------------------------------------------------- status */

static void add_members(struct out_table *t, const char *kind,
			const json_t *list)
{
	const json_t *m;
	char buf[16];
	size_t i;

	json_array_foreach(list, i, m) {
		const char *state = out_text(m, "state");

		out_cell(t, OUT_PLAIN, "%s", out_text(m, "id"));
		out_cell(t, OUT_PLAIN, "%s", kind);
		out_cell(t, colour_of(state), "%s", state);
		out_cell(t, OUT_PLAIN, "%s", since(buf, m));
		out_cell(t, OUT_PLAIN, "%s", out_text(m, "version"));
		out_cell(t, OUT_PLAIN, "%s", out_text(m, "address"));
	}
}

static void print_status(const json_t *s)
{
	struct out_table *t;
	char buf[16];

	if (out_true(s, "redis"))
		out_pair("redis", "reachable");
	else
		(void)printf("%s%-12s %snot reachable; the rest is as of %s%s\n",
			     out_on(OUT_BOLD), "redis", out_on(OUT_RED),
			     out_clock(buf, out_text(s, "asOf")),
			     out_off(OUT_RED));
	out_pair("calls", "%.0f, with %.0f legs", out_number(s, "calls"),
		 out_number(s, "legs"));
	out_pair("registered", "%.0f devices", out_number(s, "registrations"));
	out_pair("config", "revision %.0f", out_number(s, "configRevision"));
	(void)putchar('\n');

	t = out_table("MEMBER|KIND|STATE|>UP|VERSION|ADDRESS");
	add_members(t, "router", json_object_get(s, "routers"));
	add_members(t, "node", json_object_get(s, "nodes"));
	add_members(t, "gateway", json_object_get(s, "gateways"));
	out_table_end(t, "no members");
}

int cli_status(struct cli *c)
{
	struct answer a;
	int err = http_ask(c, "GET", "/api/status", NULL, NULL, &a);

	if (err)
		return err;
	if (c->json)
		out_json(a.body);
	else
		print_status(a.body);
	http_free(&a);

	return CLI_OK;
}

/* -------------------------------------------------------------------- nodes */

static void add_node(struct out_table *t, const json_t *n)
{
	const char *state = out_text(n, "state");
	const double used = out_number(n, "tickUsedPercent");
	char buf[16];

	out_cell(t, OUT_PLAIN, "%s", out_text(n, "id"));
	out_cell(t, colour_of(state), "%s", state);
	out_cell(t, OUT_PLAIN, "%.0f", out_number(n, "hubs"));
	out_cell(t, OUT_PLAIN, "%.0f", out_number(n, "legs"));
	out_cell(t, used > 80 ? OUT_RED : used > 60 ? OUT_YELLOW : OUT_PLAIN,
		 "%.1f %%", used);
	out_cell(t, OUT_PLAIN, "%.0f", out_number(n, "lateTicks"));
	out_cell(t, OUT_PLAIN, "%.0f", out_number(n, "moved"));
	out_cell(t, OUT_PLAIN, "%.0f", out_number(n, "adopted"));
	out_cell(t, out_number(n, "lostLegs") > 0 ? OUT_RED : OUT_PLAIN,
		 "%.0f", out_number(n, "lostLegs"));
	out_cell(t, OUT_PLAIN, "%s", since(buf, n));
	out_cell(t, OUT_PLAIN, "%s", out_text(n, "version"));
}

int cli_nodes(struct cli *c)
{
	struct out_table *t;
	const json_t *n;
	json_t *items;
	size_t i;
	int err = http_list(c, "/api/nodes", &items);

	if (err)
		return err;
	if (c->json) {
		out_json(items);
	} else {
		t = out_table("NODE|STATE|>CALLS|>LEGS|>LOAD|>LATE|>MOVED|"
			      ">ADOPTED|>LOST|>UP|VERSION");
		json_array_foreach(items, i, n)
			add_node(t, n);
		out_table_end(t, "no nodes: start switchyard-node");
	}
	json_decref(items);

	return CLI_OK;
}

/* -------------------------------------------------------------------- drain */

static const json_t *find(const json_t *items, const char *id)
{
	const json_t *n;
	size_t i;

	json_array_foreach(items, i, n) {
		if (!strcmp(out_text(n, "id"), id))
			return n;
	}

	return NULL;
}

/* One line that is written over on a terminal, one a change elsewhere. */
static void progress(const json_t *n, bool *first)
{
	static char last[160];
	char line[160];

	(void)snprintf(line, sizeof(line),
		       "%.40s: %.0f calls left, %.0f moved, %.0f could not be "
		       "moved at once",
		       out_text(n, "id"), out_number(n, "hubs"),
		       out_number(n, "moved"), out_number(n, "moveFailures"));
	if (!*first && !strcmp(line, last))
		return;
	(void)printf(out_is_terminal() && !*first ? "\r\033[K%s" : "%s", line);
	if (!out_is_terminal())
		(void)putchar('\n');
	(void)fflush(stdout);
	(void)strcpy(last, line);
	*first = false;
}

/* @return CLI_OK once nothing is left, or the node is gone. */
static int wait_empty(struct cli *c, const char *id)
{
	const struct timespec pause = {0, LOOK_MS * 1000000l};
	bool first = true, left = true;
	json_t *items;
	int err;

	while (left) {
		const json_t *n;

		err = http_list(c, "/api/nodes", &items);
		if (err)
			return err;
		n = find(items, id);
		if (n && !c->json)
			progress(n, &first);
		left = n && out_number(n, "hubs") > 0;
		if (n && left && strcmp(out_text(n, "state"), "DRAINING")) {
			(void)putchar('\n');
			out_error("%s does not drain any more", id);
			err = CLI_REFUSED;
		}
		json_decref(items);
		if (err)
			return err;
		if (left)
			(void)nanosleep(&pause, NULL);
	}
	if (out_is_terminal() && !first)
		(void)putchar('\n');
	if (!c->json)
		(void)printf("%s has no calls\n", id);

	return CLI_OK;
}

int cli_drain(struct cli *c)
{
	char *path = http_path("/api/nodes/%s/drain", c->argv[0]);
	struct answer a;
	int err = http_ask(c, c->undo ? "DELETE" : "POST", path, NULL, NULL,
			   &a);

	free(path);
	if (err)
		return err;
	if (c->json && !c->wait)
		out_json(a.body);
	else if (!c->json)
		(void)printf(c->undo ? "%s takes calls again\n"
				     : "%s takes no new calls, and gives its "
				       "own to others\n",
			     c->argv[0]);
	http_free(&a);

	return c->wait && !c->undo ? wait_empty(c, c->argv[0]) : CLI_OK;
}
