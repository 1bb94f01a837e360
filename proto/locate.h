/* SPDX-License-Identifier: MIT */
/*
 * Where a SIP URI's host is: RFC 3263, on libre's DNS client.  A name becomes
 * a list of targets, {transport, address, port}, in the order in which they
 * are to be tried:
 *
 *   host is an address, or has a port     no NAPTR, no SRV (4.1, 4.2)
 *   transport is given                    SRV of that transport
 *   neither                               NAPTR, else SRV of all that we can
 *   no SRV                                A and AAAA, default port
 *
 * What DNS said is kept as long as it says (two seconds at least, an hour at
 * most), that there is nothing too; when no server answers, what was known
 * before is used on.  Who tells of targets that fail (locate_failed()) finds
 * them at the end of the list for 30 s, then 60, 120, 240, at most 300.
 *
 * IPv4 comes before IPv6 of the same host, addresses of one name in random
 * order.  Names are absolute; "localhost" is asked of nobody (RFC 6761 6.3).
 *
 *   locate_known(l, uri, &found)  == 0       go on at once
 *                                 == EAGAIN  locate_query(), wait for handler
 *
 * One thread, with libre's loop.  Names are bounded (LOCATE_NAMES_MAX), and so
 * is who waits; the oldest make room.
 */

#ifndef SY_PROTO_LOCATE_H
#define SY_PROTO_LOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <re.h>

enum {
	LOCATE_TARGETS_MAX = 16,
	LOCATE_SERVERS_MAX = 4,
	LOCATE_NAMES_MAX = 1024,   /* answers kept                      */
	LOCATE_QUERIES_MAX = 1000, /* who waits                         */
};

enum locate_transport {
	LOCATE_NONE, /* the URI names none */
	LOCATE_UDP,
	LOCATE_TCP,
	LOCATE_TLS,
	LOCATE_TRANSPORTS
};

/* Families of addresses that can be used by a transport. */
enum { LOCATE_IP4 = 1, LOCATE_IP6 = 2 };

/** What is looked for. */
struct locate_uri {
	struct pl host; /* name, or address (IPv6 with brackets or without) */
	uint16_t port;  /* 0: none given                                    */
	bool sips;
	enum locate_transport transport;
};

struct locate_target {
	enum locate_transport transport;
	struct sa sa;
	bool failed; /* it did lately: behind those that did not */
};

/** Targets in the order in which to try them. */
struct locate_found {
	struct locate_target v[LOCATE_TARGETS_MAX];
	size_t n;
};

struct locate_conf {
	struct sa serverv[LOCATE_SERVERS_MAX]; /* of DNS                 */
	size_t serverc;                        /* 0: /etc/resolv.conf's  */
	uint8_t canv[LOCATE_TRANSPORTS];       /* families we send by    */
};

struct locate;
struct locate_query;

/**
 * The answer to locate_query(), from the loop.
 *
 * @param err  0; ENOENT: there is no such name, or nothing that we can send
 *             to; ETIMEDOUT: no DNS server said anything.
 * @param f    Targets; borrowed.  On error empty.
 */
typedef void(locate_h)(int err, const struct locate_found *f, void *arg);

/**
 * @param lp    Set on success; owned by the caller.
 * @param conf  Borrowed.
 *
 * @return 0, ENOMEM, or what the sockets of the DNS client gave.
 */
int locate_alloc(struct locate **lp, const struct locate_conf *conf);

/**
 * What is known already, without waiting or allocating: an address, or a
 * name that DNS was asked for.
 *
 * @param f  Set on success.
 *
 * @return 0; EAGAIN: DNS has to be asked; ENOENT, ETIMEDOUT as locate_h;
 *         EPROTONOSUPPORT: nothing that we can send by; EINVAL: no host.
 */
int locate_known(struct locate *l, const struct locate_uri *uri,
		 struct locate_found *f);

/**
 * Ask.  The handler is called once, and never before this returns.
 *
 * @param qp   Set on success; owned by the caller, who gives it up when he
 *             likes, in the handler too.  Before it was called, that means
 *             it never will be.
 * @param uri  Borrowed until this returns.
 *
 * @return 0, ENOBUFS (too many wait), ENOMEM, EINVAL, EPROTONOSUPPORT.
 */
int locate_query(struct locate_query **qp, struct locate *l,
		 const struct locate_uri *uri, locate_h *h, void *arg);

/** A target could not be reached, or answered 503: it comes last for a
 * while. */
void locate_failed(struct locate *l, const struct locate_target *t);

/** It was reached: nothing is held against it. */
void locate_worked(struct locate *l, const struct locate_target *t);

/** Did it fail lately, so that it comes last? */
bool locate_has_failed(const struct locate *l, const struct locate_target *t);

/**
 * Did it fail since then?  For who waits for an answer of it.
 *
 * @param since_ms  On the clock of tmr_jiffies() [ms].
 */
bool locate_failed_since(const struct locate *l,
			 const struct locate_target *t, uint64_t since_ms);

/**
 * Read "ADDR[:PORT],..." (port 53 if none is given) into conf.
 *
 * @param str   Empty: none, so /etc/resolv.conf's.
 * @param errp  On error set to what is allowed, a static text; may be NULL.
 *
 * @return 0 or EINVAL.
 */
int locate_servers_read(struct locate_conf *conf, const char *str,
			const char **errp);

/** For the table of options: check of --dns-server. */
int locate_servers_check(const char *val, const char **errp);

/** "udp", "tcp", "tls". */
const char *locate_transport_name(enum locate_transport t);

#endif
