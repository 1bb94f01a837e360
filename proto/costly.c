/* SPDX-License-Identifier: MIT */
/* Calls that cost; see costly.h. */

#include <string.h>
#include <re.h>

#include "proto/costly.h"

/* What an account may. */
struct rights {
	char *const *permissionv;
	size_t permissionc;
	uint32_t per_hour, at_a_time;
};

/* The longest prefix. */
static const Sy__Costly *find(const Sy__Settings *s, const char *number)
{
	const Sy__Costly *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; s && i < s->n_costly; i++) {
		const size_t len = strlen(s->costly[i]->prefix);

		if (len > best_len &&
		    !strncmp(number, s->costly[i]->prefix, len)) {
			best = s->costly[i];
			best_len = len;
		}
	}

	return best;
}

/* @return false: there is no such account (any more). */
static bool rights_of(struct rights *r, const struct config *c,
		      const Sy__Source *src)
{
	const Sy__Device *d = NULL;
	const Sy__Trunk *t = NULL;

	if (src->kind_case == SY__SOURCE__KIND_DEVICE)
		d = config_device(c, src->device, strlen(src->device));
	else if (src->kind_case == SY__SOURCE__KIND_TRUNK)
		t = config_trunk(c, src->trunk);
	if (d)
		*r = (struct rights){d->permissions, d->n_permissions,
				     d->costly_calls_per_hour,
				     d->costly_calls_at_a_time};
	else if (t)
		*r = (struct rights){t->permissions, t->n_permissions,
				     t->costly_calls_per_hour,
				     t->costly_calls_at_a_time};

	return d || t;
}

static bool may(const struct rights *r, const char *permission)
{
	for (size_t i = 0; *permission && i < r->permissionc; i++) {
		if (!strcmp(r->permissionv[i], permission))
			return true;
	}

	return false;
}

static void name_account(struct costly *k, const Sy__Source *src)
{
	const bool device = src->kind_case == SY__SOURCE__KIND_DEVICE;

	(void)re_snprintf(k->account, sizeof(k->account), "%s:%s",
			  device ? "device" : "trunk",
			  device ? src->device : src->trunk);
}

enum costly_verdict costly_check(struct costly *k, const struct config *c,
				 const Sy__Destination *dest,
				 const Sy__Source *src)
{
	const Sy__Config *conf = config_get(c);
	struct rights r;

	memset(k, 0, sizeof(*k));
	if (!conf || dest->kind_case != SY__DESTINATION__KIND_EXTERNAL ||
	    !src || (src->kind_case != SY__SOURCE__KIND_DEVICE &&
		     src->kind_case != SY__SOURCE__KIND_TRUNK))
		return COSTLY_FREE;
	k->rule = find(conf->settings, dest->external->number);
	if (!k->rule)
		return COSTLY_FREE;
	name_account(k, src);
	if (!rights_of(&r, c, src) || !may(&r, k->rule->permission))
		return COSTLY_DENIED;
	k->calls_per_hour = r.per_hour ? r.per_hour : k->rule->calls_per_hour;
	k->calls_at_a_time = r.at_a_time ? r.at_a_time
					 : k->rule->calls_at_a_time;

	return k->calls_per_hour || k->calls_at_a_time ? COSTLY_COUNT
						       : COSTLY_FREE;
}
