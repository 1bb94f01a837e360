/* SPDX-License-Identifier: MIT */
/* A certificate for who has none yet: P-256, for localhost, 127.0.0.1 and
 * ::1, valid for a year, signed by itself. */

#ifndef SY_GATEWAY_HTTP_SELFSIGNED_H
#define SY_GATEWAY_HTTP_SELFSIGNED_H

#include <openssl/evp.h>
#include <openssl/x509.h>

/** @return 0 (both owned by the caller) or ENOMEM. */
int selfsigned_make(X509 **certp, EVP_PKEY **keyp);

#endif
