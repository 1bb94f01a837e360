/* SPDX-License-Identifier: MIT */
/*
 * A SIP message as a router sees it: one pass over the received bytes that
 * notes where things are.  No allocation, no copy, no I/O; any thread.
 *
 * Tolerant in what RFC 4475 calls valid (compact names, folding, white space
 * before colons and around separators, escapes, any case, several values of
 * Via and Route on one line or on many, IPv6 references, commas and angle
 * brackets in quoted strings, a Via without branch), strict in what makes
 * two elements disagree about a message (see enum view_err).
 *
 * Everything that a view points to lives in the bytes it was made of.
 */

#ifndef SY_ROUTER_VIEW_H
#define SY_ROUTER_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <re.h>

enum {
	VIEW_FIELDS_MAX = 128,  /* header lines of a message              */
	VIEW_BYTES_MAX = 65535, /* of a message                           */
};

/** Headers that a router looks at. */
enum view_hdr {
	VIEW_OTHER,
	VIEW_VIA,
	VIEW_FROM,
	VIEW_TO,
	VIEW_CALL_ID,
	VIEW_CSEQ,
	VIEW_MAX_FORWARDS,
	VIEW_CONTENT_LENGTH,
	VIEW_ROUTE,
	VIEW_RECORD_ROUTE,
	VIEW_CONTACT,
	VIEW_AUTHORIZATION,
	VIEW_PROXY_AUTHORIZATION,
	VIEW_REQUIRE,
	VIEW_PROXY_REQUIRE,
	VIEW_EXPIRES,
	VIEW_USER_AGENT,
	VIEW_REPLACES,
	VIEW_SUPPORTED,
	VIEW_HDR_COUNT,
};

enum view_method {
	VIEW_UNKNOWN, /* none of these: a method of the future */
	VIEW_INVITE,
	VIEW_ACK,
	VIEW_BYE,
	VIEW_CANCEL,
	VIEW_OPTIONS,
	VIEW_REGISTER,
	VIEW_INFO,
	VIEW_UPDATE,
	VIEW_PRACK,
	VIEW_SUBSCRIBE,
	VIEW_NOTIFY,
	VIEW_PUBLISH,
	VIEW_MESSAGE,
	VIEW_REFER,
	VIEW_METHOD_COUNT,
};

/** What is wrong with a message; view_err_code() says what is due. */
enum view_err {
	VIEW_OK,
	VIEW_EMPTY,        /* only CRLFs: a keep-alive, RFC 5626 3.5.1     */
	VIEW_JUNK,         /* not SIP: drop                                */
	VIEW_NO_RETURN,    /* no Via that an answer could take: drop       */
	VIEW_BAD_START,    /* request line                                 */
	VIEW_BAD_VERSION,
	VIEW_BAD_SCHEME,   /* of the Request-URI                           */
	VIEW_BAD_URI,
	VIEW_BAD_HEADER,   /* a line that is no header                     */
	VIEW_TOO_MANY,     /* header lines                                 */
	VIEW_TRUNCATED,    /* no empty line after the headers              */
	VIEW_BAD_VIA,
	VIEW_BAD_FROM,
	VIEW_BAD_TO,
	VIEW_BAD_CALL_ID,
	VIEW_BAD_CSEQ,
	VIEW_CSEQ_METHOD,  /* CSeq names another method                    */
	VIEW_BAD_MAX_FORWARDS,
	VIEW_BAD_LENGTH,   /* Content-Length: not a number, several, or
			      more than there is                           */
	VIEW_TWICE,        /* a header that may be there only once         */
	VIEW_MISSING,      /* From, To, Call-ID or CSeq                    */
	VIEW_ERR_COUNT,
};

/** A header line, as offsets from the start of the message. */
struct view_field {
	uint16_t line;  /* first character of its name                    */
	uint16_t next;  /* after its last line end: all of it is line..next */
	uint16_t val;   /* its value, without white space around          */
	uint16_t vallen;
	uint8_t id;     /* enum view_hdr                                  */
};

/** A Via value. */
struct view_via {
	struct pl all;       /* the value, without white space around      */
	struct pl transport; /* "UDP"                                      */
	struct pl sentby;    /* "host[:port]", as it is in the message     */
	struct pl host;      /* with brackets if IPv6                      */
	struct pl params;    /* from the first semicolon on                */
	struct pl branch;    /* unset: none (RFC 2543)                     */
	uint16_t port;       /* 0: none                                    */
};

