/* SPDX-License-Identifier: MIT */
/*
 * Families in the order of their registration, each with its metrics.  A
 * mutex guards the lists (registration and printing, both rare); values are
 * atomics that the lists' readers and the writers share without it.
 */

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/log.h"
#include "proto/metrics.h"

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const char *const kind_names[] = {
	[COUNTER] = "counter",
	[GAUGE] = "gauge",
	[HISTOGRAM] = "histogram",
};

struct metric {
	struct metric *next;     /* of its family, under lock         */
	char *labels;            /* "" or 'a="b"'; RO after start     */
	enum kind kind;          /* RO after start                    */
	_Atomic uint64_t count;  /* counter                           */
	_Atomic double value;    /* gauge                             */
};

struct histogram {
	struct metric m;         /* first: listed as a metric         */
	const double *boundv;    /* RO after start                    */
	size_t boundc;
	_Atomic double sum;
	_Atomic uint64_t bucketv[]; /* boundc + 1, each alone, not
				       cumulative                     */
};

struct family {
	struct family *next;
	const char *name, *help;
	enum kind kind;
	struct metric *first, **lastp;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct family *families, **families_lastp = &families;

/* ------------------------------------------------------------- validation */

static bool name_char(char c, bool first, bool colon)
{
	return c == '_' || (colon && c == ':') || isalpha((unsigned char)c) ||
	       (!first && isdigit((unsigned char)c));
}

static bool name_valid(const char *s)
{
	const char *p;

	for (p = s; *p; p++) {
		if ((unsigned char)*p >= 0x80 || !name_char(*p, p == s, true))
			return false;
	}

	return p != s;
}

/* One name="value". @return what follows it, or NULL. */
static const char *label_end(const char *p)
{
	const char *s = p;

	while ((unsigned char)*p < 0x80 && name_char(*p, p == s, false))
		p++;
	if (p == s || p[0] != '=' || p[1] != '"')
		return NULL;
	if (p - s == 2 && !strncmp(s, "le", 2))
		return NULL; /* a histogram's own */

	for (p += 2; *p != '"'; p++) {
		if (*p == '\\' && !strchr("\\\"n", *++p))
			return NULL;
		if (!*p || *p == '\n')
			return NULL;
	}

	return p + 1;
}

static bool labels_valid(const char *p)
{
	while (*p) {
		p = label_end(p);
		if (!p)
			return false;
		if (!*p)
			return true;
		if (*p++ != ',' || !*p)
			return false;
	}

	return true; /* none */
}

/* ----------------------------------------------------------- registration */

static struct family *family_get(enum kind kind, const char *name,
				 const char *help)
{
	struct family *f;

	for (f = families; f; f = f->next) {
		if (!strcmp(f->name, name))
			return f;
	}

	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;

	f->name = name;
	f->help = help;
	f->kind = kind;
	f->lastp = &f->first;
	*families_lastp = f;
	families_lastp = &f->next;

	return f;
}

static struct metric *metric_new(struct family *f, const char *labels,
				 size_t size)
{
	struct metric *m;

	m = calloc(1, size);
	if (!m)
		return NULL;

	m->labels = strdup(labels);
	if (!m->labels) {
		free(m);
		return NULL;
	}

	m->kind = f->kind;
	*f->lastp = m;
	f->lastp = &m->next;

	return m;
}

/* Find or make one; @param newp set to whether it was made. */
static struct metric *get(enum kind kind, const char *name, const char *help,
			  const char *labels, size_t size, bool *newp)
{
	struct family *f;
	struct metric *m = NULL;

	*newp = false;
	if (!labels)
		labels = "";
	if (!name || !name_valid(name) || !labels_valid(labels)) {
		log_error("metric has a wrong name or labels",
			  LOG_S("metric", name), LOG_S("labels", labels));
		return NULL;
	}

	f = family_get(kind, name, help ? help : "");
	if (!f)
		return NULL;
	if (f->kind != kind) {
		log_error("metric is of another type already",
			  LOG_S("metric", name),
			  LOG_S("type", kind_names[f->kind]));
		return NULL;
	}

	for (m = f->first; m; m = m->next) {
		if (!strcmp(m->labels, labels))
			return m;
	}

	*newp = true;
	return metric_new(f, labels, size);
}

struct metric *metric_add(enum metric_type type, const char *name,
			  const char *help, const char *labels)
{
	struct metric *m;
	bool made;

	pthread_mutex_lock(&lock);
	m = get(type == METRIC_GAUGE ? GAUGE : COUNTER, name, help, labels,
		sizeof(*m), &made);
	pthread_mutex_unlock(&lock);

	return m;
}

struct histogram *histogram_add(const char *name, const char *help,
				const char *labels, const double *boundv,
				size_t boundc)
{
	struct histogram *h;
	struct metric *m;
	bool made;

	pthread_mutex_lock(&lock);
	m = get(HISTOGRAM, name, help, labels,
		sizeof(*h) + (boundc + 1) * sizeof(h->bucketv[0]), &made);
	h = (struct histogram *)m;
	if (made && h) {
		h->boundv = boundv;
		h->boundc = boundc;
	}
	pthread_mutex_unlock(&lock);

	return h;
}

/* ----------------------------------------------------------------- values */

static void add_double(_Atomic double *p, double n)
{
	double old = atomic_load_explicit(p, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(p, &old, old + n,
						      memory_order_relaxed,
						      memory_order_relaxed))
		;
}

void metric_inc(struct metric *m)
{
	metric_count(m, 1);
}

void metric_count(struct metric *m, uint64_t n)
{
	if (!m)
		return;

	if (m->kind == GAUGE)
		add_double(&m->value, (double)n);
	else
		atomic_fetch_add_explicit(&m->count, n, memory_order_relaxed);
}

void metric_set(struct metric *m, double value)
{
	if (!m)
		return;

	if (m->kind == GAUGE)
		atomic_store_explicit(&m->value, value, memory_order_relaxed);
	else
		atomic_store_explicit(&m->count, (uint64_t)value,
				      memory_order_relaxed);
}

double metric_value(const struct metric *m)
{
	if (!m)
		return 0;

	if (m->kind == GAUGE)
		return atomic_load_explicit(&m->value, memory_order_relaxed);

	return (double)atomic_load_explicit(&m->count, memory_order_relaxed);
}

void histogram_put(struct histogram *h, double value)
{
	size_t i = 0;

	if (!h || isnan(value))
		return;

	while (i < h->boundc && value > h->boundv[i])
		i++;
	atomic_fetch_add_explicit(&h->bucketv[i], 1, memory_order_relaxed);
	add_double(&h->sum, value);
}

/* --------------------------------------------------------------- printing */

/* As short as it can be and still be read back as the same number. */
static void print_double(FILE *f, double v)
{
	char text[32];

	if (isnan(v) || isinf(v)) {
		(void)fputs(isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf", f);
		return;
	}

	(void)snprintf(text, sizeof(text), "%.15g", v);
	if (strtod(text, NULL) != v)
		(void)snprintf(text, sizeof(text), "%.17g", v);
	(void)fputs(text, f);
}

static void print_name(FILE *f, const char *name, const char *suffix,
		       const char *labels)
{
	(void)fprintf(f, "%s%s", name, suffix);
	if (labels[0])
		(void)fprintf(f, "{%s}", labels);
	(void)fputc(' ', f);
}

static void print_histogram(FILE *f, const char *name,
			    const struct histogram *h)
{
	const char *labels = h->m.labels;
	uint64_t total = 0;
	size_t i;

	/* The count is the sum of the buckets as read, so that +Inf and
	 * _count agree however many threads are adding. */
	for (i = 0; i <= h->boundc; i++) {
		total += atomic_load_explicit(&h->bucketv[i],
					      memory_order_relaxed);
		(void)fprintf(f, "%s_bucket{%s%sle=\"", name, labels,
			      labels[0] ? "," : "");
		print_double(f, i < h->boundc ? h->boundv[i] : INFINITY);
		(void)fprintf(f, "\"} %" PRIu64 "\n", total);
	}

	print_name(f, name, "_sum", labels);
	print_double(f, atomic_load_explicit(&h->sum, memory_order_relaxed));
	(void)fputc('\n', f);
	print_name(f, name, "_count", labels);
	(void)fprintf(f, "%" PRIu64 "\n", total);
}

static void print_metric(FILE *f, const char *name, const struct metric *m)
{
	if (m->kind == HISTOGRAM) {
		print_histogram(f, name, (const struct histogram *)m);
		return;
	}

	print_name(f, name, "", m->labels);
	if (m->kind == COUNTER)
		(void)fprintf(f, "%" PRIu64,
			      atomic_load_explicit(&m->count,
						   memory_order_relaxed));
	else
		print_double(f, metric_value(m));
	(void)fputc('\n', f);
}

static void print_help(FILE *f, const char *p)
{
	for (; *p; p++) {
		if (*p == '\\' || *p == '\n')
			(void)fprintf(f, "\\%c", *p == '\n' ? 'n' : '\\');
		else
			(void)fputc(*p, f);
	}
}

char *metrics_print(void)
{
	const struct family *fam;
	const struct metric *m;
	char *text = NULL;
	size_t size;
	FILE *f;
	bool bad;

	f = open_memstream(&text, &size);
	if (!f)
		return NULL;

	pthread_mutex_lock(&lock);
	for (fam = families; fam; fam = fam->next) {
		if (!fam->first)
			continue;
		(void)fprintf(f, "# HELP %s ", fam->name);
		print_help(f, fam->help);
		(void)fprintf(f, "\n# TYPE %s %s\n", fam->name,
			      kind_names[fam->kind]);
		for (m = fam->first; m; m = m->next)
			print_metric(f, fam->name, m);
	}
	pthread_mutex_unlock(&lock);

	bad = ferror(f) != 0;
	if (fclose(f) || bad) {
		free(text);
		return NULL;
	}

	return text;
}
