/* sources: router/view_part.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as a URI, and as the header values that hold
 * one; whatever is found lies within them. */

#include <stdlib.h>
#include <string.h>
#include "router/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(const struct pl *part, const struct pl *all)
{
	if (part->p &&
	    (part->p < all->p || part->p + part->l > all->p + all->l))
		abort();
}

static void params(const struct pl *pl, const struct pl *all)
{
	static const char *const names[] = {"transport", "lr", "tag", "q"};
	struct pl val;

	within(pl, all);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (view_param(pl, names[i], &val))
			within(&val, pl);
	}
}

static void uri(const struct pl *pl)
{
	struct view_uri u;
	char buf[64];
	int n;

	if (view_uri_read(&u, pl))
		return;
	if (!u.host.l || !u.scheme.l)
		abort();
	within(&u.scheme, pl);
	within(&u.user, pl);
	within(&u.host, pl);
	within(&u.headers, pl);
	params(&u.params, pl);
	n = view_unescape(buf, sizeof(buf), &u.user);
	if (n >= 0 && ((size_t)n > u.user.l || strlen(buf) != (size_t)n))
		abort();
}

static void value(const struct pl *val)
{
	struct view_addr a;
	struct view_via via;

	if (!view_addr_read(&a, val)) {
		within(&a.dname, val);
		within(&a.uri, val);
		params(&a.params, val);
		uri(&a.uri);
	}
	if (!view_via_read(&via, val)) {
		if (!via.host.l || via.sentby.l < via.host.l)
			abort();
		within(&via.transport, val);
		within(&via.sentby, val);
		within(&via.branch, val);
		params(&via.params, val);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pl all = {(const char *)data, size};
	struct pl rest = all, val;
	size_t left = size + 1; /* each value takes a byte: its comma */

	uri(&all);
	value(&all);
	while (view_list(&rest, &val)) {
		if (!left--)
			abort();
		within(&val, &all);
		value(&val);
	}

	return 0;
}
