/* SPDX-License-Identifier: MIT */
/* The HTTP/1.1 engine's own: h1.c drives, h1_parse.c hears the parser. */

#ifndef SY_GATEWAY_HTTP_H1_IMPL_H
#define SY_GATEWAY_HTTP_H1_IMPL_H

#include <llhttp.h>

#include "gateway/http/engine.h"
#include "gateway/http/h1_write.h"
#include "gateway/http/request_impl.h"

enum { H1_VERSION_10 = 10, H1_VERSION_11 = 11 };

enum rx { RX_IDLE, RX_HEAD, RX_BODY, RX_DONE, RX_RAW };

struct h1 {
	struct engine e;
	llhttp_t parser;
	enum rx rx;
	struct mbuf *in;       /* pos..end not yet parsed               */
	struct mbuf *out;      /* interim answers                       */
	const char *piece;     /* what is parsed now, from here          */
	bool after_lf;         /* the one before ended with a line feed,
				  and blanks                             */
	struct mbuf *line;     /* target, or a field: name, then value  */
	size_t name_len;       /* of the field in line                  */
	size_t extra;          /* bytes of chunk extensions, trailers   */
	struct web_req *req;   /* being received or answered            */
	struct h1_write tx;
	uint64_t since_ms;     /* in this rx state                      */
	bool used;             /* had a request before                  */
	bool eof;
	bool leaving;          /* no request after the next             */
	unsigned fail_status;  /* set by a callback that stops parsing  */
	const char *fail_slug, *fail_detail;
};

/** True if there is a line feed before this point of what is parsed now, with
 * nothing but blanks between them. */
bool h1_follows_lf(const struct h1 *h, const char *at);

/** What the parser calls; a callback that stops it has set fail_status. */
extern const llhttp_settings_t h1_settings;

#endif
