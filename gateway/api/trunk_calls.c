/* SPDX-License-Identifier: MIT */
/* Calls by a trunk; see trunk_calls.h. */

#include <string.h>
#include "gateway/api/trunk_calls.h"

struct sum {
	const char *trunk;
	struct trunk_calls calls;
};

static bool on_node(const Sy__Member *m, void *arg)
{
	struct sum *s = arg;

	for (size_t i = 0; m->load && i < m->load->n_trunks; i++) {
		const Sy__TrunkLoad *t = m->load->trunks[i];

		if (strcmp(t->trunk, s->trunk))
			continue;
		s->calls.in += t->in;
		s->calls.out += t->out;
	}

	return false;
}

struct trunk_calls trunk_calls_now(const struct view *v, const char *trunk)
{
	struct sum s = {.trunk = trunk};

	member_apply(view_members(v), SY__MEMBER_KIND__NODE, on_node, &s);

	return s.calls;
}
