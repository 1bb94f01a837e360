/* sources: router/view.c router/view_start.c router/view_part.c router/register.c */
/* seeds: tests/unit/torture */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as a SIP message, and every part of it that a
 * router reads. */

#include <stdlib.h>
#include "router/register.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parts(const struct view *v)
{
	for (unsigned i = 0; i < v->fieldc; i++) {
		struct pl rest, val, param;
		struct view_addr a;
		struct view_via via;
		struct view_uri u;
		char buf[64];

		view_val(v, &v->fieldv[i], &rest);
		while (view_list(&rest, &val)) {
			(void)view_via_read(&via, &val);
			if (view_addr_read(&a, &val))
				continue;
			(void)view_param(&a.params, "q", &param);
			if (!view_uri_read(&u, &a.uri))
				(void)view_unescape(buf, sizeof(buf),
						    &u.user);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct view v;
	static struct register_req reg;
	enum view_err err = view_read(&v, (const char *)data, size);

	if (err == VIEW_OK && (v.len > size || v.body > v.len))
		abort();
	if (err != VIEW_EMPTY && err != VIEW_JUNK)
		parts(&v);
	if (err == VIEW_OK && v.method == VIEW_REGISTER &&
	    register_read(&reg, &v, 60, 3600) == REGISTER_OK &&
	    reg.n > REGISTER_CONTACTS_MAX)
		abort();

	return 0;
}
