/* SPDX-License-Identifier: MIT */
/*
 * Header fields of one message: an ordered list, its text in one buffer.
 * Names are kept in lower case, as HTTP/2 wants them and HTTP/1.1 allows.
 */

#ifndef SY_GATEWAY_HTTP_FIELDS_H
#define SY_GATEWAY_HTTP_FIELDS_H

#include <stddef.h>
#include <stdint.h>

struct fields {
	char *text;          /* name, zero, value, zero, ...            */
	size_t len, size;    /* [bytes]                                 */
	struct {
		uint32_t name, value; /* offsets into text               */
	} *posv;
	size_t count, room;  /* fields                                  */
};

/** Free what it holds; the object itself is the caller's. */
void fields_reset(struct fields *f);

/**
 * Append a field.
 *
 * @return 0, EINVAL (no name, or a control character: response splitting),
 *         ENOMEM.
 */
int fields_add(struct fields *f, const char *name, size_t namelen,
	       const char *value, size_t valuelen);

/** fields_add() of a zero-terminated name and formatted value. */
int fields_addf(struct fields *f, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Name of field i, borrowed until the next change; i below count. */
const char *fields_name(const struct fields *f, size_t i);
const char *fields_value(const struct fields *f, size_t i);

/** Value of the first field of that (lower case) name, or NULL. */
const char *fields_get(const struct fields *f, const char *name);

/** How often a field of that name is there. */
size_t fields_count(const struct fields *f, const char *name);

#endif
