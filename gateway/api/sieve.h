/* SPDX-License-Identifier: MIT */
/*
 * A page of those items of a list that are wanted: the list is read on until
 * there are enough of them, or SIEVE_LOOK were looked at; then the page has
 * fewer than asked for, and its cursor goes on from there.
 */

#ifndef SY_GATEWAY_API_SIEVE_H
#define SY_GATEWAY_API_SIEVE_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/api/api.h"

enum { SIEVE_LOOK = 10000, SIEVE_PAGE = 1000, SIEVE_CURSOR_SIZE = 256 };

struct sieve;

/** A list. */
struct sieve_def {
	const char *what;  /* it has: "call"                              */
	/** Ask for the page after a cursor (NULL: the first); sieve_page()
	 * gets the answer. @return as sieve_page's err. */
	int (*askh)(struct redis *r, const char *cursor, size_t limit,
		    struct sieve *s);
	/** Is it wanted?  It may be completed here, too. */
	bool (*wantedh)(ProtobufCMessage *msg, const void *filter,
			struct api *api);
	/** The cursor after an item. */
	const char *(*cursorh)(const ProtobufCMessage *msg);
};

/**
 * Answer with a page.
 *
 * @param limit   Wanted items at most.
 * @param cursor  Or "".
 * @param filter  For wantedh; copied.
 */
void sieve_list(struct api_req *a, const struct sieve_def *def, size_t limit,
		const char *cursor, const void *filter, size_t size);

/** A page of the list. @param msgv  Borrowed. @param next  Or NULL. */
void sieve_page(struct sieve *s, int err, const void *msgv, size_t n,
		const char *next);

#endif
