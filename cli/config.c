/* SPDX-License-Identifier: MIT */
/* config get, diff, apply. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/http.h"
#include "cli/out.h"

int cli_config_get(struct cli *c)
{
	struct answer a;
	int err = http_ask(c, "GET", "/api/config", NULL, NULL, &a);

	if (err)
		return err;
	/* Of the moment, and of no use in a file that is applied. */
	if (!c->json)
		(void)json_object_del(a.body, "revision");
	out_json(a.body);
	http_free(&a);

	return CLI_OK;
}

/* The file named by the first argument; "-": stdin. */
static int read_file(json_t **jp, const struct cli *c)
{
	const char *path = c->argv[0];
	const bool in = !strcmp(path, "-");
	FILE *f = in ? stdin : fopen(path, "re");
	json_error_t e;

	if (!f) {
		out_error("%s: %s", path, strerror(errno));
		return CLI_USAGE;
	}
	*jp = json_loadf(f, JSON_REJECT_DUPLICATES, &e);
	if (!in)
		(void)fclose(f);
	if (*jp)
		return CLI_OK;
	out_error("%s, line %d, column %d: not JSON: %s", path, e.line,
		  e.column, e.text);

	return CLI_USAGE;
}

static void print_change(const json_t *change)
{
	const char *what = out_text(change, "change");
	const json_t *fields = json_object_get(change, "fields"), *f;
	const char *sign = "~";
	enum out_colour colour = OUT_YELLOW;
	size_t i;

	if (!strcmp(what, "add")) {
		sign = "+";
		colour = OUT_GREEN;
	} else if (!strcmp(what, "remove")) {
		sign = "-";
		colour = OUT_RED;
	}
	(void)printf("%s%s %s %s%s", out_on(colour), sign,
		     out_text(change, "section"), out_text(change, "id"),
		     out_off(colour));
	json_array_foreach(fields, i, f)
		(void)printf("%s%s", i ? ", " : ": ", json_string_value(f));
	(void)putchar('\n');
}

/* @return CLI_OK, CLI_REFUSED: it is not valid, told. */
static int print_check(const json_t *check)
{
	const json_t *v, *e;
	size_t i;

	json_array_foreach(json_object_get(check, "errors"), i, e) {
		const char *allowed = out_text(e, "allowed");

		out_error("%s: %s%s%s", out_text(e, "field"),
			  out_text(e, "cause"), *allowed ? "; allowed: " : "",
			  allowed);
	}
	if (!out_true(check, "valid"))
		return CLI_REFUSED;
	json_array_foreach(json_object_get(check, "changes"), i, v)
		print_change(v);
	if (!i)
		(void)printf("nothing changes\n");

	return CLI_OK;
}

/* @param a  Set on CLI_OK. */
static int check(struct cli *c, const json_t *conf, struct answer *a)
{
	return http_ask(c, "POST", "/api/config/check", conf, NULL, a);
}

int cli_config_diff(struct cli *c)
{
	struct answer a;
	json_t *conf;
	int err = read_file(&conf, c);

	if (err)
		return err;
	err = check(c, conf, &a);
	json_decref(conf);
	if (err)
		return err;
	if (c->json)
		out_json(a.body);
	else
		err = print_check(a.body);
	if (c->json && !out_true(a.body, "valid"))
		err = CLI_REFUSED;
	http_free(&a);

	return err;
}

/* What was shown is what is done: if somebody else changes the configuration
 * meanwhile, it is refused. */
static int put(struct cli *c, const json_t *conf, double revision)
{
	char tag[40];
	struct answer a;
	int err;

	(void)snprintf(tag, sizeof(tag), "\"%.0f\"", revision);
	err = http_ask(c, "PUT", "/api/config", conf, tag, &a);
	if (err)
		return err;
	if (c->json)
		out_json(a.body);
	else
		(void)printf("revision %.0f\n",
			     out_number(a.body, "revision"));
	http_free(&a);

	return CLI_OK;
}

int cli_config_apply(struct cli *c)
{
	struct answer a;
	json_t *conf;
	int err = read_file(&conf, c);

	if (err)
		return err;
	err = check(c, conf, &a);
	if (!err) {
		if (!c->json)
			err = print_check(a.body);
		if (!err)
			err = put(c, conf, out_number(a.body, "revision"));
		http_free(&a);
	}
	json_decref(conf);

	return err;
}
