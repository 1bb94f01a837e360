/* SPDX-License-Identifier: MIT */
/* Scopes: see scope.h.  Which bit is whose is not kept anywhere: sets are
 * written down as names. */

#include <string.h>
#include "proto/scope.h"

const char *const scope_names[] = {
	"audit:read",	      "calls:read",    "calls:write",
	"config:read",	      "config:write",  "devices:read",
	"devices:write",      "events:read",   "guard:read",
	"guard:write",	      "nodes:read",    "nodes:write",
	"phone",	      "registrations:read",
	"tokens:read",	      "tokens:write",  "users:read",
	"users:write",	      "webhooks:read", "webhooks:write",
	"*",		      NULL,
};

size_t scope_count(void)
{
	return sizeof(scope_names) / sizeof(scope_names[0]) - 1;
}

uint64_t scope_bit(const char *name)
{
	const size_t all = scope_count() - 1;

	if (!name)
		return 0;
	for (size_t i = 0; i < all; i++) {
		if (!strcmp(scope_names[i], name))
			return UINT64_C(1) << i;
	}

	return strcmp(scope_names[all], name) ? 0 : SCOPE_ALL;
}

uint64_t scope_bits(char *const *namev, size_t n)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < n; i++)
		bits |= scope_bit(namev[i]);

	return bits;
}

size_t scope_list(const char **namev, uint64_t bits)
{
	const size_t all = scope_count() - 1;
	size_t n = 0;

	if (bits == SCOPE_ALL) {
		namev[n++] = scope_names[all];
		return n;
	}
	for (size_t i = 0; i < all; i++) {
		if (bits & UINT64_C(1) << i)
			namev[n++] = scope_names[i];
	}

	return n;
}
