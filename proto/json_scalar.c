/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/json_scalar.h"

const char *json_name(char *buf, const ProtobufCFieldDescriptor *f)
{
	const char *p;
	size_t n = 0;
	bool up = false;

	for (p = f->name; *p && n < JSON_NAME_MAX - 1; p++) {
		if (*p == '_') {
			up = true;
			continue;
		}
		buf[n++] = up ? (char)toupper((unsigned char)*p) : *p;
		up = false;
	}
	buf[n] = '\0';

	return buf;
}

bool json_is_timestamp(const ProtobufCMessageDescriptor *d)
{
	return !strcmp(d->name, "google.protobuf.Timestamp");
}

/* ------------------------------------------------------------------- time */

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z */
#define TIME_MIN (-62135596800LL)
#define TIME_MAX 253402300799LL

bool json_time_print(char *buf, int64_t seconds, int32_t nanos)
{
	const time_t t = (time_t)seconds;
	char frac[12];
	struct tm tm;

	if (seconds < TIME_MIN || seconds > TIME_MAX || nanos < 0 ||
	    nanos > 999999999 || !gmtime_r(&t, &tm))
		return false;

	/* 3, 6 or 9 digits, as the mapping may; not 0, so that texts of whole
	 * ms, as all are but a trace's, sort as the times do. */
	if (nanos % 1000)
		(void)snprintf(frac, sizeof(frac), ".%09d", (int)nanos);
	else if (nanos % 1000000)
		(void)snprintf(frac, sizeof(frac), ".%06d", (int)nanos / 1000);
	else
		(void)snprintf(frac, sizeof(frac), ".%03d",
			       (int)nanos / 1000000);

	return snprintf(buf, JSON_TIME_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%sZ",
			tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			tm.tm_hour, tm.tm_min, tm.tm_sec, frac) <
	       JSON_TIME_MAX;
}

/* Exactly n digits. */
static bool digits(const char **pp, int n, int *val)
{
	for (*val = 0; n--; ++*pp) {
		if (!isdigit((unsigned char)**pp))
			return false;
		*val = *val * 10 + (**pp - '0');
	}

	return true;
}

static bool expect(const char **pp, const char *set)
{
	if (!**pp || !strchr(set, **pp))
		return false;
	++*pp;

	return true;
}

static bool read_fraction(const char **pp, int32_t *nanos)
{
	int n = 0;

	*nanos = 0;
	if (**pp != '.')
		return true;

	for (++*pp; isdigit((unsigned char)**pp) && n < 9; ++*pp, n++)
		*nanos = *nanos * 10 + (**pp - '0');
	if (!n)
		return false;
	for (; n < 9; n++)
		*nanos *= 10;

	return true;
}

/* @param offset_s  East of UTC. */
static bool read_zone(const char **pp, int *offset_s)
{
	int h, m, sign;

	*offset_s = 0;
	if (expect(pp, "Zz"))
		return true;

	sign = **pp == '-' ? -1 : 1;
	if (!expect(pp, "+-") || !digits(pp, 2, &h) || !expect(pp, ":") ||
	    !digits(pp, 2, &m) || h > 23 || m > 59)
		return false;
	*offset_s = sign * (h * 3600 + m * 60);

	return true;
}

static bool read_date(const char **pp, struct tm *tm)
{
	return digits(pp, 4, &tm->tm_year) && expect(pp, "-") &&
	       digits(pp, 2, &tm->tm_mon) && expect(pp, "-") &&
	       digits(pp, 2, &tm->tm_mday) && expect(pp, "Tt") &&
	       digits(pp, 2, &tm->tm_hour) && expect(pp, ":") &&
	       digits(pp, 2, &tm->tm_min) && expect(pp, ":") &&
	       digits(pp, 2, &tm->tm_sec);
}

bool json_time_read(int64_t *seconds, int32_t *nanos, const char *str)
{
	struct tm tm, norm;
	int offset_s;
	int64_t t;

	memset(&tm, 0, sizeof(tm));
	if (!read_date(&str, &tm) || !read_fraction(&str, nanos) ||
	    !read_zone(&str, &offset_s) || *str)
		return false;
	if (tm.tm_year < 1 || tm.tm_hour > 23 || tm.tm_min > 59 ||
	    tm.tm_sec > 59)
		return false;

	tm.tm_year -= 1900;
	tm.tm_mon--;
	norm = tm;
	t = timegm(&norm);
	/* 30 February comes out as a day of March. */
	if (norm.tm_mon != tm.tm_mon || norm.tm_mday != tm.tm_mday)
		return false;

	t -= offset_s;
	if (t < TIME_MIN || t > TIME_MAX)
		return false;
	*seconds = t;

	return true;
}

/* ----------------------------------------------------------------- base64 */

char *json_base64_print(const uint8_t *p, size_t len)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text, *out;
	size_t i;

	out = text = malloc((len + 2) / 3 * 4 + 1);
	if (!text)
		return NULL;

	for (i = 0; i < len; i += 3) {
		const size_t n = len - i;
		const uint32_t v = (uint32_t)p[i] << 16 |
				   (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
				   (n > 2 ? p[i + 2] : 0);

		*out++ = abc[v >> 18];
		*out++ = abc[v >> 12 & 63];
		*out++ = n > 1 ? abc[v >> 6 & 63] : '=';
		*out++ = n > 2 ? abc[v & 63] : '=';
	}
	*out = '\0';

	return text;
}

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;

	return -1;
}

int json_base64_read(uint8_t **pp, size_t *lenp, const char *str)
{
	size_t len = strlen(str), i, n = 0;
	uint32_t v = 0;
	uint8_t *p;

	if (len % 4 == 0 && len && str[len - 1] == '=')
		len -= str[len - 2] == '=' ? 2 : 1;
	if (len % 4 == 1)
		return EBADMSG;

	*pp = NULL;
	*lenp = 0;
	if (!len)
		return 0;

	p = malloc(len / 4 * 3 + 3);
	if (!p)
		return ENOMEM;

	for (i = 0; i < len; i++) {
		const int s = sextet(str[i]);

		if (s < 0) {
			free(p);
			return EBADMSG;
		}
		v = v << 6 | (uint32_t)s;
		if (i % 4)
			p[n++] = (uint8_t)(v >> (6 - 2 * (i % 4)));
	}

	*pp = p;
	*lenp = n;

	return 0;
}

/* ------------------------------------------------------------------ UTF-8 */

/* Length of the sequence at p; 0: not valid (RFC 3629 4). */
static size_t utf8_len(const unsigned char *p)
{
	static const struct {
		unsigned char first, last, lo, hi;
		size_t len;
	} rows[] = {
		{0x01, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	size_t r, i;

	for (r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		if (*p < rows[r].first || *p > rows[r].last)
			continue;
		if (rows[r].len > 1 && (p[1] < rows[r].lo ||
					p[1] > rows[r].hi))
			return 0;
		for (i = 2; i < rows[r].len; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
		}
		return rows[r].len;
	}

	return 0;
}

char *json_utf8_clean(const char *str)
{
	char *copy, *out;
	size_t n;

	out = copy = malloc(3 * strlen(str) + 1);
	if (!copy)
		return NULL;

	while (*str) {
		n = utf8_len((const unsigned char *)str);
		memcpy(out, n ? str : "\xef\xbf\xbd", n ? n : 3);
		out += n ? n : 3;
		str += n ? n : 1;
	}
	*out = '\0';

	return copy;
}
