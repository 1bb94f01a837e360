/* SPDX-License-Identifier: MIT */
/* What was counted: calls by outcome, and times with their percentiles. */
#ifndef PHONE_TALLY_H
#define PHONE_TALLY_H

#include <stddef.h>
#include <stdint.h>
#include "tests/phone/base.h"

enum {
	TALLY_CODES = 700, /* SIP status codes; 0 is "none" */
};

/* Times [ms], all kept: percentiles are exact. */
struct series {
	double *v; /* owned; series_reset frees */
	size_t n, size;
};

struct tally {
	uint64_t made, incoming, answered, ended;
	uint64_t byes, reinvites; /* received, done */
	uint32_t failed[TALLY_CODES];
	struct series setup, ring;
};

/** A value is lost when there is no memory for it. */
void series_add(struct series *s, double ms);

/** {"n","p50","p90","p99","max"}; percentiles are null without values. */
json_t *series_json(struct series *s);

void series_reset(struct series *s);

/** {"486": 3, ...}: only codes that were counted. */
json_t *tally_failed_json(const uint32_t failed[TALLY_CODES]);

void tally_fail(uint32_t failed[TALLY_CODES], unsigned code);

void tally_reset(struct tally *t);

#endif
