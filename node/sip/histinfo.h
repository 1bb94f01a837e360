/* SPDX-License-Identifier: MIT */
/*
 * How a call came here: History-Info (RFC 7044, RFC 4458 for the cause) and
 * Diversion (RFC 5806), both ways, and the one from the other (RFC 7544).
 * Pure functions: texts in, texts out.
 *
 *   <sip:1002@h?Reason=SIP%3Bcause%3D486>;index=1      who was called
 *   <sip:1003@h;cause=486>;index=1.1;mp=1              ... and who then, why
 *
 *   Diversion: <sip:1002@h>;reason=user-busy;counter=1
 */

#ifndef SY_NODE_SIP_HISTINFO_H
#define SY_NODE_SIP_HISTINFO_H

#include <re.h>

enum {
	HISTINFO_ENTRIES = 16,
	HISTINFO_URI = 160,
	HISTINFO_INDEX = 40,
	HISTINFO_TEXT = 4096, /* of a header that is printed */
};

/** Shown in place of who does not want to be (RFC 7044 10.1.2). */
extern const char histinfo_nobody[];

/** Somebody that the call was for. */
struct histinfo_entry {
	char uri[HISTINFO_URI];     /* without headers and cause           */
	char index[HISTINFO_INDEX]; /* "1.1"                               */
	char how[3];                /* mp, rc, np: it was made of ...; ""  */
	char from[HISTINFO_INDEX];  /* ... the entry of this index         */
	uint16_t cause;             /* why it came to here; 0: not known   */
	uint16_t reason;            /* what was answered here; 0: nothing  */
	uint16_t count;             /* diversions that stand behind cause  */
	bool hidden;
};

struct histinfo {
	struct histinfo_entry v[HISTINFO_ENTRIES]; /* oldest first */
	size_t n;
};

/**
 * Read the History-Info of a message, or else its Diversions; what cannot be
 * read, and what is too much, is left out.
 *
 * @param called  URI that it is for: last entry, where Diversion tells of the
 *                others.
 *
 * @return true: there was something.
 */
bool histinfo_read(struct histinfo *h, const struct sip_msg *msg,
		   const char *called);

/** Does the sender of a message want nothing of it to be told? (Privacy:
 * history, header, session, user or id) */
bool histinfo_is_private(const struct sip_msg *msg);

/**
 * One more: the call went on from the last entry.
 *
 * @param cause  0 for the first one.
 *
 * @return it; NULL: no room, or the URI is too long.
 */
struct histinfo_entry *histinfo_add(struct histinfo *h, const char *uri,
				    uint16_t cause);

/** How many times the call was sent on. */
uint32_t histinfo_count(const struct histinfo *h);

/** From whom an entry came; NULL: from nobody. */
const struct histinfo_entry *histinfo_before(const struct histinfo *h,
					     const struct histinfo_entry *e);

/** "History-Info: ...\r\n"; "" if there is none. @return 0, EOVERFLOW. */
int histinfo_print(char *buf, size_t size, const struct histinfo *h);

/** "Diversion: ...\r\n", the last one first; "" if there is none.
 * @return 0, EOVERFLOW. */
int histinfo_print_diversion(char *buf, size_t size,
			     const struct histinfo *h);

/** What Diversion calls a cause: "user-busy"; static. */
const char *histinfo_reason(uint16_t cause);

#endif
