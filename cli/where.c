/* SPDX-License-Identifier: MIT */
/* See where.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <jansson.h>

#include "cli/out.h"
#include "cli/where.h"

#define DEFAULT_URL "https://127.0.0.1:8443"

static char *copy(const char *s)
{
	char *p = s && *s ? strdup(s) : NULL;

	if (s && *s && !p)
		abort();

	return p;
}

static const char *variable(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

/* "session.json" in the folder for settings. @return owned, or NULL: no home. */
static char *session_file(bool make)
{
	const char *base = variable("XDG_CONFIG_HOME");
	const char *home = variable("HOME");
	char *dir = NULL, *path = NULL;

	if (!base && !home)
		return NULL;
	if (asprintf(&dir, "%s%s/switchyard", base ? base : home,
		     base ? "" : "/.config") < 0)
		abort();
	if (make) {
		char *slash = strrchr(dir, '/');

		*slash = '\0';
		(void)mkdir(dir, 0700);
		*slash = '/';
		(void)mkdir(dir, 0700);
	}
	if (asprintf(&path, "%s/session.json", dir) < 0)
		abort();
	free(dir);

	return path;
}

int where_keep(const char *url, const char *cookie, const char *csrf)
{
	char *path = session_file(true);
	json_t *j;
	FILE *f;
	int fd, err;

	if (!path) {
		out_error("there is no home directory to keep the login in");
		return CLI_REFUSED;
	}
	(void)unlink(path);
	if (!cookie) {
		free(path);
		return CLI_OK;
	}
	j = json_pack("{s:s, s:s, s:s}", "url", url, "cookie", cookie, "csrf",
		      csrf);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	err = !f || json_dumpf(j, f, JSON_INDENT(1));
	if (f && fclose(f))
		err = 1;
	if (err)
		out_error("%s: %s", path, strerror(errno));
	json_decref(j);
	free(path);

	return err ? CLI_REFUSED : CLI_OK;
}

/* A login is for the gateway that it was made at. */
static void read_session(struct where *w)
{
	char *path = session_file(false);
	json_t *j = path ? json_load_file(path, 0, NULL) : NULL;
	const char *url = out_text(j, "url");

	if (j && (!w->url || !strcmp(w->url, url))) {
		if (!w->url)
			w->url = copy(url);
		w->cookie = copy(out_text(j, "cookie"));
		w->csrf = copy(out_text(j, "csrf"));
	}
	json_decref(j);
	free(path);
}

static int read_dir(struct where *w, const char *dir)
{
	const json_t *gateway;
	json_error_t e;
	char *path;
	json_t *j;

	if (asprintf(&path, "%s/cluster.json", dir) < 0)
		abort();
	j = json_load_file(path, 0, &e);
	if (!j) {
		(void)cli_usage("--dir %s: %s", dir, e.text);
		free(path);
		return CLI_USAGE;
	}
	free(path);
	gateway = json_array_get(json_object_get(j, "gateways"), 0);
	if (!w->url && asprintf(&w->url, "http://%s",
				out_text(gateway, "http")) < 0)
		abort();
	if (!w->token)
		w->token = copy(out_text(j, "adminToken"));
	json_decref(j);

	return CLI_OK;
}

int where_find(struct where *w, const struct cli *c)
{
	int err = CLI_OK;

	*w = (struct where){.url = copy(c->url), .token = copy(c->token)};
	w->ca = copy(c->ca ? c->ca : variable("SWITCHYARD_CA"));
	if (c->dir)
		err = read_dir(w, c->dir);
	if (!w->url)
		w->url = copy(variable("SWITCHYARD_URL"));
	if (!w->token)
		w->token = copy(variable("SWITCHYARD_TOKEN"));
	if (!w->token)
		read_session(w);
	if (!w->url)
		w->url = copy(DEFAULT_URL);
	if (!err && strncmp(w->url, "https://", 8) &&
	    strncmp(w->url, "http://", 7))
		err = cli_usage("--url %s: allowed: https://HOST[:PORT], "
				"http://HOST[:PORT]", w->url);

	return err;
}

void where_free(struct where *w)
{
	free(w->url);
	free(w->token);
	free(w->cookie);
	free(w->csrf);
	free(w->ca);
}
