/* SPDX-License-Identifier: MIT */
/* What the dtls*.c files share; nobody else includes it. */

#ifndef SY_NODE_WEBRTC_DTLS_IMPL_H
#define SY_NODE_WEBRTC_DTLS_IMPL_H

#include <openssl/ssl.h>

#include "node/webrtc/dtls.h"

struct dtls_identity {
	SSL_CTX *ctx;
	char fingerprint[DTLS_FINGERPRINT_TEXT];
};

/** Is this the certificate that was signalled? */
bool dtls_fingerprint_fits(const struct dtls_fingerprint *fp, X509 *cert);

#endif
