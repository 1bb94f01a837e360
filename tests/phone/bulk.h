/* SPDX-License-Identifier: MIT */
/* What is done to many phones, or takes its time. */
#ifndef PHONE_BULK_H
#define PHONE_BULK_H

#include "tests/phone/phone.h"

/** Put a number for the first "%d" of a pattern. */
void bulk_name(char *buf, size_t size, const char *pattern, unsigned n);

/**
 * Register all phones of a pattern at a rate; event registered_all at last.
 *
 * @param rate    Phones a second.
 * @param countp  How many they are.
 */
int bulk_register(struct farm *farm, const char *pattern, uint32_t expires,
		  double rate, unsigned *countp);

/** Forget a phone after its calls and its registration are ended. */
int bulk_remove(struct phone *p);

#endif
