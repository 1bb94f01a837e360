/* SPDX-License-Identifier: MIT */
/*
 * A line is built in a buffer on the stack and written by one write().  It
 * is never longer than LINE_MAX_BYTES (what a pipe takes in one piece): a
 * value that does not fit is cut, what follows it is left out, and the line
 * says so by cut=true.  So whatever text comes from outside, a line is one
 * line and valid logfmt or JSON.
 */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/log.h"

enum {
	LINE_MAX_BYTES = 4096,
	TAIL_BYTES = 24,      /* kept free for the end of a line */
	ESC_MAX_BYTES = 7,    /* the longest escape, and a nul   */
};

static const char *const level_names[] = {
	[LOG_L_DEBUG] = "debug",
	[LOG_L_INFO] = "info",
	[LOG_L_WARN] = "warn",
	[LOG_L_ERROR] = "error",
};

/* RO after log_init() */
static struct {
	enum log_level level;
	enum log_format format;
	char proc[64];
} conf = {.level = LOG_L_INFO};

struct line {
	char buf[LINE_MAX_BYTES];
	size_t len;
	bool json;
	bool cut;
};

void log_init(const struct log_conf *c)
{
	if (!c)
		return;

	conf.level = c->level;
	conf.format = c->format;
	(void)snprintf(conf.proc, sizeof(conf.proc), "%s",
		       c->proc ? c->proc : "");
}

int log_level_read(enum log_level *lp, const char *str)
{
	size_t i;

	if (!lp || !str)
		return EINVAL;

	for (i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (!strcmp(str, level_names[i])) {
			*lp = (enum log_level)i;
			return 0;
		}
	}

	return EINVAL;
}

int log_format_read(enum log_format *fp, const char *str)
{
	if (!fp || !str)
		return EINVAL;

	if (!strcmp(str, "logfmt"))
		*fp = LOG_FMT_LOGFMT;
	else if (!strcmp(str, "json"))
		*fp = LOG_FMT_JSON;
	else
		return EINVAL;

	return 0;
}

bool log_on(enum log_level level)
{
	return level >= conf.level;
}

static bool put(struct line *l, const char *p, size_t len)
{
	if (l->cut || l->len + len > sizeof(l->buf) - TAIL_BYTES) {
		l->cut = true;
		return false;
	}

	memcpy(l->buf + l->len, p, len);
	l->len += len;

	return true;
}

static bool put_str(struct line *l, const char *s)
{
	return put(l, s, strlen(s));
}

/* Length of the UTF-8 sequence at p; 0: not valid (RFC 3629 4). */
static size_t utf8_len(const unsigned char *p)
{
	size_t n, i;
	unsigned char lo = 0x80, hi = 0xbf;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;

	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;

	if (p[1] < lo || p[1] > hi)
		return 0;
	for (i = 2; i < n; i++) {
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	}

	return n;
}

/* Write one character, escaped. @return bytes of s that it was. */
static size_t escape(char out[ESC_MAX_BYTES], size_t *outlen, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = utf8_len(p);

	if (!n) {
		*outlen = (size_t)snprintf(out, ESC_MAX_BYTES, "\\ufffd");
		return 1;
	}

	if (*p == '"' || *p == '\\')
		*outlen = (size_t)snprintf(out, ESC_MAX_BYTES, "\\%c", *p);
	else if (*p == '\n' || *p == '\r' || *p == '\t')
		*outlen = (size_t)snprintf(out, ESC_MAX_BYTES, "\\%c",
					   *p == '\n' ? 'n' :
					   *p == '\r' ? 'r' : 't');
	else if (*p < 0x20 || *p == 0x7f)
		*outlen = (size_t)snprintf(out, ESC_MAX_BYTES, "\\u%04x", *p);
	else {
		memcpy(out, s, n);
		*outlen = n;
	}

	return n;
}

static void put_quoted(struct line *l, const char *s)
{
	char esc[ESC_MAX_BYTES];
	size_t n;

	if (!put(l, "\"", 1))
		return;

	while (*s) {
		s += escape(esc, &n, s);
		if (!put(l, esc, n))
			break;
	}

	/* TAIL_BYTES leaves room: what was opened is closed. */
	l->buf[l->len++] = '"';
}

