/* SPDX-License-Identifier: MIT */
/*
 * STUN (RFC 8489) beside SIP on a UDP port: a phone behind a NAT asks where
 * it is seen from, which keeps its flow open and tells it when the flow has
 * changed (RFC 5626 4.4.2).  Without I/O, nothing is allocated.
 *
 *   Binding request                        success: XOR-MAPPED-ADDRESS
 *   ... with an attribute that it insists
 *       on and we do not know              error 420, UNKNOWN-ATTRIBUTES
 *   indication, response, other method,
 *   broken, wrong FINGERPRINT              silence (RFC 8489 6.3)
 *
 * FINGERPRINT is in the answer if it was in the request.  Nobody needs a
 * password: USERNAME and MESSAGE-INTEGRITY are let be.  An answer is at most
 * three times as long as its request, so it is no use to who forges sources.
 */

#ifndef SY_ROUTER_STUN_H
#define SY_ROUTER_STUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sa;

enum {
	STUN_ANSWER_MAX = 96,  /* bytes of an answer                        */
	STUN_UNKNOWN_MAX = 8,  /* attributes that a 420 names               */
};

enum stun_result {
	STUN_SILENT,
	STUN_MAPPED,   /* answered: the sender's address                    */
	STUN_REFUSED,  /* answered: 420                                     */
};

/** Is a datagram STUN, and no SIP?  By its first byte and the magic cookie;
 * it may still be broken. */
bool stun_is_message(const void *p, size_t len);

/**
 * Deal with a datagram that is STUN.  Any thread.
 *
 * @param buf   STUN_ANSWER_MAX bytes for the answer.
 * @param lenp  Set to its length; 0: there is none.
 * @param from  Who sent it: IPv4 or IPv6.
 */
enum stun_result stun_answer(uint8_t *buf, size_t *lenp, const void *p,
			     size_t len, const struct sa *from);

#endif
