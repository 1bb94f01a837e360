/* SPDX-License-Identifier: MIT */
/*
 * trace: the SIP messages of a call as a ladder.  A column is a participant:
 * the peer that came first, the routers, then the other peers, as they come.
 *
 *   TIME           127.0.0.1:5070        router-1         127.0.0.1:5080
 *   18:20:30.123   |---- INVITE (SDP) ---->|                      |
 *                  |                       |---- INVITE (SDP) --->|
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/ladder.h"
#include "cli/http.h"
#include "cli/out.h"

enum { LOOK_MS = 1000 };

/* Its text beneath an arrow, moved in. */
static void print_full(const json_t *m)
{
	const char *text = out_text(m, "text");
	char *copy = strdup(text), *line, *end;
	const double cut = out_number(m, "cutBytes");

	if (!copy)
		abort();
	(void)printf("%s\n", out_on(OUT_DIM));
	for (line = copy; *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		(void)printf("    ");
		out_safe(line, false);
		(void)putchar('\n');
	}
	if (cut > 0)
		(void)printf("    ... %.0f bytes more\n", cut);
	(void)printf("%s\n", out_off(OUT_DIM));
	free(copy);
}

static void print_message(struct ladder *l, const struct cli *c,
			  const json_t *m)
{
	ladder_arrow(l, m);
	if (c->full)
		print_full(m);
}

/* Messages are by time, and those that are kept only become more; one that
 * comes late is printed when it is there. */
static bool is_new(const json_t *seen, const json_t *m)
{
	const json_t *s;
	size_t i;

	json_array_foreach(seen, i, s) {
		if (json_equal(s, m))
			return false;
	}

	return true;
}

static bool has_ended(struct cli *c)
{
	char *path = http_path("/api/calls/%s", c->argv[0]);
	struct answer a = {.body = NULL};
	bool ended;

	out_mute(true);
	ended = http_ask(c, "GET", path, NULL, NULL, &a) == CLI_REFUSED;
	out_mute(false);
	http_free(&a);
	free(path);

	return ended;
}

static int follow(struct cli *c, const char *path, struct ladder *l,
		  json_t *seen)
{
	const struct timespec pause = {LOOK_MS / 1000,
				       LOOK_MS % 1000 * 1000000l};
	struct answer a;
	const json_t *m;
	bool ended = false, last;
	size_t i;
	int err;

	do {
		(void)nanosleep(&pause, NULL);
		last = ended; /* routers write traces a moment later */
		ended = has_ended(c);
		err = http_ask(c, "GET", path, NULL, NULL, &a);
		if (err)
			return err;
		json_array_foreach(json_object_get(a.body, "messages"), i, m) {
			if (!is_new(seen, m))
				continue;
			print_message(l, c, m);
			(void)json_array_append(seen, (json_t *)(uintptr_t)m);
		}
		(void)fflush(stdout);
		http_free(&a);
	} while (!last);

	return CLI_OK;
}

int cli_trace(struct cli *c)
{
	char *path = http_path("/api/calls/%s/trace", c->argv[0]);
	struct ladder *l;
	struct answer a;
	json_t *messages;
	const json_t *m;
	size_t i;
	int err = http_ask(c, "GET", path, NULL, NULL, &a);

	if (err) {
		free(path);
		return err;
	}
	messages = json_incref(json_object_get(a.body, "messages"));
	if (c->json) {
		out_json(a.body);
	} else {
		l = ladder_alloc(messages);
		json_array_foreach(messages, i, m)
			print_message(l, c, m);
		(void)fflush(stdout);
		if (c->follow)
			err = follow(c, path, l, messages);
		else if (!json_array_size(messages))
			(void)printf("no messages are kept of this call\n");
		ladder_free(l);
	}
	json_decref(messages);
	http_free(&a);
	free(path);

	return err;
}