/** A name-addr or addr-spec with its parameters. */
struct view_addr {
	struct pl dname;  /* display name, without the quotes              */
	struct pl uri;    /* without angle brackets                        */
	struct pl params; /* of the header, from the first semicolon on    */
	bool bracketed;
};

/** A SIP URI. */
struct view_uri {
	struct pl scheme;
	struct pl user;    /* escaped as in the message; unset: none       */
	struct pl host;    /* without brackets                             */
	struct pl params;  /* from the first semicolon on                  */
	struct pl headers; /* after the question mark                      */
	uint16_t port;     /* 0: none                                      */
};

struct view {
	const char *p;  /* start line                                      */
	uint32_t len;   /* of all of it: start line, headers, body         */
	uint32_t headers; /* offset of the first header line               */
	uint32_t body;  /* offset of the body; body..len                   */
	bool is_request;
	bool has_length; /* Content-Length was there                       */
	enum view_method method;  /* of a response: of its CSeq            */
	struct pl methodstr;
	struct pl uri;
	uint16_t code;            /* of a response, 100..699               */
	struct view_via via;      /* topmost                               */
	struct view_via via2;     /* the next one; all.p NULL: none        */
	struct view_addr from, to;
	struct pl from_tag, to_tag; /* unset: none                         */
	struct pl call_id;
	uint32_t cseq;
	int max_forwards;         /* -1: no such header                    */
	uint8_t first[VIEW_HDR_COUNT]; /* index into fieldv of the first   */
	uint8_t count[VIEW_HDR_COUNT]; /* header lines of this name        */
	uint8_t fieldc;
	struct view_field fieldv[VIEW_FIELDS_MAX];
};

/**
 * Look over a message.
 *
 * @param v    Set as far as the message can be understood, also on errors:
 *             there is a Via to answer by unless the error is VIEW_EMPTY,
 *             VIEW_JUNK or VIEW_NO_RETURN.
 * @param p    Bytes of one datagram, or of one message of a stream; borrowed
 *             as long as the view is used.
 * @param len  Their number.
 *
 * @return VIEW_OK, or the first thing that is wrong.
 */
enum view_err view_read(struct view *v, const char *p, size_t len);

/** What a request with this error is answered: a status code, 0: drop it. */
uint16_t view_err_code(enum view_err err);

/** The reason as text, for answers and metrics. */
const char *view_err_text(enum view_err err);

/** "INVITE"; of VIEW_UNKNOWN "other". */
const char *view_method_name(enum view_method m);

enum view_method view_method_read(const struct pl *pl);

/** Value of a field. */
void view_val(const struct view *v, const struct view_field *f,
	      struct pl *val);

/** First field of a name; NULL: none. */
const struct view_field *view_first(const struct view *v, enum view_hdr id);

/** Next field of the same name; NULL: none. */
const struct view_field *view_next(const struct view *v,
				   const struct view_field *f);

/**
 * Fields of a name that is none of enum view_hdr.
 *
 * @param name   Long form; any case.
 * @param after  The last one found; NULL: from the start.
 *
 * @return the next one; NULL: none.
 */
const struct view_field *view_named(const struct view *v, const char *name,
				    const struct view_field *after);

/* ------------------------------------------------- parts, see view_part.c */

/**
 * Take the next value off a comma separated list; quoted strings and angle
 * brackets may hold commas.
 *
 * @param rest  What is left; advanced beyond the comma.
 * @param val   Set to the value, without white space around; may be empty.
 *
 * @return false: there was nothing left.
 */
bool view_list(struct pl *rest, struct pl *val);

/** @return 0 or EBADMSG. */
int view_via_read(struct view_via *via, const struct pl *val);
int view_addr_read(struct view_addr *a, const struct pl *val);
int view_uri_read(struct view_uri *u, const struct pl *uri);

/**
 * Find a parameter.
 *
 * @param params  ";name=value;name;name=\"value\"", white space allowed.
 * @param val     Set to the value, quotes and all; empty without "="; with
 *                p at the end of the name then.  May be NULL.
 *
 * @return true if it is there.
 */
bool view_param(const struct pl *params, const char *name, struct pl *val);

/** Undo %xx. @return length, or -1: bad escape, %00, or no room. */
int view_unescape(char *str, size_t size, const struct pl *pl);

/** Decimal number up to max. @return 0 or EBADMSG. */
int view_number(uint32_t *np, const struct pl *pl, uint32_t max);

#endif
