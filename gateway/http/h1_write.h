/* SPDX-License-Identifier: MIT */
/* A response in HTTP/1.1: status line, fields, and framing of the body. */

#ifndef SY_GATEWAY_HTTP_H1_WRITE_H
#define SY_GATEWAY_HTTP_H1_WRITE_H

#include <stdbool.h>
#include <stddef.h>

struct mbuf;
struct web_req;

struct h1_write {
	bool keep;     /* the connection stays open afterwards            */
	bool started;  /* the header is out                               */
	bool chunked;
	bool no_body;  /* HEAD, 204, 304                                  */
	bool more;     /* there may be more at once                       */
	bool done;     /* all is out                                      */
};

/** For a new request. */
void h1_write_init(struct h1_write *w);

/**
 * Append the next part of a response that was started.
 *
 * @param max  Bytes of body at most.
 *
 * @return 0 (w->done when that was all), EAGAIN (nothing now), ENOMEM.
 */
int h1_write(struct h1_write *w, struct web_req *req, struct mbuf *mb,
	     size_t max);

#endif
