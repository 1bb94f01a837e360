/* SPDX-License-Identifier: MIT */
/*
 * SRTP's keys in a session description: a=crypto (RFC 4568; the suites of
 * RFC 7714).  Text in, keys out, and back; no I/O.
 */

#ifndef SY_NODE_SIP_SDES_H
#define SY_NODE_SIP_SDES_H

#include <re.h>

#include "node/media/srtp.h"

/** One line. Secret: whoever holds one wipes it. */
struct sdes {
	uint32_t tag;		/* 1 to 9 digits                          */
	struct media_srtp keys; /* of the one who wrote the line, to send */
};

enum { SDES_TEXT_MAX = 160 }; /* a line of ours */

/**
 * Read the value of a=crypto.
 *
 * One key is taken, with or without MKI; its lifetime is read and forgotten
 * (2^48 packets are far away).  Of the session parameters WSH and KDR=0 change
 * nothing here, and those that begin with "-" may be ignored (RFC 4568 6.3.7);
 * any other, known to the RFC or not, makes the line unusable for us.
 *
 * @param s    Set on success.
 * @param val  "1 AES_CM_128_HMAC_SHA1_80 inline:..."; without line end.
 *
 * @return 0, EBADMSG (malformed), ENOTSUP (well-formed, but nothing for us:
 *         suite, several keys, session parameter).
 */
int sdes_read(struct sdes *s, const struct pl *val);

/** Print the value of a=crypto ("%H"). */
int sdes_print(struct re_printf *pf, const struct sdes *s);

/** New random keys for a suite. @return 0, EINVAL, EIO (no randomness). */
int sdes_new(struct media_srtp *keys, enum media_srtp_suite suite);

#endif
