/* SPDX-License-Identifier: MIT */
/*
 * Where an answer of class 3xx leads to (RFC 3261 8.1.3.4, 21.3): its Contacts,
 * best first.  Pure functions: texts in, texts out.
 */

#ifndef SY_NODE_SIP_REDIRECT_H
#define SY_NODE_SIP_REDIRECT_H

#include <re.h>

enum { REDIRECT_CONTACTS = 8, REDIRECT_TEXT = 256, REDIRECT_USER = 128 };

/** One that can be called; what is not there is "". */
struct redirect_contact {
	char uri[REDIRECT_TEXT];   /* sip:, sips: or tel:, without headers  */
	char user[REDIRECT_USER];  /* number, unescaped, without parameters */
	char host[REDIRECT_USER];  /* without brackets; "": tel:            */
	uint16_t port;             /* 0: none                               */
	uint16_t q;                /* [1/1000]; without one: 1000           */
};

struct redirect {
	struct redirect_contact v[REDIRECT_CONTACTS]; /* by falling q; of one
							 q as they came     */
	size_t n;
};

/** Read a URI. @return 0; EBADMSG, EPROTONOSUPPORT (another scheme, a method
 * other than INVITE), EOVERFLOW. */
int redirect_read_uri(struct redirect_contact *c, const struct pl *uri);

/**
 * Read the Contacts of a message; those that cannot be called are left out.
 *
 * @param rp  Set to a new object, the caller's; what it held is freed.
 *
 * @return 0, ENOMEM.
 */
int redirect_alloc(struct redirect **rp, const struct sip_msg *msg);

#endif
