/* SPDX-License-Identifier: MIT */
/* Who asks: see principal.h. */

#include <stdio.h>
#include <string.h>

#include "gateway/account/principal.h"
#include "proto/scope.h"

void principal_init(struct principal *p, enum principal_kind kind,
		    const char *name)
{
	static const char *const leadv[] = {
		[PRINCIPAL_NONE] = "",
		[PRINCIPAL_ADMIN] = "",
		[PRINCIPAL_TOKEN] = "token:",
		[PRINCIPAL_SESSION] = "user:",
	};

	*p = (struct principal){.kind = kind};
	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	(void)snprintf(p->id, sizeof(p->id), "%s%s", leadv[kind], p->name);
}

bool principal_may(const struct principal *p, const char *scope)
{
	uint64_t bit;

	if (!scope)
		return true;
	if (p->kind == PRINCIPAL_NONE)
		return false;
	if (!strcmp(scope, SCOPE_ANY))
		return true;

	bit = scope_bit(scope);

	return p->scopes == SCOPE_ALL || (bit && (p->scopes & bit) == bit);
}

const char *principal_source(const struct principal *p)
{
	return p->kind == PRINCIPAL_SESSION ? p->id : p->name;
}

const char *principal_maker(const struct principal *p)
{
	return *p->maker ? p->maker : p->id;
}
