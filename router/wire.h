/* SPDX-License-Identifier: MIT */
/*
 * The router's sockets.  All are opened before the threads start; then each
 * thread has sockets of its own on every port (SO_REUSEPORT) and shares
 * nothing with the others but the rings by which it hands them messages.
 *
 *   UDP   recvmmsg in batches; what is sent meanwhile is collected as
 *         pieces (the received bytes among them) and goes out by sendmmsg
 *         when the batch was dealt with.  Nothing is copied.
 *   TCP   a table of connections; messages cut out of the stream; what the
 *         kernel does not take at once is queued, up to a limit.
 *   TLS   the same table: a TCP connection with a TLS layer (wire_tls.c).
 *   WS    likewise, with frames (wire_ws.c), and with both: WSS.
 *
 * Pieces and texts given to wire_send() stay valid until wire_flush().
 */

#ifndef SY_ROUTER_WIRE_H
#define SY_ROUTER_WIRE_H

#include <sys/uio.h>
#include <stdatomic.h>
#include "proto/local_net.h"
#include "router/edit.h"
#include "router/flow.h"
#include "router/stat.h"
#include "router/stream.h"

struct certs;

enum {
	WIRE_PORTS_MAX = 16,
	WIRE_THREADS_MAX = 64,
	WIRE_TEXT_MAX = 8192, /* text that one message may need */
	WIRE_ADV_LEN = 80,
};

enum wire_kind { WIRE_UDP, WIRE_TCP, WIRE_TLS, WIRE_WS, WIRE_WSS };

/** A listening address.  RO after wire_open(). */
struct wire_port {
	struct sa sa;            /* bound to                               */
	enum wire_kind kind;
	char adv[WIRE_ADV_LEN];  /* "host:port" inside: what routers, nodes
				    and peers of a local net are told      */
	size_t advlen;
	char pub[WIRE_ADV_LEN];  /* ... outside; "": the same              */
	size_t publen;
};

struct wire_ring;

/** What the threads have in common.  RO after wire_open(). */
struct wire_set {
	struct local_nets locals;          /* who is inside                       */
	struct certs *certs;               /* borrowed; NULL: no port for TLS or WSS  */
	struct wire_port portv[WIRE_PORTS_MAX];
	size_t portc;
	unsigned threads;
	int fdv[WIRE_THREADS_MAX][WIRE_PORTS_MAX];
	struct wire_ring *ringv; /* [to * threads + from]                  */
	int wakev[WIRE_THREADS_MAX];   /* eventfd of each thread           */
	_Atomic uint32_t instance;     /* of this router; 0: not yet known.
					  Thread 0 writes                  */
	_Atomic bool leaving;          /* no more TCP: wire_leave()        */
	_Atomic bool stopping;         /* the loops shall end: wire_stop() */
};

/** Where to listen: "ADDR:PORT[,ADDR:PORT]" each; NULL or empty: nowhere. */
struct wire_listen {
	const char *udp, *tcp, *tls, *ws, *wss;
	const char *advertise; /* host to tell others instead, or NULL     */
	const char *public;    /* what peers outside are told (public.h),
				  or NULL                                  */
	const char *locals;    /* networks whose peers are inside, or NULL */
	struct certs *certs;   /* borrowed; needed with tls, wss              */
};

/**
 * Open the sockets.
 *
 * @param errbuf  On error set to one line that names the address.
 *
 * @return 0 or errno.
 */
int wire_open(struct wire_set *set, const struct wire_listen *at,
	      unsigned threads, char *errbuf, size_t errsize);

void wire_close(struct wire_set *set);

struct wire; /* one thread's transports */

/**
 * Take no more TCP connections, and end those that are open: what was sent
 * still reaches the peer, then the end of the stream.  All threads.
 *
 * @param w  Thread 0's own, which calls this.
 */
void wire_leave(struct wire *w);

/** End the loops of all other threads.  From thread 0. */
void wire_stop(struct wire_set *set);

/** First port of a transport and address family; -1: none. */
int wire_port_find(const struct wire_set *set, enum wire_kind kind, int af);

/**
 * What a peer is told that a port is called, "host:port": the public address,
 * unless it is a router or node of ours, or in a local net.
 *
 * @param peer  Where it is; an unset address is outside.
 */
struct pl wire_told(const struct wire_set *set, const struct wire_port *port,
		    const struct flow *peer);

/** "udp", "tcp", "tls", "ws", "wss". */
const char *wire_kind_name(enum wire_kind kind);

/** For a URI with our address: ";transport=tcp", ";transport=tls", ";transport=ws"
 * (for both, RFC 7118 5.2.4), or "" for UDP. */
const char *wire_kind_param(enum wire_kind kind);

/** Has it TLS? Is it WebSocket? */
bool wire_kind_is_tls(enum wire_kind kind);
bool wire_kind_is_web(enum wire_kind kind);

/** The port that a SIP URI means when it names none, RFC 3261 19.1.2. */
uint16_t wire_kind_port(enum wire_kind kind);

/** How whole a message is. */
enum wire_flaw {
	WIRE_WHOLE,
	WIRE_NO_LENGTH, /* TCP without Content-Length: 400, then closed  */
	WIRE_TOO_LARGE, /* 513, then closed                              */
};

