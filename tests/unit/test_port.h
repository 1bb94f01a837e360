/* SPDX-License-Identifier: MIT */
/* Ports for tests that run beside each other. */

#ifndef SY_TESTS_UNIT_TEST_PORT_H
#define SY_TESTS_UNIT_TEST_PORT_H

#include <stdint.h>
#include <unistd.h>

enum { TEST_PORTS = 200 };

/* The first of TEST_PORTS ports of this process's own, below those that the
 * kernel gives to who asks for any. */
static inline uint16_t test_port_base(void)
{
	enum { FIRST = 12000, RANGES = 100 };

	return (uint16_t)(FIRST + getpid() % RANGES * TEST_PORTS);
}

#endif
