/* SPDX-License-Identifier: MIT */
/*
 * The session description in the body of a message: plain, or in a part of a
 * multipart body (RFC 5621).  No dialog, no I/O.
 */

#ifndef SY_NODE_SIP_BODY_H
#define SY_NODE_SIP_BODY_H

#include <re.h>

/**
 * Find the description.  A body of another kind that may be left alone
 * (Content-Disposition: handling=optional) counts as none.
 *
 * @param mbp  Set to a copy, the caller's; NULL: there is none.
 *
 * @return 0; EBADMSG: shorter than Content-Length says, or no end of a part;
 *         ENOTSUP: a kind of body that we do not have; EPROTONOSUPPORT: it is
 *         encoded (Content-Encoding); ENOMEM.
 */
int body_sdp(struct mbuf **mbp, const struct sip_msg *msg);

/**
 * Find the first part of a multipart body that is an application/sdp.
 *
 * @param part      Set to its body, within `body`.
 * @param boundary  Without quotes.
 *
 * @return 0; ENOENT: there is none, and all others may be left alone;
 *         ENOTSUP: ... and one may not; EBADMSG: no part, or one without end.
 */
int body_part_sdp(struct pl *part, const struct pl *body,
		  const struct pl *boundary);

#endif
