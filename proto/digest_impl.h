/* SPDX-License-Identifier: MIT */
/* Internal to digest*.c. */

#ifndef SY_PROTO_DIGEST_IMPL_H
#define SY_PROTO_DIGEST_IMPL_H

#include <stddef.h>
#include <re.h>

enum { DIGEST_FIELDS_MAX = 16 };

/**
 * Read "Digest name=value, ...".
 *
 * @param fieldv  Set to n values, unquoted, borrowed; unset: not there.
 * @param names   What the fields are called.
 * @param n       At most DIGEST_FIELDS_MAX.
 * @param must    The first so many have to be there.
 *
 * @return 0, EBADMSG (not Digest, or a field is missing or twice).
 */
int digest_fields_read(struct pl *fieldv, const char *const *names, size_t n,
		       size_t must, const struct pl *hval);

#endif
