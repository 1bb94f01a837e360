/* SPDX-License-Identifier: MIT */
/* A text has something in it, or not; the whole of it is shown if not so. */

#ifndef SY_TESTS_UNIT_HAS_H
#define SY_TESTS_UNIT_HAS_H

#define HAS(str, sub)                                                         \
	do {                                                                  \
		if (!strstr(str, sub))                                        \
			fail_msg("no \"%s\" in:\n%s", sub, str);              \
	} while (0)
#define HAS_NOT(str, sub)                                                     \
	do {                                                                  \
		if (strstr(str, sub))                                         \
			fail_msg("\"%s\" in:\n%s", sub, str);                 \
	} while (0)

#endif
