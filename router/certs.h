/* SPDX-License-Identifier: MIT */
/*
 * Certificates of the router's TLS ports, and the contexts made of them.
 * They are read anew when their files change; connections that are open keep
 * what they began with.
 *
 * All threads share one struct certs: a lock guards the change, and is taken
 * once a connection.
 */

#ifndef SY_ROUTER_CERTS_H
#define SY_ROUTER_CERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <openssl/ssl.h>

struct sa;
struct certs;

enum { CERTS_MAX = 16, CERTS_CHECK_MS = 10000 };

/** Files, PEM. */
struct certs_conf {
	const char *cert; /* "FILE[,FILE]": certificates with their chains;
			     a client that names none of them gets the first */
	const char *key;  /* "FILE[,FILE]": the key of each, in that order   */
	const char *ca;	  /* who signs peers; NULL or empty: nobody asks     */
};

/**
 * Read the files.
 *
 * With ca, a client may show a certificate, which must then be good; and a
 * server that we connect to must have one that names its address.
 *
 * @param conf    Its strings are borrowed, and outlive the tls.
 * @param errbuf  On error set to one line: which file, and why.
 *
 * @return 0, EINVAL (the lists do not match), EBADMSG (a file), ENOMEM.
 */
int certs_alloc(struct certs **tp, const struct certs_conf *conf, char *errbuf,
		size_t errsize);

/**
 * Look whether a file changed, every CERTS_CHECK_MS, and read all anew if so.
 * What is wrong with them is logged, and the old ones stay.  One thread.
 *
 * @param force  Read them whether they changed or not, now.
 */
void certs_check(struct certs *t, uint64_t now_ms, bool force);

/** A server's side of a new connection; owned by the caller. @return NULL:
 * no memory. Any thread. */
SSL *certs_server(struct certs *t);

/**
 * A client's side of a new connection to peer; likewise.
 *
 * @param name  What the server's certificate must be for, also told to it
 *              (SNI); NULL: peer's address.
 */
SSL *certs_client(struct certs *t, const struct sa *peer, const char *name);

/**
 * Whom the verified certificate of a peer names: its first SIP URI or DNS
 * name (RFC 5922 7.1), else its common name; empty: it showed none.
 */
void certs_peer_name(const SSL *ssl, char *name, size_t size);

/** @return true: it is the one, look no further. */
typedef bool(certs_name_h)(const char *name, void *arg);

/**
 * All names of a peer's verified certificate: SIP URIs and DNS names; where it
 * has neither, its common name.
 *
 * @return true if the handler said so of one.
 */
bool certs_peer_names(const SSL *ssl, certs_name_h *h, void *arg);

#endif
