/* SPDX-License-Identifier: MIT */
/*
 * Metrics: counters, gauges and histograms of a process, printed in
 * Prometheus' text format.  Registration at start, on one thread; adding and
 * setting from any thread (C11 atomics, relaxed), so also on the media tick
 * and on the packet path.
 */

#ifndef SY_PROTO_METRICS_H
#define SY_PROTO_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct metric;

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

/**
 * Register a metric, or get it again by the same name and labels.
 *
 * @param name    "sy_router_requests_total"; static string.
 * @param help    Static string.
 * @param labels  "method=\"INVITE\"" or NULL; copied.
 *
 * @return the metric, which lives as long as the process; NULL: no memory.
 */
struct metric *metric_add(enum metric_type type, const char *name,
			  const char *help, const char *labels);

void metric_inc(struct metric *m);
void metric_count(struct metric *m, uint64_t n);
/** A gauge's value; of a counter: what a count kept elsewhere stands at. */
void metric_set(struct metric *m, double value);
double metric_value(const struct metric *m);

/**
 * Register a histogram.
 *
 * @param boundv  Upper bounds, ascending; static.
 */
struct histogram;
struct histogram *histogram_add(const char *name, const char *help,
				const char *labels, const double *boundv,
				size_t boundc);
void histogram_put(struct histogram *h, double value);

/** @return all metrics as text; owned by the caller (free()). */
char *metrics_print(void);

#endif
