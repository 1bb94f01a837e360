/* SPDX-License-Identifier: MIT */
/*
 * A flow: where a message came from, and so where answers and later requests
 * to that peer go.  Its text form is a flow token, which travels in Via,
 * Record-Route and Path, and comes back from nodes and peers; so it is keyed.
 *
 * Bytes of a token: bits(1) listener(1) router(4) port(2) address(4 or 16)
 * [thread(1) slot(4) generation(4), if TCP] mac(8), as base64url.  A node's are
 * enciphered from the third byte on: peers see them.
 */

#ifndef SY_ROUTER_FLOW_H
#define SY_ROUTER_FLOW_H

#include <re.h>
#include "proto/token.h"

enum { FLOW_LEN_MAX = 56 }; /* 41 bytes: 55 characters */

struct flow {
	struct sa peer;
	uint32_t router;  /* instance of the router that has it; 0: one that
			     did not yet know its own                      */
	bool tcp;
	bool node;        /* a node of ours sends from there: peer is what its
			     Via says                                    */
	uint8_t listener; /* index of the socket that it came by           */
	uint8_t thread;   /* TCP: the thread that has the connection       */
	uint32_t slot;    /* TCP: its place in that thread's table         */
	uint32_t gen;     /* TCP: which user of that place                 */
};

/**
 * Print a flow token.  Any thread; allocates nothing.
 *
 * @param str  FLOW_LEN_MAX characters.
 *
 * @return characters written; no final zero.
 */
size_t flow_print(char str[FLOW_LEN_MAX], const struct token_key *key,
		  const struct flow *f);

/**
 * Read and verify a flow token.
 *
 * @return 0, EINVAL (not a flow token), EBADMSG (wrong MAC).
 */
int flow_read(struct flow *f, const struct token_key *key, const char *str,
	      size_t len);

#endif
