/* SPDX-License-Identifier: MIT */
/* login, logout: a session instead of a token, kept for later calls. */

#include <string.h>
#include <stdio.h>

#include "cli/ask.h"
#include "cli/http.h"
#include "cli/out.h"
#include "cli/where.h"

int cli_login(struct cli *c)
{
	char password[ASK_MAX];
	struct where w;
	struct answer a;
	json_t *body;
	int err = ask_secret("password", password);

	if (err)
		return err;
	body = json_pack("{s:s, s:s}", "user", c->argv[0], "password",
			 password);
	explicit_bzero(password, sizeof(password));
	c->token = "-"; /* as nobody: an older login is worth nothing here */
	err = http_ask(c, "POST", "/api/session", body, NULL, &a);
	json_decref(body);
	if (err)
		return err;
	err = where_find(&w, c);
	if (!err)
		err = where_keep(w.url, a.cookie,
				 out_text(a.body, "csrfToken"));
	where_free(&w);
	if (!err && c->json) {
		(void)json_object_del(a.body, "csrfToken");
		out_json(a.body);
	} else if (!err) {
		(void)printf("%s is logged in, as %s\n", out_text(a.body, "user"),
			     out_text(a.body, "role"));
	}
	http_free(&a);

	return err;
}

int cli_logout(struct cli *c)
{
	/* Here it is forgotten, whatever the gateway says. */
	int err = http_ask(c, "DELETE", "/api/session", NULL, NULL, NULL);
	int kept = where_keep("", NULL, NULL);

	if (!err && !kept && !c->json)
		(void)printf("logged out\n");

	return err ? err : kept;
}
