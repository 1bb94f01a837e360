/* SPDX-License-Identifier: MIT */
/*
 * TLS of the gateway's port: the context (certificate, ALPN, versions), and
 * a filter that turns bytes of the socket into plain bytes and back, without
 * I/O.
 */

#ifndef SY_GATEWAY_HTTP_TLS_H
#define SY_GATEWAY_HTTP_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mbuf;
struct web_tls;       /* context, shared by all connections */
struct web_tls_pipe;  /* one connection                     */

/**
 * Make a context: TLS 1.2 and 1.3, ciphers with forward secrecy and AEAD,
 * ALPN "h2" and "http/1.1".
 *
 * @param tp      Set on success; owned by the caller.
 * @param cert    PEM file: certificate and chain; NULL with key NULL: a
 *                self-signed one for localhost, made in memory.
 * @param key     PEM file of its key.
 * @param errbuf  On error, one line: which file and why.
 */
int web_tls_alloc(struct web_tls **tp, const char *cert, const char *key,
		  char *errbuf, size_t errsize);

/** Whether the files are others than when this was last asked (or they were
 * first read). Never, for a self-signed one. */
bool web_tls_has_changed(struct web_tls *t);

/** True if it has no files. */
bool web_tls_is_selfsigned(const struct web_tls *t);

/**
 * Read the files again: for new connections; those that run keep what they
 * began with.
 *
 * @param errbuf  On error, one line: which file and why.
 *
 * @return 0, or an error: what was in use stays in use.
 */
int web_tls_reload(struct web_tls *t, char *errbuf, size_t errsize);

/** SHA-256 of the certificate, "AA:BB:...". */
const char *web_tls_fingerprint(const struct web_tls *t);

/** A server's side of a connection. */
int web_tls_pipe_alloc(struct web_tls_pipe **pp, struct web_tls *t);

/** Bytes from the socket. @return 0, ENOMEM. */
int web_tls_feed(struct web_tls_pipe *p, const uint8_t *buf, size_t len);

/**
 * Take plain bytes; drives the handshake, too.
 *
 * @return number; 0: none now (see web_tls_is_closed()); negative errno:
 *         the peer broke the protocol, close after flushing.
 */
long web_tls_read(struct web_tls_pipe *p, uint8_t *buf, size_t size);

/** Encrypt. @return 0, or errno. */
int web_tls_write(struct web_tls_pipe *p, const uint8_t *buf, size_t len);

/** Append what must go to the socket. */
int web_tls_pull(struct web_tls_pipe *p, struct mbuf *mb);

/** Give back what buffers have over so many bytes, if they are empty. */
void web_tls_trim(struct web_tls_pipe *p, size_t bytes);

/** Send close_notify. */
void web_tls_close(struct web_tls_pipe *p);

bool web_tls_is_ready(const struct web_tls_pipe *p);  /* handshake done */
bool web_tls_is_closed(const struct web_tls_pipe *p); /* close_notify came */
bool web_tls_is_h2(const struct web_tls_pipe *p);     /* by ALPN */
bool web_tls_has_alpn(const struct web_tls_pipe *p);

#endif
