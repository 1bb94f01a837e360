/* SPDX-License-Identifier: MIT */
/*
 * What a phone knows of who it is asked to be: the last challenge of a
 * registrar (401) and of a proxy (407), and the answers to them.
 */
#ifndef PHONE_CREDENTIALS_H
#define PHONE_CREDENTIALS_H

#include "tests/phone/digest.h"

struct credentials {
	char *user;	/* owned */
	char *password; /* owned */
	unsigned allowed; /* digest_alg bits */
	struct digest_challenge *ch[2]; /* 401, 407 */
	uint32_t nc[2];
};

/**
 * Take the first challenge of a 401 or 407 that is supported and allowed.
 *
 * @return 0: send the request again with credentials_encode;
 *         ENOTSUP: no challenge that this phone can answer
 */
int credentials_learn(struct credentials *c, const struct sip_msg *msg);

/**
 * Append the Authorization and Proxy-Authorization headers that are known.
 *
 * @return 0 or errno
 */
int credentials_encode(struct credentials *c, struct mbuf *mb,
		       const char *method, const char *uri);

/** Forget the challenges, not the user. */
void credentials_forget(struct credentials *c);

/** Name of the algorithm last used, or NULL. */
const char *credentials_algorithm(const struct credentials *c);

/** Free what is owned; the struct itself is the caller's. */
void credentials_reset(struct credentials *c);

#endif
