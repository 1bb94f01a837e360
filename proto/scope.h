/* SPDX-License-Identifier: MIT */
/* Scopes: what a token or a role may do, by name and as a set of bits. */

#ifndef SY_PROTO_SCOPE_H
#define SY_PROTO_SCOPE_H

#include <stddef.h>
#include <stdint.h>

#define SCOPE_ALL UINT64_MAX /* "*", also what there will be later */

/** The names, "*" last; NULL ends them. */
extern const char *const scope_names[];

/** Number of names. */
size_t scope_count(void);

/** The bit of a name; SCOPE_ALL of "*"; 0: there is no such scope. */
uint64_t scope_bit(const char *name);

/** The bits of several names; unknown ones are nothing. */
uint64_t scope_bits(char *const *namev, size_t n);

/**
 * The names of a set.
 *
 * @param namev  Set to borrowed names, static; room for scope_count().
 *
 * @return number of them.
 */
size_t scope_list(const char **namev, uint64_t bits);

#endif
