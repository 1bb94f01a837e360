/* SPDX-License-Identifier: MIT */
/* See trace_stat.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "proto/metrics.h"
#include "router/trace_stat.h"

enum { CODE_MIN = 100, CODE_MAX = 699 };

/* Those of the IANA registry that are in use; all others are "other". */
static const uint16_t codes[] = {
    100, 180, 181, 182, 183, 199, 200, 202, 204, 300, 301, 302, 305, 380, 400,
    401, 402, 403, 404, 405, 406, 407, 408, 410, 412, 413, 414, 415, 416, 417,
    420, 421, 422, 423, 424, 425, 428, 429, 430, 433, 436, 437, 438, 439, 440,
    469, 470, 480, 481, 482, 483, 484, 485, 486, 487, 488, 489, 491, 493, 494,
    500, 501, 502, 503, 504, 505, 513, 555, 580, 600, 603, 604, 606, 607, 608,
};

enum { CODE_COUNT = sizeof(codes) / sizeof(codes[0]) };

_Static_assert(sizeof(codes) / sizeof(codes[0]) < TRACE_CODES, "codes");

static uint8_t indexv[CODE_MAX + 1]; /* RO after init         */
static struct metric *requests[2][VIEW_METHOD_COUNT];
static struct metric *responses[2][VIEW_METHOD_COUNT][TRACE_CLASSES];
static struct metric *answers[2][CODE_COUNT + 1];

static const char *const directions[] = {"in", "out"};

static struct metric *add_metric(const char *name, const char *help,
				 const char *labels)
{
	return metric_add(METRIC_COUNTER, name, help, labels);
}

static bool add_method(unsigned dir, unsigned method)
{
	const char *name = view_method_name(method);
	bool ok = true;
	char labels[96];

	snprintf(labels, sizeof(labels), "direction=\"%s\",method=\"%s\"",
		 directions[dir], name);
	requests[dir][method] =
	    add_metric("sy_sip_requests_total",
		       "Requests between this router and peers", labels);
	ok = requests[dir][method] != NULL;
	for (unsigned c = 0; c < TRACE_CLASSES; c++) {
		snprintf(labels, sizeof(labels),
			 "direction=\"%s\",method=\"%s\",class=\"%uxx\"",
			 directions[dir], name, c + 1);
		responses[dir][method][c] = add_metric(
		    "sy_sip_responses_total",
		    "Responses between this router and peers", labels);
		ok = ok && responses[dir][method][c];
	}

	return ok;
}

static bool add_code(unsigned dir, unsigned i)
{
	char labels[64], code[16] = "other";

	if (i)
		snprintf(code, sizeof(code), "%u", codes[i - 1]);
	snprintf(labels, sizeof(labels), "direction=\"%s\",code=\"%s\"",
		 directions[dir], code);
	answers[dir][i] = add_metric(
	    "sy_sip_response_codes_total",
	    "Responses between this router and peers, by code", labels);

	return answers[dir][i] != NULL;
}

int trace_stat_init(void)
{
	bool ok = true;

	for (unsigned i = 0; i < CODE_COUNT; i++)
		indexv[codes[i]] = (uint8_t)(i + 1);
	for (unsigned dir = 0; dir < 2; dir++) {
		for (unsigned m = 0; m < VIEW_METHOD_COUNT; m++)
			ok = add_method(dir, m) && ok;
		for (unsigned i = 0; i <= CODE_COUNT; i++)
			ok = add_code(dir, i) && ok;
	}

	return ok ? 0 : ENOMEM;
}

/* @param by  1, or (uint64_t)-1 */
static void count(struct trace_count *c, enum view_method method, uint16_t code,
		  uint64_t by)
{
	if (!code) {
		c->requests[method] += by;
		return;
	}
	if (code < CODE_MIN || code > CODE_MAX)
		return;
	c->responses[method][code / 100 - 1] += by;
	c->codes[indexv[code]] += by;
}

void trace_stat_received(struct trace_stat *st, const struct view *v)
{
	st->method = v->method;
	st->code = v->is_request ? 0 : v->code;
	count(&st->now[0], st->method, st->code, 1);
}

void trace_stat_undo(struct trace_stat *st)
{
	count(&st->now[0], st->method, st->code, (uint64_t)-1);
}

/* "SIP/2.0 200 OK": 200; else 0. */
static uint16_t code_of(const char *p, size_t len)
{
	uint16_t code = 0;

	if (len < 12 || memcmp(p, "SIP/2.0 ", 8))
		return 0;
	for (size_t i = 8; i < 11; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
		code = (uint16_t)(code * 10 + (p[i] - '0'));
	}

	return code;
}

void trace_stat_sent(struct trace_stat *st, const struct iovec *iov, size_t n,
		     enum view_method method)
{
	const char *p = n ? iov[0].iov_base : NULL;
	const size_t len = n ? iov[0].iov_len : 0;
	const uint16_t code = code_of(p, len);
	const char *sp = p ? memchr(p, ' ', len) : NULL;
	struct pl name;

	if (!code && sp) {
		name.p = p;
		name.l = (size_t)(sp - p);
		method = view_method_read(&name);
	}
	count(&st->now[1], method, code, 1);
}

static void tell(struct metric *m, uint64_t now, uint64_t *told)
{
	if (now == *told || now < *told)
		return; /* what is under way may be undone yet */
	metric_count(m, now - *told);
	*told = now;
}

void trace_stat_publish(struct trace_stat *st)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		struct trace_count *now = &st->now[dir];
		struct trace_count *told = &st->told[dir];

		for (unsigned m = 0; m < VIEW_METHOD_COUNT; m++) {
			tell(requests[dir][m], now->requests[m],
			     &told->requests[m]);
			for (unsigned c = 0; c < TRACE_CLASSES; c++)
				tell(responses[dir][m][c], now->responses[m][c],
				     &told->responses[m][c]);
		}
		for (unsigned i = 0; i <= CODE_COUNT; i++)
			tell(answers[dir][i], now->codes[i], &told->codes[i]);
	}
}
