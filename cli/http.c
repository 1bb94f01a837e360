/* SPDX-License-Identifier: MIT */
/* See http.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <curl/curl.h>

#include "cli/http.h"
#include "cli/out.h"
#include "cli/where.h"

enum { CONNECT_S = 5, TIMEOUT_S = 40, ANSWER_MAX = 64 << 20 };

struct http {
	CURL *curl;
	struct where where;
};

struct buffer {
	char *p;
	size_t len;
};

/* A stream's lines as they come. */
struct lines {
	struct buffer buf;
	http_line_h *h;
	void *arg;
	bool enough;
	CURL *curl;
};

static int start(struct cli *c)
{
	int err;

	if (c->http)
		return CLI_OK;
	c->http = calloc(1, sizeof(*c->http));
	if (!c->http)
		abort();
	err = where_find(&c->http->where, c);
	if (err)
		return err;
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
	c->http->curl = curl_easy_init();
	if (!c->http->curl)
		abort();

	return CLI_OK;
}

void http_close(struct cli *c)
{
	if (!c->http)
		return;
	if (c->http->curl) {
		curl_easy_cleanup(c->http->curl);
		curl_global_cleanup();
	}
	where_free(&c->http->where);
	free(c->http);
	c->http = NULL;
}

void http_free(struct answer *a)
{
	json_decref(a->body);
	a->body = NULL;
}

char *http_path(const char *fmt, const char *arg)
{
	char *escaped = curl_easy_escape(NULL, arg, 0), *path = NULL;
	const char *at = strstr(fmt, "%s");

	if (!escaped || !at ||
	    asprintf(&path, "%.*s%s%s", (int)(at - fmt), fmt, escaped,
		     at + 2) < 0)
		abort();
	curl_free(escaped);

	return path;
}

/* ------------------------------------------------------------------ what came */

static size_t on_data(char *p, size_t size, size_t n, void *arg)
{
	struct buffer *b = arg;
	char *more;

	n *= size;
	if (b->len + n > ANSWER_MAX)
		return 0;
	more = realloc(b->p, b->len + n + 1);
	if (!more)
		return 0;
	b->p = more;
	memcpy(b->p + b->len, p, n);
	b->len += n;
	b->p[b->len] = '\0';

	return n;
}

static void take(char *out, size_t size, const char *p, size_t n)
{
	n = n < size - 1 ? n : size - 1;
	memcpy(out, p, n);
	out[n] = '\0';
}

static size_t on_head(char *p, size_t size, size_t n, void *arg)
{
	struct answer *a = arg;
	size_t len = n * size, skip;

	while (len && (p[len - 1] == '\r' || p[len - 1] == '\n'))
		len--;
	if (len > 5 && !strncasecmp(p, "etag:", 5)) {
		skip = 5 + strspn(p + 5, " ");
		take(a->etag, sizeof(a->etag), p + skip, len - skip);
	} else if (len > 11 && !strncasecmp(p, "set-cookie:", 11)) {
		skip = 11 + strspn(p + 11, " ");
		take(a->cookie, sizeof(a->cookie), p + skip, len - skip);
		a->cookie[strcspn(a->cookie, ";")] = '\0';
	}

	return n * size;
}

/* "404 no such call", and the fields of a body that are wrong. */
static int refused(const char *method, const char *path,
		   const struct answer *a)
{
	const json_t *errors = json_object_get(a->body, "errors"), *e;
	const char *detail =
		json_string_value(json_object_get(a->body, "detail"));
	size_t i;

	if (detail)
		out_error("%s (%ld)", detail, a->status);
	else
		out_error("%s %s: the gateway answers %ld", method, path,
			  a->status);
	json_array_foreach(errors, i, e) {
		const char *field = out_text(e, "field");
		const char *allowed = out_text(e, "allowed");

		(void)fprintf(stderr, "  %s: %s%s%s\n", *field ? field : "body",
			      out_text(e, "cause"),
			      *allowed ? "; allowed: " : "", allowed);
	}

	return CLI_REFUSED;
}

/* -------------------------------------------------------------------- asking */

static void add(struct curl_slist **l, const char *name, const char *value)
{
	char *line;

	if (asprintf(&line, "%s: %s", name, value) < 0)
		abort();
	*l = curl_slist_append(*l, line);
	free(line);
}

static struct curl_slist *headers(const struct http *h, bool body,
				  const char *match)
{
	struct curl_slist *l = NULL;
	const struct where *w = &h->where;
	char bearer[1024];

	if (body)
		add(&l, "Content-Type", "application/json");
	if (match)
		add(&l, "If-Match", match);
	if (w->token) {
		(void)snprintf(bearer, sizeof(bearer), "Bearer %s", w->token);
		add(&l, "Authorization", bearer);
	} else if (w->cookie) {
		add(&l, "Cookie", w->cookie);
		add(&l, "X-CSRF-Token", w->csrf ? w->csrf : "");
	}

	return l;
}

