/* SPDX-License-Identifier: MIT */
/*
 * What a REFER asks for (RFC 3515), and which dialog a Replaces names (RFC
 * 3891).  Pure functions: texts in, texts out.
 */

#ifndef SY_NODE_SIP_REFERTO_H
#define SY_NODE_SIP_REFERTO_H

#include <re.h>

enum { REFERTO_TEXT = 256 };

/** A dialog, as a Replaces names it. */
struct replaces {
	char call_id[REFERTO_TEXT];
	char to_tag[REFERTO_TEXT]; /* of who is asked to replace it */
	char from_tag[REFERTO_TEXT];
	bool early_only;
};

/** A target; what is not there is "". */
struct referto {
	char user[128];		/* number, without parameters           */
	char host[128];		/* ... and where: not looked at for us  */
	char uri[REFERTO_TEXT]; /* as it stood, without headers         */
	bool attended;		/* replaces is set                      */
	struct replaces replaces;
};

/** Read the value of a Replaces header. @return 0, EBADMSG, EOVERFLOW. */
int replaces_read(struct replaces *r, const struct pl *val);

/**
 * Read the value of a Refer-To header.
 *
 * @return 0; EBADMSG (no URI, or a Replaces that is none), EPROTONOSUPPORT
 *         (no SIP URI, or a method other than INVITE), EOVERFLOW.
 */
int referto_read(struct referto *r, const struct pl *val);

/** The code of a sipfrag's status line (RFC 3420); 0: there is none. */
uint16_t sipfrag_code(const struct mbuf *body);

#endif
