/* SPDX-License-Identifier: MIT */
/* Lines of commands, from a pipe or a file. */
#ifndef PHONE_INPUT_H
#define PHONE_INPUT_H

#include "tests/phone/phone.h"

struct input;

/**
 * Read commands until the end, `quit`, or for ever.
 *
 * @param fd    Not closed by the input.
 * @param endh  Called once when no more will come.
 */
int input_alloc(struct input **inp, struct farm *farm, int fd,
		void (*endh)(void *arg), void *arg);

#endif
