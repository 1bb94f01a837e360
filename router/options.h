/* SPDX-License-Identifier: MIT */
/* How the program is called: its options, and the cluster key. */

#ifndef SY_ROUTER_OPTIONS_H
#define SY_ROUTER_OPTIONS_H

#include <stdint.h>
#include "proto/token.h"
#include "router/wire.h"

struct options {
	const char *id, *redis, *udp, *tcp, *tls, *ws, *wss, *advertise, *metrics;
	const char *public, *locals;
	const char *dns;
	const char *key_file, *key;
	const char *tls_cert, *tls_key, *tls_ca;
	const char *log_level, *log_format;
	uint32_t threads, tcp_max, tcp_idle_s, coalesce_us, pending_max;
	uint32_t nonce_s, grace_ms;
};

/** Read them. @return as option_read(). */
int options_read(struct options *o, int argc, char **argv);

/**
 * The cluster key, from its file or from the option.
 *
 * @param keyp  Set on success; owned by the caller.
 *
 * @return 0, or an error, of which one line was printed.
 */
int options_key(struct token_key **keyp, const struct options *o);

/**
 * Where to listen, and the certificates for TLS.
 *
 * @param at  Set on success; its strings are those of the options, its certs
 *            is owned by the caller.
 *
 * @return 0, or an error, of which one line was printed.
 */
int options_listen(struct wire_listen *at, const struct options *o);

/** Print one line to stderr. @return EINVAL. */
int options_complain(const char *what, const char *why);

#endif
