/* SPDX-License-Identifier: MIT */
/*
 * Answering with files: see site.h.
 *
 * What has its hash in its name is kept for a year; all else is asked for
 * each time, and mostly answered by 304.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <re.h>

#include "gateway/http/coding.h"
#include "gateway/http/request.h"
#include "gateway/site/site.h"
#include "gateway/site/table.h"

#define INDEX "index.html"

struct site {
	char *dir;
	struct site_table *table; /* answers hold it, too                 */
};

static void destructor(void *arg)
{
	struct site *s = arg;

	mem_deref(s->dir);
	mem_deref(s->table);
}

int site_alloc(struct site **sp, const char *dir, char *errbuf,
	       size_t errsize)
{
	struct site *s;
	int err;

	if (!sp || !errbuf)
		return EINVAL;

	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;
	err = str_dup(&s->dir, dir ? dir : "");
	if (!err)
		err = site_reload(s, errbuf, errsize);
	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}

int site_reload(struct site *s, char *errbuf, size_t errsize)
{
	struct site_table *t;
	char why[512];
	int err;

	if (!s || !errbuf)
		return EINVAL;
	if (!*s->dir)
		return 0;

	err = site_table_read(&t, s->dir, why, sizeof(why));
	if (!err && !site_table_find(t, INDEX)) {
		(void)snprintf(why, sizeof(why), "%s: has no " INDEX
			       " (deploy/build web makes build/web/dist)",
			       s->dir);
		mem_deref(t);
		err = ENOENT;
	}
	if (err) {
		(void)snprintf(errbuf, errsize, "--web: %s",
			       *why ? why : strerror(err));
		return err;
	}
	mem_deref(s->table);
	s->table = t;

	return 0;
}

size_t site_count(const struct site *s)
{
	return s ? site_table_count(s->table) : 0;
}

/* ---------------------------------------------------------------- headers */

/*
 * One policy for all: scripts, styles and connections are our own, nobody
 * frames us, and a microphone is all that a page may ask for.
 */
#define CSP \
	"default-src 'none'; script-src 'self'; " \
	"style-src 'self'; img-src 'self' data:; " \
	"font-src 'self'; connect-src 'self'; media-src 'self' blob:; " \
	"worker-src 'self'; manifest-src 'self'; base-uri 'none'; " \
	"form-action 'self'; frame-ancestors 'none'"

#define PERMISSIONS \
	"microphone=(self), speaker-selection=(self), camera=(), " \
	"display-capture=(), geolocation=(), payment=(), usb=(), " \
	"serial=(), hid=(), midi=()"

void site_headers(struct web_req *req)
{
	static const struct {
		const char *name, *value;
	} v[] = {
		{"x-content-type-options", "nosniff"},
		{"content-security-policy", CSP},
		{"permissions-policy", PERMISSIONS},
		{"referrer-policy", "same-origin"},
		{"cross-origin-opener-policy", "same-origin"},
		{"x-frame-options", "DENY"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		(void)web_head(req, v[i].name, "%s", v[i].value);
	if (req->tls)
		(void)web_head(req, "strict-transport-security",
			       "max-age=31536000");
}

/* ---------------------------------------------------------------- answers */

/* RFC 9110 13.1.2: compared weakly, the list may be long. */
static bool has_tag(const char *list, const char *etag)
{
	const size_t len = strlen(etag);

	while (list && *list) {
		list += strspn(list, ", \t");
		if (*list == '*')
			return true;
		if (!strncmp(list, "W/", 2))
			list += 2;
		if (!strncmp(list, etag, len))
			return true;
		list += strcspn(list, ",");
	}

	return false;
}

static enum site_coding choose(const struct site_file *f,
			       const struct web_req *req)
{
	static const char *const namev[] = {"br", "gzip"};

	for (int c = 0; c < SITE_PLAIN; c++) {
		if (f->v[c].p && web_accepts(req, namev[c]))
			return (enum site_coding)c;
	}

	return SITE_PLAIN;
}

static void send_file(const struct site *s, const struct site_file *f,
		      struct web_req *req)
{
	static const char *const namev[] = {"br", "gzip"};
	const enum site_coding c = choose(f, req);

	(void)web_head(req, "etag", "%s", f->v[c].etag);
	(void)web_head(req, "cache-control", "%s", f->immutable ?
		       "public, max-age=31536000, immutable" : "no-cache");
	if (f->v[SITE_BR].p || f->v[SITE_GZIP].p)
		(void)web_head(req, "vary", "accept-encoding");
	/* The SDK is for pages of others, too. */
	if (!strncmp(f->name, "sdk/", 4))
		(void)web_head(req, "access-control-allow-origin", "*");

	if (has_tag(web_header(req, "if-none-match"), f->v[c].etag)) {
		(void)web_reply(req, 304, NULL, NULL, 0);
		return;
	}
	if (c != SITE_PLAIN)
		(void)web_head(req, "content-encoding", "%s", namev[c]);
	(void)web_reply_shared(req, 200, f->type, f->v[c].p, f->v[c].len,
			       s->table);
}

static void send_no_site(struct web_req *req)
{
	static const char page[] =
		"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<title>Switchyard</title>\n<h1>Switchyard</h1>\n"
		"<p>This gateway serves the API, and no dashboard: it was "
		"started without <code>--web</code>.</p>\n"
		"<p>To have it: <code>deploy/build web</code>, then start it "
		"with <code>--web build/web/dist</code>.</p>\n"
		"<p>The API is at <a href=\"/api/status\">/api/status</a>, "
		"described at <a href=\"/api/openapi.json\">"
		"/api/openapi.json</a>.</p>\n</html>\n";

	(void)web_head(req, "cache-control", "no-cache");
	(void)web_reply(req, 200, "text/html; charset=utf-8", page,
			sizeof(page) - 1);
}

/* Of others: what is missing there is no page of the dashboard. */
static bool is_of_others(const char *name)
{
	static const char *const firstv[] = {
		"api", "ws", "sdk", "assets", "healthz", "readyz", "metrics"};
	const size_t len = strcspn(name, "/");

	for (size_t i = 0; i < sizeof(firstv) / sizeof(firstv[0]); i++) {
		if (strlen(firstv[i]) == len &&
		    !strncmp(firstv[i], name, len))
			return true;
	}

	return !strncmp(name, "grpc.", 5) || !strncmp(name, "switchyard.", 11);
}

bool site_answer(const struct site *s, struct web_req *req)
{
	const struct site_file *f = NULL;
	char name[SITE_NAME_SIZE];

	if (!s || (strcmp(req->method, "GET") && strcmp(req->method, "HEAD")))
		return false;
	if (web_unescape(name, sizeof(name), req->path + 1,
			 strlen(req->path + 1)))
		return false;

	if (!s->table) {
		if (*name)
			return false;
		send_no_site(req);
		return true;
	}

	f = site_table_find(s->table, *name ? name : INDEX);
	if (!f && !is_of_others(name))
		f = site_table_find(s->table, INDEX);
	if (!f)
		return false;
	send_file(s, f, req);

	return true;
}
