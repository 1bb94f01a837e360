/* SPDX-License-Identifier: MIT */
/* Text of strangers where only UTF-8 may stand. */

#ifndef SY_ROUTER_UTF8_H
#define SY_ROUTER_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Put "?" for each byte that is no UTF-8 (RFC 3629), and for zeroes.
 *
 * @return len.
 */
size_t utf8_repair(char *p, size_t len);

/** Is it UTF-8, without zeroes? */
bool utf8_is_valid(const char *p, size_t len);

#endif
