/* SPDX-License-Identifier: MIT */
/* What the comments of the schema say, for people who read its description
 * elsewhere; made of switchyard.proto by doc.py. */

#ifndef SY_PROTO_DOC_H
#define SY_PROTO_DOC_H

#include <stddef.h>

struct doc_text {
	const char *name; /* "Call", "Call.started_at", "EventType.BANNED" */
	const char *text;
};

/* By name, ascending. */
extern const struct doc_text doc_texts[];
extern const size_t doc_textc;

/**
 * Find a comment.  Any thread.
 *
 * @param type    Short name of a message or enum: "Call".
 * @param member  Field or value, as in the schema; NULL: of the type itself.
 *
 * @return one line, or NULL: it says nothing.
 */
const char *doc_find(const char *type, const char *member);

#endif
