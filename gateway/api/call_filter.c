/* SPDX-License-Identifier: MIT */
/* GET /api/calls with a filter. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/call_filter.h"
#include "gateway/api/query.h"

bool call_filter_is_empty(const struct call_filter *f)
{
	return !*f->state && !*f->node && !*f->user && !*f->number &&
	       !*f->trunk && !*f->kind;
}

static bool is_name(const ProtobufCEnumDescriptor *d, int value,
		    const char *name)
{
	const ProtobufCEnumValue *v =
	    protobuf_c_enum_descriptor_get_value(d, value);

	return v && !strcmp(v->name, name);
}

/* What one leg must have, all of it. */
static bool leg_matches(const struct call_filter *f, const Sy__Leg *leg)
{
	return (!*f->user || !strcmp(leg->user, f->user)) &&
	       (!*f->trunk || !strcmp(leg->trunk, f->trunk)) &&
	       (!*f->kind || is_name(&sy__leg_kind__descriptor,
				     (int)leg->kind, f->kind));
}

static bool number_matches(const struct call_filter *f, const Sy__Call *call)
{
	if (!strcmp(call->called, f->number) ||
	    !strcmp(call->caller, f->number))
		return true;
	for (size_t i = 0; i < call->n_legs; i++) {
		if (!strcmp(call->legs[i]->user, f->number))
			return true;
	}

	return false;
}

bool call_filter_matches(const struct call_filter *f, const Sy__Call *call)
{
	bool any = !*f->user && !*f->trunk && !*f->kind;

	if (*f->state && !is_name(&sy__call_state__descriptor,
				  (int)call->state, f->state))
		return false;
	if (*f->node && strcmp(call->node, f->node))
		return false;
	if (*f->number && !number_matches(f, call))
		return false;
	for (size_t i = 0; i < call->n_legs && !any; i++)
		any = leg_matches(f, call->legs[i]);

	return any;
}

bool call_filter_read(struct api_req *a, struct call_filter *f)
{
	memset(f, 0, sizeof(*f));

	return query_enum(a, "state", f->state, sizeof(f->state),
			  &sy__call_state__descriptor) &&
	       query_enum(a, "kind", f->kind, sizeof(f->kind),
			  &sy__leg_kind__descriptor) &&
	       query_text(a, "node", f->node, sizeof(f->node)) &&
	       query_text(a, "user", f->user, sizeof(f->user)) &&
	       query_text(a, "number", f->number, sizeof(f->number)) &&
	       query_text(a, "trunk", f->trunk, sizeof(f->trunk));
}
