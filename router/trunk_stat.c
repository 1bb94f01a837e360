/* SPDX-License-Identifier: MIT */
/* Gauges of trunks; see trunk_stat.h. */

#include <math.h>
#include <re.h>
#include "proto/metrics.h"
#include "router/trunk_stat.h"

static void gauge(const char *name, const char *help, const char *trunk,
		  double value)
{
	char labels[128];

	if (re_snprintf(labels, sizeof(labels), "trunk=\"%s\"", trunk) > 0)
		metric_set(metric_add(METRIC_GAUGE, name, help, labels), value);
}

static void set(const char *trunk, double registered, double reachable,
		double rtt_s)
{
	gauge("sy_trunk_registered",
	      "Registered at the trunk; NaN: it is not registered at, or "
	      "another router works for it",
	      trunk, registered);
	gauge("sy_trunk_reachable",
	      "The trunk answers OPTIONS; NaN: it is not asked, or another "
	      "router works for it",
	      trunk, reachable);
	gauge("sy_trunk_rtt_seconds", "Time until it answered last", trunk,
	      rtt_s);
}

void trunk_stat_set(const Sy__TrunkState *ts)
{
	set(ts->trunk, ts->registers ? ts->registered : NAN,
	    ts->checked ? ts->reachable : NAN,
	    ts->checked && ts->reachable ? (double)ts->rtt_ms / 1000 : NAN);
}

void trunk_stat_clear(const char *trunk)
{
	set(trunk, NAN, NAN, NAN);
}
