/* SPDX-License-Identifier: MIT */
/*
 * Numbers and prefixes as costly.c compares them: a number in each way that it
 * is written on its way through a trunk, a prefix in E.164 where it can be.
 *
 *   "00882123", "+882-123 4", "882123456" by a trunk that writes plain digits,
 *   and what its rules make of "9882123": all have the prefix "+882", or "00882"
 *
 * What is behind the prefix is not looked at: a carrier may take what is no
 * number of E.164.  Pure; any thread.
 */

#ifndef SY_PROTO_COSTLY_NUMBER_H
#define SY_PROTO_COSTLY_NUMBER_H

#include "proto/number.h"

enum { COSTLY_NUMBER_FORMS = 4 };

struct costly_number {
	char formv[COSTLY_NUMBER_FORMS][NUMBER_SIZE];
	size_t formc;
};

/** @param trunk   That would call it; NULL: not known.
 * @param number  As dialled. */
void costly_number_init(struct costly_number *num, const Sy__Trunk *trunk,
			const char *number);

/** @return the length of the prefix in E.164, if the number begins with it;
 *          0: it does not. */
size_t costly_number_match(const struct costly_number *num,
			   const Sy__Trunk *trunk, const char *prefix);

#endif