/* May a logfmt value stand without quotes? */
static bool is_bare(const char *s)
{
	if (!*s)
		return false;

	for (; *s; s++) {
		if (*s <= 0x20 || *s >= 0x7f || *s == '=' || *s == '"' ||
		    *s == '\\')
			return false;
	}

	return true;
}

static void put_text(struct line *l, const char *s)
{
	size_t len = strlen(s);

	if (l->json || !is_bare(s) ||
	    l->len + len > sizeof(l->buf) - TAIL_BYTES)
		put_quoted(l, s);
	else
		(void)put(l, s, len);
}

/* The key with all that is before it.  A key that does not fit together
 * with at least a short value is left out with its value. */
static bool put_key(struct line *l, const char *key)
{
	const size_t len = strlen(key);

	if (l->cut || l->len + len + 8 > sizeof(l->buf) - TAIL_BYTES) {
		l->cut = true;
		return false;
	}

	if (l->json) {
		(void)put_str(l, l->len ? "," : "{");
		put_quoted(l, key);
		return put(l, ":", 1);
	}

	if (l->len)
		(void)put(l, " ", 1);

	return put(l, key, len) && put(l, "=", 1);
}

static void put_number(struct line *l, const char *text)
{
	const size_t mark = l->len;

	/* A number is never cut in the middle: it would be another one. */
	if (!put_str(l, text)) {
		l->len = mark;
		memcpy(l->buf + l->len, "null", 4);
		l->len += 4;
	}
}

static void put_kv(struct line *l, const struct log_kv *kv)
{
	char text[128];

	if (!kv->key || !put_key(l, kv->key))
		return;

	switch (kv->type) {

	case LOG_STR:
		if (kv->v.s)
			put_text(l, kv->v.s);
		else
			put_number(l, "null");
		break;

	case LOG_U64:
		(void)snprintf(text, sizeof(text), "%" PRIu64, kv->v.u);
		put_number(l, text);
		break;

	case LOG_I64:
		(void)snprintf(text, sizeof(text), "%" PRId64, kv->v.i);
		put_number(l, text);
		break;

	case LOG_F64:
		if (isfinite(kv->v.f))
			(void)snprintf(text, sizeof(text), "%.6g", kv->v.f);
		put_number(l, isfinite(kv->v.f) ? text : "null");
		break;

	case LOG_ERR:
		put_text(l, strerror_r((int)kv->v.i, text, sizeof(text)));
		break;
	}
}

static void put_head(struct line *l, enum log_level level, const char *msg)
{
	struct timespec ts;
	struct tm tm;
	char date[40], text[64];

	clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text, sizeof(text), "%s.%03dZ", date,
		       (int)(ts.tv_nsec / 1000000));

	put_kv(l, &LOG_S("ts", text));
	put_kv(l, &LOG_S("level", level_names[level]));
	if (conf.proc[0])
		put_kv(l, &LOG_S("proc", conf.proc));
	put_kv(l, &LOG_S("msg", msg ? msg : ""));
}

static void write_line(const struct line *l)
{
	ssize_t n;

	/* One write: lines of several threads and processes do not mix.  A
	 * log that cannot be written must not stop a call. */
	do {
		n = write(STDERR_FILENO, l->buf, l->len);
	} while (n < 0 && errno == EINTR);
}

void log_write(enum log_level level, const char *msg,
	       const struct log_kv *kvv, unsigned kvc)
{
	const int saved = errno;
	struct line l;
	unsigned i;

	if (level < LOG_L_DEBUG || level > LOG_L_ERROR || !log_on(level))
		return;

	l.len = 0;
	l.cut = false;
	l.json = conf.format == LOG_FMT_JSON;

	put_head(&l, level, msg);
	for (i = 0; kvv && i < kvc; i++)
		put_kv(&l, &kvv[i]);

	l.len += (size_t)snprintf(l.buf + l.len, sizeof(l.buf) - l.len,
				  "%s%s\n",
				  !l.cut ? "" :
				  l.json ? ",\"cut\":true" : " cut=true",
				  l.json ? "}" : "");
	write_line(&l);
	errno = saved;
}
