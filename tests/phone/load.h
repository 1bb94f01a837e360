/* SPDX-License-Identifier: MIT */
/*
 * Load: calls at a fixed rate, each held for a time and ended by its caller;
 * both ends listen for the right tone.
 */
#ifndef PHONE_LOAD_H
#define PHONE_LOAD_H

#include "tests/phone/phone.h"

struct load_param {
	const char *from; /* "p%d", or the id of one phone         */
	const char *to;	  /* "q%d" a phone of ours, or a number    */
	unsigned count;	  /* calls                                 */
	unsigned first;	  /* number of the first pair              */
	unsigned phones;  /* pairs used in turn; 0: all there are  */
	double rate;	  /* calls a second                        */
	unsigned hold_ms; /* from the answer to the BYE            */
	bool media;	  /* listen for the tones                  */
	bool gaps;	  /* and watch them while the calls last   */
	unsigned parallel; /* calls at a time at most; 0: any      */
	unsigned progress_ms; /* 0: no progress events             */
};

/**
 * Begin; events load_progress, at last load.
 *
 * @return 0; ENOENT no such phone; ENOMEM
 */
int load_start(struct farm *farm, const struct load_param *prm);

#endif
