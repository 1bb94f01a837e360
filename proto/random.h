/* SPDX-License-Identifier: MIT */
/*
 * Random numbers from the kernel, some hundred bytes at a time.
 *
 * A call needs some forty of them (ids, tags, branches, what libre makes for
 * each message).  One by one each is a system call, or a turn of OpenSSL's
 * generator, which is dearer still.
 */

#ifndef SY_PROTO_RANDOM_H
#define SY_PROTO_RANDOM_H

#include <stddef.h>

/**
 * Fill with random bytes, good for keys.  Any thread; each has a buffer of
 * its own, which a child process does not share.
 *
 * @param p    Set to len bytes; each byte is given out once.
 */
void random_bytes(void *p, size_t len);

/**
 * Make OpenSSL, and with it libre, take random numbers from here.  Once, at
 * the start of a program.
 */
void random_serve_openssl(void);

#endif
