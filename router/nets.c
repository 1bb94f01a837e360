/* SPDX-License-Identifier: MIT */
/* Sets of networks; see nets.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "router/nets.h"

enum { PREFIXES = 129 };

struct nets {
	size_t n;
	size_t prefixc;
	uint8_t prefixv[PREFIXES];    /* those that there are            */
	size_t fromv[PREFIXES + 1];   /* where each begins in netv       */
	struct config_net netv[];     /* by prefix, then by address      */
};

static int net_cmp(const void *a, const void *b)
{
	const struct config_net *x = a, *y = b;

	if (x->prefix != y->prefix)
		return x->prefix > y->prefix ? -1 : 1;

	return memcmp(x->addr, y->addr, sizeof(x->addr));
}

int nets_alloc(struct nets **np, const struct config_net *netv, size_t netc)
{
	struct nets *n = mem_zalloc(sizeof(*n) + netc * sizeof(*netv), NULL);

	if (!n)
		return ENOMEM;
	n->n = netc;
	if (netc)
		memcpy(n->netv, netv, netc * sizeof(*netv));
	qsort(n->netv, netc, sizeof(*netv), net_cmp);
	for (size_t i = 0; i < netc; i++) {
		if (i && n->netv[i].prefix == n->netv[i - 1].prefix)
			continue;
		n->fromv[n->prefixc] = i;
		n->prefixv[n->prefixc++] = n->netv[i].prefix;
	}
	n->fromv[n->prefixc] = netc;
	*np = n;

	return 0;
}

static void mask(uint8_t to[16], const uint8_t from[16], unsigned prefix)
{
	const unsigned whole = prefix / 8;

	memset(to, 0, 16);
	memcpy(to, from, whole);
	if (prefix % 8)
		to[whole] = from[whole] & (uint8_t)(0xff00 >> prefix % 8);
}

bool nets_has(const struct nets *n, const uint8_t addr[16])
{
	struct config_net want;

	for (size_t i = 0; n && i < n->prefixc; i++) {
		want.prefix = n->prefixv[i];
		mask(want.addr, addr, want.prefix);
		if (bsearch(&want, n->netv + n->fromv[i],
			    n->fromv[i + 1] - n->fromv[i], sizeof(want),
			    net_cmp))
			return true;
	}

	return false;
}
