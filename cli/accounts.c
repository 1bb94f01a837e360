/* SPDX-License-Identifier: MIT */
/* token, users: who may do what. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/ask.h"
#include "cli/http.h"
#include "cli/out.h"

/* ------------------------------------------------------------------- tokens */

static void add_token(struct out_table *t, const json_t *token)
{
	const json_t *scopes = json_object_get(token, "scopes"), *s;
	const char *expires = out_text(token, "expiresAt");
	char list[512] = "", *p = list;
	size_t i;

	json_array_foreach(scopes, i, s)
		p += snprintf(p, sizeof(list) - (size_t)(p - list), "%s%.40s",
			      i ? " " : "",
			      (size_t)(p - list) < sizeof(list) - 60
				      ? json_string_value(s)
				      : "");
	out_cell(t, OUT_PLAIN, "%s", out_text(token, "id"));
	out_cell(t, OUT_PLAIN, "%s", out_text(token, "name"));
	out_cell(t, OUT_PLAIN, "%.10s", *expires ? expires : "never");
	out_cell(t, OUT_PLAIN, "%.10s", *out_text(token, "lastUsedAt")
						? out_text(token, "lastUsedAt")
						: "-");
	out_cell(t, OUT_PLAIN, "%s", list);
}

int cli_token_list(struct cli *c)
{
	struct out_table *t;
	const json_t *token;
	json_t *items;
	size_t i;
	int err = http_list(c, "/api/tokens", &items);

	if (err)
		return err;
	if (c->json) {
		out_json(items);
	} else {
		t = out_table("TOKEN|NAME|EXPIRES|LAST USED|SCOPES");
		json_array_foreach(items, i, token)
			add_token(t, token);
		out_table_end(t, "no tokens: make one by switchyard token "
				 "create NAME --scope SCOPE");
	}
	json_decref(items);

	return CLI_OK;
}

/* "30d", "12h" from now. @return CLI_OK, CLI_USAGE. */
static int add_expiry(json_t *body, const char *text)
{
	char stamp[32], *end;
	const unsigned long n = strtoul(text, &end, 10);
	const unsigned unit = *end == 'd'   ? 86400
			      : *end == 'h' ? 3600
					    : 0;
	struct tm tm;
	time_t at;

	if (!n || n > 100000 || !unit || end[1])
		return cli_usage("--expires %s: allowed: a number of days or "
				 "hours: 30d, 12h", text);
	at = time(NULL) + (time_t)n * unit;
	if (!gmtime_r(&at, &tm) ||
	    !strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm))
		abort();

	return json_object_set_new(body, "expiresAt", json_string(stamp))
		       ? CLI_REFUSED
		       : CLI_OK;
}

int cli_token_create(struct cli *c)
{
	json_t *body = json_pack("{s:s, s:[]}", "name", c->argv[0], "scopes");
	struct answer a;
	int err = CLI_OK;

	if (!c->scopec)
		err = cli_usage("token create: --scope is needed, for example "
				"--scope calls:read; --scope '*' is all");
	for (size_t i = 0; i < c->scopec; i++)
		(void)json_array_append_new(json_object_get(body, "scopes"),
					    json_string(c->scopev[i]));
	if (c->device)
		(void)json_object_set_new(body, "device",
					  json_string(c->device));
	if (!err && c->expires)
		err = add_expiry(body, c->expires);
	if (!err)
		err = http_ask(c, "POST", "/api/tokens", body, NULL, &a);
	json_decref(body);
	if (err)
		return err;
	if (c->json) {
		out_json(a.body);
	} else {
		(void)printf("%s\n", out_text(a.body, "token"));
		(void)fflush(stdout);
		(void)fprintf(stderr, "token %s: it is shown this once\n",
			      out_text(a.body, "id"));
	}
	http_free(&a);

	return CLI_OK;
}

static int remove_at(struct cli *c, const char *fmt, const char *done)
{
	char *path = http_path(fmt, c->argv[0]);
	int err = http_ask(c, "DELETE", path, NULL, NULL, NULL);

	if (!err && !c->json)
		(void)printf("%s %s\n", c->argv[0], done);
	free(path);

	return err;
}

int cli_token_revoke(struct cli *c)
{
	return remove_at(c, "/api/tokens/%s", "is no token any more");
}

/* -------------------------------------------------------------------- users */

static void add_user(struct out_table *t, const json_t *user)
{
	const char *login = out_text(user, "lastLoginAt");

	out_cell(t, OUT_PLAIN, "%s", out_text(user, "id"));
	out_cell(t, OUT_PLAIN, "%s", out_text(user, "displayName"));
	out_cell(t, OUT_PLAIN, "%s", out_text(user, "role"));
	out_cell(t, OUT_PLAIN, "%s", *out_text(user, "device")
					     ? out_text(user, "device")
					     : "-");
	out_cell(t, out_true(user, "disabled") ? OUT_RED : OUT_PLAIN, "%s",
		 out_true(user, "disabled") ? "disabled" : "active");
	out_cell(t, OUT_PLAIN, "%.10s", *login ? login : "-");
}

int cli_users_list(struct cli *c)
{
	struct out_table *t;
	const json_t *user;
	json_t *items;
	size_t i;
	int err = http_list(c, "/api/users", &items);

	if (err)
		return err;
	if (c->json) {
		out_json(items);
	} else {
		t = out_table("USER|NAME|ROLE|DEVICE|STATE|LAST LOGIN");
		json_array_foreach(items, i, user)
			add_user(t, user);
		out_table_end(t, "no users");
	}
	json_decref(items);

	return CLI_OK;
}

int cli_users_add(struct cli *c)
{
	char password[ASK_MAX];
	json_t *body;
	int err;

	if (!c->role)
		return cli_usage("users add: --role is needed: ADMIN, OPERATOR "
				 "or AGENT");
	err = ask_secret("password", password);
	if (err)
		return err;
	body = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", c->argv[0],
			 "role", c->role, "displayName",
			 c->name ? c->name : "", "device",
			 c->device ? c->device : "", "password", password);
	err = http_ask(c, "POST", "/api/users", body, NULL, NULL);
	if (!err && !c->json)
		(void)printf("%s is a user\n", c->argv[0]);
	json_decref(body);

	return err;
}

int cli_users_password(struct cli *c)
{
	char *path = http_path("/api/users/%s", c->argv[0]);
	char password[ASK_MAX];
	json_t *body;
	int err = ask_secret("new password", password);

	if (!err) {
		body = json_pack("{s:s}", "password", password);
		err = http_ask(c, "PATCH", path, body, NULL, NULL);
		json_decref(body);
	}
	if (!err && !c->json)
		(void)printf("%s has another password\n", c->argv[0]);
	free(path);

	return err;
}

int cli_users_remove(struct cli *c)
{
	return remove_at(c, "/api/users/%s", "is no user any more");
}
