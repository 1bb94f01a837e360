/* SPDX-License-Identifier: MIT */
/*
 * Errors as problem documents (RFC 9457), application/problem+json:
 * type, title, status, detail, instance, requestId (as the response's
 * X-Request-Id, if it has one); and, where fields of a body or parameters are
 * wrong, "errors": [{"field", "cause", "allowed", "pointer"}], all of them.
 * The pointer (RFC 6901, as a fragment) is there for fields of a body.
 */

#ifndef SY_GATEWAY_HTTP_PROBLEM_H
#define SY_GATEWAY_HTTP_PROBLEM_H

#include <stddef.h>

struct web_req;

/** One wrong field; strings borrowed. */
struct problem_field {
	const char *field;   /* "legs[2].kind"                            */
	const char *cause;   /* "must not be empty"                       */
	const char *allowed; /* "1 to 1000"; NULL: nothing to say         */
};

/**
 * Answer with a problem.
 *
 * @param slug    What kind: the last part of its type, "not-found".
 * @param detail  For a person: what is wrong here, and what to do.
 */
int problem(struct web_req *req, unsigned status, const char *slug,
	    const char *detail, ...) __attribute__((format(printf, 4, 5)));

/** Answer 400 that names wrong fields of the body (or, where there is none, of
 * the query). */
int problem_fields(struct web_req *req, const struct problem_field *v,
		   size_t n);

/** Answer 400 that names a wrong parameter of the query, or a header. */
int problem_param(struct web_req *req, const struct problem_field *f);

/** Answer 400: not JSON. @param line, column  From 1; 0: not known. */
int problem_json(struct web_req *req, int line, int column, const char *why);

#endif
