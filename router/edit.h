/* SPDX-License-Identifier: MIT */
/*
 * Changes to a received message, collected first and then spliced: the
 * result is a vector of pieces, most of them ranges of the received bytes,
 * so that nothing is copied and nothing else in the message is altered.
 *
 * Fixed size, no allocation; any thread.  Texts that are put in are borrowed
 * until the vector was sent.
 */

#ifndef SY_ROUTER_EDIT_H
#define SY_ROUTER_EDIT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
	EDIT_MAX = 80,                /* changes of one message          */
	EDIT_IOV_MAX = 2 * EDIT_MAX + 1,
};

/** One change: at an offset, so many bytes go and this text comes. */
struct edit {
	uint32_t off;
	uint32_t cut;   /* bytes of the message that go                  */
	const char *p;  /* text that comes in their place                */
	uint32_t len;
};

struct edits {
	struct edit v[EDIT_MAX]; /* ascending; never overlapping         */
	uint32_t n;
};

/** Start with no changes. */
void edit_init(struct edits *ed);

/**
 * Add a change.  At the same offset the texts come out in the order in which
 * they were added, those that cut nothing before the one that does.
 *
 * @param off  Offset in the message.
 * @param cut  Bytes that go.
 * @param p    Text that comes, or NULL; borrowed.
 *
 * @return 0, ENOSPC (too many), EINVAL (overlaps another change).
 */
int edit_put(struct edits *ed, uint32_t off, uint32_t cut, const char *p,
	     size_t len);

/**
 * Make the vector.
 *
 * @param iov   EDIT_IOV_MAX pieces.
 * @param msg   The message; borrowed.
 * @param len   Its length; what edits name behind it is left out.
 * @param sump  Set to the number of bytes of the result; may be NULL.
 *
 * @return number of pieces.
 */
size_t edit_splice(const struct edits *ed, struct iovec *iov, const char *msg,
		   size_t len, size_t *sump);

#endif
