/* SPDX-License-Identifier: MIT */
/* See trace_mask.h.  Rather too much is masked than too little: what looks
 * like a secret is one, wherever it stands. */

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include "proto/trace_mask.h"

/* A range of the message. */
struct span {
	char *p;
	char *end;
};

static void hide(char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p != '\r' && *p != '\n')
			*p = '*';
	}
}

static bool starts(const struct span *s, const char *lit)
{
	const size_t n = strlen(lit);

	return (size_t)(s->end - s->p) >= n && !strncasecmp(s->p, lit, n);
}

static char *skip_space(char *p, const char *end)
{
	while (p < end && isspace((unsigned char)*p))
		++p;

	return p;
}

/* ---------------------------------------------------------------- headers */

static bool is_word(const char *p, size_t len, const char *const *v)
{
	for (; *v; v++) {
		if (strlen(*v) == len && !strncasecmp(p, *v, len))
			return true;
	}

	return false;
}

/* The end of a value: quoted, or up to a comma, a semicolon or white space. */
static char *value_end(char *p, const char *end)
{
	if (p < end && *p == '"') {
		for (++p; p < end && *p != '"'; p++) {
			if (*p == '\\' && p + 1 < end)
				++p;
		}
		return p;
	}
	while (p < end && *p != ',' && *p != ';' && !isspace((unsigned char)*p))
		++p;

	return p;
}

/* name = value, as often as there is one. */
static void hide_params(struct span s)
{
	static const char *const secret[] = {"nonce",	  "cnonce",  "response",
					     "nextnonce", "rspauth", "opaque",
					     NULL};
	char *p = s.p;

	while (p < s.end) {
		char *name = p, *val, *end;

		while (p < s.end && (isalnum((unsigned char)*p) || *p == '-'))
			++p;
		if (p == name) {
			p = *p == '"' ? value_end(p, s.end) + 1 : p + 1;
			continue;
		}
		val = skip_space(p, s.end);
		if (val == s.end || *val != '=')
			continue;
		val = skip_space(val + 1, s.end);
		end = value_end(val, s.end);
		if (is_word(name, (size_t)(p - name), secret))
			hide(val + (val < s.end && *val == '"'), end);
		p = end < s.end && *end == '"' ? end + 1 : end;
	}
}

static void hide_credentials(struct span s)
{
	if (starts(&s, "Digest")) {
		hide_params(s);
		return;
	}
	while (s.p < s.end && !isspace((unsigned char)*s.p))
		++s.p;
	hide(s.p, s.end);
}

static void hide_identity(struct span s)
{
	const char *end = memchr(s.p, ';', (size_t)(s.end - s.p));

	hide(s.p, end ? end : s.end);
}

static const struct {
	const char *name;
	void (*hide)(struct span s);
} headers[] = {
    {"Authorization", hide_credentials},
    {"Proxy-Authorization", hide_credentials},
    {"WWW-Authenticate", hide_params},
    {"Proxy-Authenticate", hide_params},
    {"Authentication-Info", hide_params},
    {"Proxy-Authentication-Info", hide_params},
    {"Identity", hide_identity},
    {"y", hide_identity},
};

/* The end of a header: of its last line that goes on. */
static char *header_end(char *p, char *end)
{
	do {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return end;
		++p;
	} while (p < end && (*p == ' ' || *p == '\t'));

	return p;
}

static void mask_header(struct span s)
{
	char *colon = memchr(s.p, ':', (size_t)(s.end - s.p)), *e = colon;

	if (!colon)
		return;
	while (e > s.p && isspace((unsigned char)e[-1]))
		--e;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		const char *name = headers[i].name;

		if (strlen(name) != (size_t)(e - s.p) ||
		    strncasecmp(s.p, name, strlen(name)))
			continue;
		s.p = skip_space(colon + 1, s.end);
		headers[i].hide(s);
		return;
	}
}

/* ------------------------------------------------------------------ bodies */

/* a=crypto:1 SUITE inline:KEY|... ; the lifetime and the MKI go too. */
static void hide_inline(struct span s)
{
	for (char *p = s.p; p + 7 <= s.end; p++) {
		const struct span rest = {p, s.end};

		if (starts(&rest, "inline:")) {
			hide(p + 7, s.end);
			return;
		}
	}
}

static void hide_signal(struct span s)
{
	char *p = skip_space(s.p + 6, s.end);

	if (p < s.end && (*p == '=' || *p == ':'))
		hide(skip_space(p + 1, s.end), s.end);
}

static void mask_body_line(struct span s)
{
	s.p = skip_space(s.p, s.end);
	if (starts(&s, "a=crypto"))
		hide_inline(s);
	else if (starts(&s, "a=ice-pwd:"))
		hide(s.p + 10, s.end);
	else if (starts(&s, "a=key-mgmt:"))
		hide(s.p + 11, s.end);
	else if (starts(&s, "k="))
		hide(s.p + 2, s.end);
	else if (starts(&s, "Signal"))
		hide_signal(s);
}

static void mask_body(struct span s)
{
	while (s.p < s.end) {
		char *nl = s.p;

		while (nl < s.end && *nl != '\n' && *nl != '\r')
			++nl;
		mask_body_line((struct span){s.p, nl});
		s.p = nl + 1;
	}
}

/* Is a header's value a body of nothing but a digit? */
static bool is_dtmf(struct span s)
{
	char *colon = memchr(s.p, ':', (size_t)(s.end - s.p));

	if (!colon || !(starts(&s, "Content-Type") ||
			(starts(&s, "c") && (s.p[1] == ':' || s.p[1] == ' '))))
		return false;
	s.p = skip_space(colon + 1, s.end);
	if (!starts(&s, "application/dtmf"))
		return false;

	return s.p + 16 == s.end || s.p[16] != '-';
}

void trace_mask(char *p, size_t len)
{
	char *const end = p + len;
	bool dtmf = false;

	p = header_end(p, end); /* the start line */
	while (p < end && *p != '\r' && *p != '\n') {
		const struct span s = {p, header_end(p, end)};

		dtmf = dtmf || is_dtmf(s);
		mask_header(s);
		p = s.end;
	}
	if (dtmf)
		hide(p, end);
	else
		mask_body((struct span){p, end});
}
