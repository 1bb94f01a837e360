/* SPDX-License-Identifier: MIT */
/*
 * A message of /ws as text for people, and for who draws ladders of SIP:
 *
 *   phoneProgress 183
 *   device: 1001
 *   leg: 01J...
 *   Content-Type: application/sdp
 *
 *   v=0 ...
 *
 * The first line is the name of the message and its code, then there is a line
 * a field, and its description stands behind an empty line.
 */

#ifndef SY_GATEWAY_SIGNAL_TRACE_TEXT_H
#define SY_GATEWAY_SIGNAL_TRACE_TEXT_H

#include <re.h>
#include <protobuf-c/protobuf-c.h>

/**
 * Print a message; digits are masked, the description is not.
 *
 * @param mb      Appended to.
 * @param msg     WsClient or WsServer; what its oneof has is printed.
 * @param device  Of the page.
 *
 * @return 0, ENOENT (nothing is in it), ENOMEM.
 */
int trace_text(struct mbuf *mb, const ProtobufCMessage *msg,
	       const char *device);

#endif
