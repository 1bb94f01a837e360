/* SPDX-License-Identifier: MIT */
/* Inside of the wire: what wire.c, wire_udp.c, wire_tcp.c and wire_ring.c
 * share.  Everything belongs to one thread unless it says otherwise. */

#ifndef SY_ROUTER_WIRE_IMPL_H
#define SY_ROUTER_WIRE_IMPL_H

#include <sys/socket.h>
#include <openssl/ssl.h>
#include "router/wire.h"
#include "router/ws.h"

enum {
	WIRE_BATCH = 32,            /* datagrams of one recvmmsg          */
	WIRE_DATAGRAM = 65536,
	WIRE_TX = 2 * WIRE_BATCH,   /* datagrams of one flush             */
	WIRE_IOVS = 2048,           /* pieces of one flush                */
	WIRE_TEXTS = 128 * 1024,    /* bytes of text of one flush         */
	WIRE_TX_SLACK = 4,          /* datagrams one message may cause    */
};

struct wire_udp_tx {
	int fd;
	struct sa to;
	struct iovec *iov;
	size_t n;
};

/* a TCP connection, with TLS or without, for WebSocket or not */
struct wire_conn {
	struct le le;         /* in tcp.hash, by peer address              */
	struct wire *w;       /* borrowed                                  */
	int fd;
	uint32_t slot, gen;
	struct sa peer;
	uint8_t port;         /* index of the listening port               */
	SSL *ssl;             /* owned; NULL: no TLS                       */
	char *name;           /* we opened it: to whom; owned; NULL: address */
	bool client;          /* we opened it                              */
	bool connecting;
	bool handshake;       /* TLS: not yet done                         */
	bool blocked;         /* TLS: wants to write before it goes on     */
	bool web;             /* WebSocket                                 */
	bool hello;           /* WebSocket: not yet opened                 */
	bool bye;             /* WebSocket: the close frame was sent       */
	struct ws ws;
	bool closing;         /* answered and shut down: only read it dry  */
	bool proven;          /* brought or was meant for a SIP message    */
	uint64_t last_ms;     /* of the last message                       */
	uint64_t hold_ms;     /* a binding keeps it until then; 0: none    */
	struct stream in;
	char *out;            /* queue: what the kernel did not take       */
	size_t outlen, outsize;
};

/* what the loop hands to the handler of a listening socket */
struct wire_sock {
	struct wire *w;
	size_t port;
};

struct wire {
	struct wire_conf conf;
	struct wire_set *set;
	struct wire_sock sockv[WIRE_PORTS_MAX];

	/* UDP */
	char *rxbuf;                          /* WIRE_BATCH datagrams      */
	struct mmsghdr rxv[WIRE_BATCH];
	struct iovec rxiov[WIRE_BATCH];
	struct sockaddr_storage rxsa[WIRE_BATCH];
	struct wire_udp_tx txv[WIRE_TX];
	size_t txc;
	uint64_t span_us;                     /* start of counting         */
	uint32_t spann;                       /* datagrams since then      */
	bool busy;                            /* in the span before        */

	/* pieces and texts until the next flush */
	struct iovec iovv[WIRE_IOVS];
	size_t iovc;
	char *text;
	size_t textlen, textmark;

	/* TCP */
	struct wire_conn **connv;   /* tcp_max slots                       */
	uint32_t *freev;            /* stack of free slots                 */
	uint32_t freec;
	uint32_t conns;
	uint32_t handshakes;        /* ... that are not yet done           */
	uint32_t gen;
	struct hash *hash;

	char *plain;                /* TLS: a message in one piece         */
	char *ringbuf;              /* one message off a ring              */
};

int wire_udp_start(struct wire *w);
void wire_udp_stop(struct wire *w);
void wire_udp_flush(struct wire *w);

struct wire_conn *wire_conn_find(const struct wire *w, const struct flow *f);

int wire_tcp_start(struct wire *w);
void wire_tcp_stop(struct wire *w);
void wire_tcp_leave(struct wire *w);
int wire_tcp_send(struct wire *w, const struct flow *to,
		  const struct iovec *iov, size_t n);

void wire_conn_close(struct wire_conn *c);
void wire_conn_fail(struct wire_conn *c);
void wire_conn_shut(struct wire_conn *c);
void wire_conn_flow(const struct wire_conn *c, struct flow *f);
int wire_conn_listen(struct wire_conn *c);
int wire_conn_send(struct wire_conn *c, const struct iovec *iov, size_t n);
void wire_conn_deliver(struct wire_conn *c, enum wire_flaw flaw,
		       const char *p, size_t len);
void wire_conn_pong(struct wire_conn *c);

/** May there be one more connection? */
enum wire_room {
	WIRE_ROOM,
	WIRE_ROOM_NONE,   /* the table is full                       */
	WIRE_ROOM_SOURCE, /* its source has enough                   */
	WIRE_ROOM_SHAKES, /* ... has enough handshakes under way     */
};

/** @param peer  Who connects to us; NULL: we connect. */
enum wire_room wire_room(const struct wire *w, const struct sa *peer);

bool wire_conn_is_shaking(const struct wire_conn *c);

void wire_ws_drain(struct wire_conn *c);
int wire_ws_send(struct wire_conn *c, const struct iovec *iov, size_t n);
void wire_ws_bye(struct wire_conn *c, uint16_t status);

int wire_tls_start(struct wire *w);
int wire_tls_alloc(struct wire_conn *c, bool client);
void wire_tls_free(struct wire_conn *c);
int wire_tls_handshake(struct wire_conn *c);
ssize_t wire_tls_read(struct wire_conn *c, char *p, size_t size);
ssize_t wire_tls_write(struct wire_conn *c, const char *p, size_t len);
ssize_t wire_tls_writev(struct wire_conn *c, const struct iovec *iov,
			size_t n);
void wire_tls_shut(struct wire_conn *c);

int wire_ring_open(struct wire_set *set);
void wire_ring_close(struct wire_set *set);
int wire_ring_start(struct wire *w);
void wire_ring_stop(struct wire *w);

enum wire_ring_type {
	WIRE_RING_RECEIVED, /* deal with it as if you had received it */
	WIRE_RING_SEND,     /* send it on that flow                   */
	WIRE_RING_REACHED,  /* its peer was reached                   */
	WIRE_RING_LOST,     /* its peer was not                       */
};

int wire_ring_put(struct wire *w, unsigned thread, enum wire_ring_type type,
		  const struct flow *f, const struct iovec *iov, size_t n);

uint64_t wire_now_ms(void);

#endif
