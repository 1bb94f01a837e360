/* SPDX-License-Identifier: MIT */
/*
 * Reason headers (RFC 3326): why a BYE or a CANCEL.  One value: a protocol (SIP
 * or Q.850), a cause, and maybe a text.
 */

#ifndef SY_NODE_SIP_REASON_H
#define SY_NODE_SIP_REASON_H

#include <re.h>

enum { REASON_SIZE = 96 };

/** To the branches of a ring that somebody else answered: phones then show no
 * missed call. */
extern const char reason_elsewhere[];

/**
 * Read the Reason of a message; of several the first.
 *
 * @param buf  Set to its value, made anew of its parts: it may stand in a
 *             message; "": there is none, or it cannot be read.
 *
 * @return true: there is one.
 */
bool reason_read(char buf[REASON_SIZE], const struct sip_msg *msg);

/**
 * Why we end an answered call.
 *
 * @param code  As if a request had been answered by it; below 300: normally.
 *              A failure is told as such, with the cause that RFC 3398 gives
 *              it for the telephone network.
 */
void reason_print(char *buf, size_t size, uint16_t code);

#endif