static void prepare(const struct cli *c, const char *url, char *errbuf)
{
	CURL *curl = c->http->curl;
	const struct where *w = &c->http->where;

	curl_easy_reset(curl);
	(void)curl_easy_setopt(curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, errbuf);
	(void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
	(void)curl_easy_setopt(curl, CURLOPT_USERAGENT,
			       "switchyard/" SY_VERSION);
	if (w->ca)
		(void)curl_easy_setopt(curl, CURLOPT_CAINFO, w->ca);
	if (c->insecure) {
		(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static int unreachable(const struct cli *c, CURLcode code, const char *errbuf)
{
	out_error("no gateway at %s: %s%s", c->http->where.url,
		  *errbuf ? errbuf : curl_easy_strerror(code),
		  code == CURLE_PEER_FAILED_VERIFICATION
			  ? " (--ca FILE trusts its certificate, --insecure "
			    "any)"
			  : "");

	return CLI_UNREACHABLE;
}

static char *full_url(const struct cli *c, const char *path)
{
	const char *base = c->http->where.url;
	size_t n = strlen(base);
	char *url;

	while (n && base[n - 1] == '/')
		n--;
	if (asprintf(&url, "%.*s%s", (int)n, base, path) < 0)
		abort();

	return url;
}

static CURLcode transfer(struct cli *c, const char *method, const char *path,
			 const char *text, const char *match,
			 struct answer *a, struct buffer *b, char *errbuf)
{
	struct curl_slist *l = headers(c->http, text != NULL, match);
	char *url = full_url(c, path);
	CURL *curl = c->http->curl;
	CURLcode code;

	prepare(c, url, errbuf);
	(void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, l);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, b);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, a);
	if (text) {
		(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
				       (curl_off_t)strlen(text));
		(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
	}
	code = curl_easy_perform(curl);
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &a->status);
	curl_slist_free_all(l);
	free(url);

	return code;
}

int http_ask(struct cli *c, const char *method, const char *path,
	     const json_t *body, const char *match, struct answer *ap)
{
	char errbuf[CURL_ERROR_SIZE] = "";
	struct answer a = {.status = 0};
	struct buffer b = {NULL, 0};
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	CURLcode code;
	int err = start(c);

	if (err) {
		free(text);
		return err;
	}
	code = transfer(c, method, path, text, match, &a, &b, errbuf);
	free(text);
	if (b.p)
		a.body = json_loadb(b.p, b.len, 0, NULL);
	free(b.p);
	if (code)
		err = unreachable(c, code, errbuf);
	else if (a.status < 200 || a.status > 299)
		err = refused(method, path, &a);
	if (err || !ap)
		http_free(&a);
	else
		*ap = a;

	return err;
}

int http_list(struct cli *c, const char *path, json_t **itemsp)
{
	const char *join = strchr(path, '?') ? "&" : "?", *cursor = "";
	json_t *items = json_array();
	struct answer a = {.body = NULL};
	char *url, *escaped;
	int err;

	do {
		escaped = curl_easy_escape(NULL, cursor, 0);
		if (!escaped ||
		    asprintf(&url, "%s%slimit=1000%s%s", path, join,
			     *cursor ? "&cursor=" : "", escaped) < 0)
			abort();
		curl_free(escaped);
		http_free(&a);
		err = http_ask(c, "GET", url, NULL, NULL, &a);
		free(url);
		if (err)
			break;
		(void)json_array_extend(items,
					json_object_get(a.body, "items"));
		cursor = out_text(a.body, "nextCursor");
	} while (*cursor);

	if (!err)
		http_free(&a);
	if (err)
		json_decref(items);
	else
		*itemsp = items;

	return err;
}

/* ------------------------------------------------------------------- streams */

static size_t on_stream(char *p, size_t size, size_t n, void *arg)
{
	struct lines *l = arg;
	char *line, *end;
	long status = 0;

	if (on_data(p, size, n, &l->buf) != n * size)
		return 0;
	(void)curl_easy_getinfo(l->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return n * size; /* a problem: it is read when it is whole */
	for (line = l->buf.p; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
		if (!l->h(line, l->arg)) {
			l->enough = true;
			return 0;
		}
	}
	l->buf.len -= (size_t)(line - l->buf.p);
	memmove(l->buf.p, line, l->buf.len + 1);

	return n * size;
}

int http_stream(struct cli *c, const char *path, http_line_h *h, void *arg)
{
	char errbuf[CURL_ERROR_SIZE] = "", *url;
	struct lines l = {.h = h, .arg = arg};
	struct answer a = {.status = 0};
	struct curl_slist *head;
	CURLcode code;
	int err = start(c);

	if (err)
		return err;
	head = headers(c->http, false, NULL);
	add(&head, "Accept", "text/event-stream");
	url = full_url(c, path);
	prepare(c, url, errbuf);
	l.curl = c->http->curl;
	(void)curl_easy_setopt(l.curl, CURLOPT_HTTPHEADER, head);
	(void)curl_easy_setopt(l.curl, CURLOPT_WRITEFUNCTION, on_stream);
	(void)curl_easy_setopt(l.curl, CURLOPT_WRITEDATA, &l);
	code = curl_easy_perform(l.curl);
	(void)curl_easy_getinfo(l.curl, CURLINFO_RESPONSE_CODE, &a.status);
	curl_slist_free_all(head);
	free(url);
	if (code && !l.enough) {
		err = unreachable(c, code, errbuf);
	} else if (a.status != 200) {
		a.body = l.buf.p ? json_loadb(l.buf.p, l.buf.len, 0, NULL)
				 : NULL;
		err = refused("GET", path, &a);
		http_free(&a);
	}
	free(l.buf.p);

	return err;
}