/**
 * A message came.
 *
 * @param from  Where from; answers go there.
 * @param p     Its bytes; borrowed until the next wire_flush().
 */
typedef void(wire_recv_h)(const struct flow *from, enum wire_flaw flaw,
			  const char *p, size_t len, void *arg);

/**
 * A target was reached (a connection), or was not (a connection, an ICMP
 * error): by this thread or another.
 */
typedef void(wire_reach_h)(enum wire_kind kind, const struct sa *peer,
			   bool ok, void *arg);

/**
 * A message is sent.
 *
 * @param to  Where to.
 * @param n   Of its pieces.
 */
typedef void(wire_sent_h)(const struct flow *to, const struct iovec *iov,
			  size_t n, void *arg);

struct wire_conf {
	struct wire_set *set;  /* borrowed                                */
	unsigned thread;
	uint32_t tcp_max;      /* connections of this thread              */
	uint32_t tcp_idle_s;   /* closed after so long without a message  */
	uint32_t coalesce_us;  /* UDP: when busy, look so often; 0: always */
	struct stats *stats;   /* borrowed                                */
	wire_recv_h *recvh;
	wire_reach_h *reachh;  /* or NULL                                 */
	void *arg;
	wire_sent_h *senth;    /* or NULL                                 */
	void *sentarg;
};

/** Start a thread's transports, on that thread. */
int wire_alloc(struct wire **wp, const struct wire_conf *conf);

/**
 * Before each message: makes room for its pieces and texts, by flushing if
 * there is none.
 */
void wire_begin(struct wire *w);

/**
 * Room for text of the message that is being made.
 *
 * @return size bytes, valid until wire_flush(); NULL: over WIRE_TEXT_MAX.
 */
char *wire_text(struct wire *w, size_t size);

/** EDIT_IOV_MAX pieces, valid until wire_flush(). */
struct iovec *wire_iov(struct wire *w);

/**
 * Send a message; on UDP at the next wire_flush().
 *
 * @param iov  From wire_iov().
 * @param n    Pieces used.
 *
 * @return 0, ENOTCONN (the connection is gone), ENOBUFS (its queue is full),
 *         EAFNOSUPPORT (no such socket).
 */
int wire_send(struct wire *w, const struct flow *to, struct iovec *iov,
	      size_t n);

/** The same for what is no SIP: nobody is told of it (wire_sent_h). */
int wire_send_other(struct wire *w, const struct flow *to, struct iovec *iov,
		    size_t n);

/** Send what was collected.  At the end of every handler. */
void wire_flush(struct wire *w);

/** The flow to a UDP peer. @return 0 or EAFNOSUPPORT. */
int wire_udp(struct wire *w, struct flow *f, const struct sa *peer);

/**
 * A flow to a peer by TCP or TLS: an open connection, or a new one.
 *
 * @return 0, EAFNOSUPPORT (no such port of ours), or errno of connect().
 */
int wire_connect(struct wire *w, struct flow *f, enum wire_kind kind,
		 const struct sa *peer);

/**
 * The same to a peer that was found by a name: that is what its certificate
 * must be for (RFC 5922 7.1), and what it is told that we want (SNI).
 *
 * @param name  Name, or an address: then as wire_connect().
 */
int wire_connect_name(struct wire *w, struct flow *f, enum wire_kind kind,
		      const struct sa *peer, const struct pl *name);

/** Is a flow's connection open, and its handshake done? */
bool wire_is_through(const struct wire *w, const struct flow *f);

/** Tell all threads that a target was reached, or was not. */
void wire_tell(struct wire *w, enum wire_kind kind, const struct sa *peer,
	       bool ok);

/**
 * Whom the certificate that a peer showed names, if it was verified: its
 * first SIP URI or DNS name (RFC 5922 7.1), else its common name.
 *
 * @param name  Empty: no certificate, or no connection of this thread.
 */
void wire_peer_name(const struct wire *w, const struct flow *f, char *name,
		    size_t size);

/** All of its names: certs_peer_names(). @return true if the handler said so
 * of one. */
bool wire_peer_names(const struct wire *w, const struct flow *f,
		     bool (*h)(const char *name, void *arg), void *arg);

/** True if a flow of this thread is still open; of another: true. */
bool wire_is_open(const struct wire *w, const struct flow *f);

/** Hand a received message to the thread that has the connection of a flow;
 * it will see it as if it had received it. @return 0 or ENOBUFS. */
int wire_hand_over(struct wire *w, unsigned thread, const struct flow *from,
		   const char *p, size_t len);

/** Open connections of this thread. */
uint32_t wire_connections(const struct wire *w);

/** Once a second: connections that are idle, or do not come about. */
void wire_tick(struct wire *w);

/**
 * A binding stands for the connection of a flow: as long as it does, the
 * connection is not idle.
 *
 * @param s  Until then [s]; 0: no more.
 */
void wire_hold(struct wire *w, const struct flow *f, uint32_t s);

/**
 * Is a connection's other end itself?  Who connects to a port of its own host
 * where nobody listens gets that port for its own end now and then, and then
 * TCP opens from both sides (RFC 9293 3.5): all that is sent comes back.
 */
bool wire_is_itself(int fd);

#endif
