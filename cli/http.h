/* SPDX-License-Identifier: MIT */
/* Requests to a gateway. */

#ifndef SY_CLI_HTTP_H
#define SY_CLI_HTTP_H

#include <jansson.h>
#include "cli/cli.h"

/** An answer; http_free() it. */
struct answer {
	long status;
	json_t *body;        /* NULL: none, or no JSON                      */
	char etag[80];
	char cookie[512];    /* "name=value" of a Set-Cookie; "": none      */
};

void http_free(struct answer *a);

/**
 * Ask.  What goes wrong is told in one line on stderr, with the problem's
 * fields.
 *
 * @param path   With its query; parts that may hold anything by http_path().
 * @param body   Borrowed; NULL: none.
 * @param match  If-Match, or NULL.
 * @param a      Set on CLI_OK; or NULL.
 *
 * @return CLI_OK, CLI_REFUSED, CLI_UNREACHABLE.
 */
int http_ask(struct cli *c, const char *method, const char *path,
	     const json_t *body, const char *match, struct answer *a);

/** All items of a list, page by page. @param items  Set on CLI_OK; owned by
 * the caller. */
int http_list(struct cli *c, const char *path, json_t **items);

/** A path with one argument in it, percent-encoded ("%s" in fmt).
 * @return owned by the caller (free()). */
char *http_path(const char *fmt, const char *arg);

/** A line of a stream. @return false: that was enough. */
typedef bool(http_line_h)(const char *line, void *arg);

/** Read server-sent events until the handler has enough, or the stream ends. */
int http_stream(struct cli *c, const char *path, http_line_h *h, void *arg);

void http_close(struct cli *c);

#endif
