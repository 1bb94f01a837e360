/* SPDX-License-Identifier: MIT */
/* Configurations as text: read, or refused with a reason. */

#ifndef SY_TESTS_UNIT_CONFIG_TEXT_H
#define SY_TESTS_UNIT_CONFIG_TEXT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "proto/config.h"

static char errbuf[1024];

static inline Sy__Config *read_ok(const char *json)
{
	Sy__Config *conf = NULL;

	if (config_read(&conf, "test", json, strlen(json), errbuf,
			sizeof(errbuf)))
		fail_msg("%s", errbuf);
	assert_non_null(conf);

	return conf;
}

/* @param why  "..." at its end: what follows may be anything. */
static inline void assert_refused(const char *json, const char *why)
{
	const char *more = strstr(why, "...");
	Sy__Config *conf = NULL;

	if (!config_read(&conf, "test", json, strlen(json), errbuf,
			 sizeof(errbuf)))
		fail_msg("taken: %s", json);
	assert_null(conf);
	assert_memory_equal(errbuf, "test: ", 6);
	if (more)
		errbuf[6 + (size_t)(more - why)] = '\0';
	assert_int_equal(more ? (size_t)(more - why) : strlen(why),
			 strlen(errbuf + 6));
	assert_memory_equal(errbuf + 6, why, strlen(errbuf + 6));
}

#endif
