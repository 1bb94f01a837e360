/* SPDX-License-Identifier: MIT */
/*
 * What must not be seen of a SIP message, or of what is shown like one,
 * overwritten in place, so that its lengths stay true:
 *
 *   Authorization, Proxy-Authorization      nonce, cnonce, response, opaque;
 *                                           all of what is no Digest
 *   WWW-, Proxy-Authenticate,
 *   (Proxy-)Authentication-Info             nonce, nextnonce, rspauth, opaque
 *   Identity                                the signature
 *   bodies                                  a=crypto keys, a=ice-pwd, k=,
 *                                           digits (Signal=, application/dtmf)
 */

#ifndef SY_PROTO_TRACE_MASK_H
#define SY_PROTO_TRACE_MASK_H

#include <stddef.h>

/** Mask a message, whole or cut, of any content. Any thread. */
void trace_mask(char *p, size_t len);

#endif
