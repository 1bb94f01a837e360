/* SPDX-License-Identifier: MIT */
/*
 * One end of a load of SIP: a UDP socket that reads and writes in batches,
 * and as little more as possible, so that the peer is what is measured.  One
 * thread; nothing is ever sent twice.
 */

#ifndef SY_BENCH_LOAD_END_H
#define SY_BENCH_LOAD_END_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LOAD_BATCH = 64,
	LOAD_MSG_MAX = 4096,   /* bytes of a message, with its zero */
	LOAD_DRAIN_MS = 1000,  /* wait for what is under way at the end */
};

/** A socket, and what is to be sent from it with the next flush. */
struct end {
	int fd;
	struct sockaddr_in addr;  /* ours                              */
	struct sockaddr_in proxy; /* where all of it is sent           */
	char buf[LOAD_BATCH][LOAD_MSG_MAX];
	size_t len[LOAD_BATCH];
	unsigned count;
};

/** A message, ended by a zero; borrowed for the call. */
typedef void(end_recv_h)(const char *msg, void *arg);

/** Bind to a free port of 127.0.0.1, with a large buffer. @return 0, errno */
int end_open(struct end *e, const struct sockaddr_in *proxy);

/** The buffer of the next message, LOAD_MSG_MAX; flushes when all are taken. */
char *end_next(struct end *e);

/** What end_next() gave holds a message of so many bytes. */
void end_put(struct end *e, int len);

/** Send all that was put. */
void end_flush(struct end *e);

/** Handle all that has come, and send what that put. */
void end_recv(struct end *e, end_recv_h *h, void *arg);

/**
 * The first header of a name.
 *
 * @param msg  A message, or a place within its headers: from the next line on.
 * @param len  Set to the length of the value.
 *
 * @return its value, or NULL.
 */
const char *load_header(const char *msg, const char *name, size_t *len);

/** Read "1.2.3.4:5060". @return 0 or EINVAL */
int load_address(struct sockaddr_in *addr, const char *str);

/** Monotonic clock [us]. */
uint64_t load_now_us(void);

/** qsort() of uint32_t. */
int load_by_value(const void *a, const void *b);

#endif
