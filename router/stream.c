/* SPDX-License-Identifier: MIT */
/* Framing of SIP on a byte stream; see stream.h. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "router/stream.h"

enum { STREAM_FIRST = 4096 }; /* bytes of a new buffer */

void stream_close(struct stream *st)
{
	free(st->buf);
	memset(st, 0, sizeof(*st));
}

char *stream_room(struct stream *st, size_t *n)
{
	if (st->start && (st->start == st->len || st->len == st->size)) {
		memmove(st->buf, st->buf + st->start, st->len - st->start);
		st->len -= st->start;
		st->scanned = st->scanned > st->start
				      ? st->scanned - st->start
				      : 0;
		st->start = 0;
	}
	if (st->len == st->size) {
		size_t size = st->size ? 2 * st->size : STREAM_FIRST;
		char *buf = realloc(st->buf, size);

		if (!buf)
			return NULL;
		st->buf = buf;
		st->size = size;
	}
	*n = st->size - st->len;

	return st->buf + st->len;
}

void stream_put(struct stream *st, size_t n)
{
	st->len += n;
}

static bool is_eol(char c)
{
	return c == '\r' || c == '\n';
}

static bool is_lws(char c)
{
	return is_eol(c) || c == ' ' || c == '\t';
}

/* The size of the headers with their empty line; 0: they have no end yet. */
static size_t headers_end(struct stream *st)
{
	const char *e = st->buf + st->len;
	const char *p = st->buf + (st->scanned > st->start ? st->scanned
							   : st->start);

	while ((p = memchr(p, '\n', e - p))) {
		const char *q = p + 1;

		if (q < e && *q == '\r')
			++q;
		if (q == e) {
			st->scanned = p - st->buf;
			return 0;
		}
		if (*q == '\n')
			return q + 1 - (st->buf + st->start);
		++p;
	}
	st->scanned = st->len;

	return 0;
}

/* Value of Content-Length in a line; false: it is another header. */
static bool length_line(const char *p, const char *e, long *np)
{
	const char *colon = memchr(p, ':', e - p), *q;
	size_t namelen;
	long n = 0;

	if (!colon)
		return false;
	for (q = colon; q > p && (q[-1] == ' ' || q[-1] == '\t'); --q)
		;
	namelen = q - p;
	if (!(namelen == 14 && !strncasecmp(p, "Content-Length", 14)) &&
	    !(namelen == 1 && (*p | 0x20) == 'l'))
		return false;

	*np = -1;
	for (q = colon + 1; q < e && is_lws(*q); ++q)
		;
	if (q == e || *q < '0' || *q > '9')
		return true;
	for (; q < e && *q >= '0' && *q <= '9'; ++q) {
		n = n * 10 + (*q - '0');
		if (n > STREAM_MESSAGE_MAX)
			n = STREAM_MESSAGE_MAX + 1;
	}
	for (; q < e && is_lws(*q); ++q)
		;
	if (q == e)
		*np = n;

	return true;
}

/* Content-Length, or -1: none, a bad one, or two that differ. */
static long content_length(const char *p, size_t head)
{
	const char *e = p + head, *next;
	long n = -1, found;
	bool have = false;

	for (; p < e; p = next) {
		const char *lf = memchr(p, '\n', e - p);

		while (lf && lf + 1 < e && (lf[1] == ' ' || lf[1] == '\t'))
			lf = memchr(lf + 1, '\n', e - lf - 1);
		next = lf ? lf + 1 : e;
		if (!length_line(p, next, &found))
			continue;
		if (have && n != found)
			return -1;
		have = true;
		n = found;
	}

	return n;
}

static enum stream_out keepalive(struct stream *st)
{
	const char *p = st->buf + st->start;
	const size_t n = st->len - st->start;

	if (n >= 4 && !memcmp(p, "\r\n\r\n", 4)) {
		st->total = 4;
		return STREAM_PING;
	}
	if (n < 4 && !memcmp(p, "\r\n\r\n", n))
		return STREAM_MORE;

	/* stray line ends before a message, RFC 3261 7.5 */
	while (st->start < st->len && is_eol(st->buf[st->start]))
		++st->start;

	return st->start == st->len ? STREAM_MORE : STREAM_MESSAGE;
}

enum stream_out stream_next(struct stream *st, const char **p, size_t *len)
{
	enum stream_out out;
	size_t head;
	long n;

	if (st->start == st->len)
		return STREAM_MORE;
	if (is_eol(st->buf[st->start])) {
		out = keepalive(st);
		if (out != STREAM_MESSAGE)
			return out;
	}

	*p = st->buf + st->start;
	*len = st->len - st->start;
	if (!st->total) {
		head = headers_end(st);
		if (!head)
			return *len > STREAM_MESSAGE_MAX ? STREAM_JUNK
							 : STREAM_MORE;
		n = content_length(*p, head);
		if (n < 0 || head + n > STREAM_MESSAGE_MAX) {
			*len = st->total = head;
			return n < 0 ? STREAM_NO_LENGTH : STREAM_TOO_LARGE;
		}
		st->total = head + n;
	}
	if (*len < st->total)
		return STREAM_MORE;
	*len = st->total;

	return STREAM_MESSAGE;
}

void stream_done(struct stream *st)
{
	st->start += st->total;
	st->total = 0;
	if (st->scanned < st->start)
		st->scanned = st->start;
}
