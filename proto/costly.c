/* SPDX-License-Identifier: MIT */
/* Calls that cost; see costly.h. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "proto/costly.h"
#include "proto/costly_number.h"

/* What an account may. */
struct rights {
	char *const *permissionv;
	size_t permissionc;
	uint32_t per_hour, at_a_time;
};

/* The longest prefix that a number has as a trunk writes it. */
static const Sy__Costly *find(const Sy__Settings *s, const Sy__Trunk *trunk,
			      const char *number)
{
	const Sy__Costly *best = NULL;
	struct costly_number num;
	size_t best_len = 0;

	if (!s || !s->n_costly)
		return NULL;
	costly_number_init(&num, trunk, number);
	for (size_t i = 0; i < s->n_costly; i++) {
		const size_t len = costly_number_match(&num, trunk,
						       s->costly[i]->prefix);

		if (len > best_len) {
			best_len = len;
			best = s->costly[i];
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

static uint32_t lower(uint32_t a, uint32_t b)
{
	return !a || (b && b < a) ? b : a;
}

/* @return false: it may not be called */
static bool add_rule(struct costly *k, const struct rights *r,
		     const Sy__Costly *rule)
{
	if (!may(r, rule->permission))
		return false;

	k->calls_per_hour =
		lower(k->calls_per_hour,
		      r->per_hour ? r->per_hour : rule->calls_per_hour);
	k->calls_at_a_time =
		lower(k->calls_at_a_time,
		      r->at_a_time ? r->at_a_time : rule->calls_at_a_time);

	return true;
}

static const char *trunk_id(const Sy__External *ext, size_t i)
{
	return i ? ext->failover[i - 1] : ext->trunk;
}

enum costly_verdict costly_check(struct costly *k, const struct config *c,
				 const Sy__Destination *dest,
				 const Sy__Source *src)
{
	const Sy__Config *conf = config_get(c);
	const Sy__External *ext;
	struct rights r;

	memset(k, 0, sizeof(*k));
	if (!conf || dest->kind_case != SY__DESTINATION__KIND_EXTERNAL ||
	    !src || (src->kind_case != SY__SOURCE__KIND_DEVICE &&
		     src->kind_case != SY__SOURCE__KIND_TRUNK))
		return COSTLY_FREE;
	ext = dest->external;
	name_account(k, src);
	for (size_t i = 0; i <= ext->n_failover; i++) {
		const Sy__Trunk *t = config_trunk(c, trunk_id(ext, i));
		const Sy__Costly *rule = find(conf->settings, t, ext->number);

		if (!rule)
			continue;
		k->rule = rule;
		if (!rights_of(&r, c, src) || !add_rule(k, &r, rule))
			return COSTLY_DENIED;
	}

	return k->calls_per_hour || k->calls_at_a_time ? COSTLY_COUNT
						       : COSTLY_FREE;
}

const char *costly_why(int err)
{
	return err == EDQUOT ? "Too Many Costly Calls In This Hour"
			     : "Too Many Costly Calls At A Time";
}
