/* SPDX-License-Identifier: MIT */
/* Types of events: see event_types.h. */

#include <string.h>

#include "gateway/feed/event_types.h"

bool event_types_read(struct event_types *types, char *names)
{
	char *save = NULL;

	for (char *name = strtok_r(names, ",", &save); name;
	     name = strtok_r(NULL, ",", &save)) {
		const ProtobufCEnumValue *val =
		    protobuf_c_enum_descriptor_get_value_by_name(
			&sy__event_type__descriptor, name);

		if (!val || types->n == EVENT_TYPES_MAX)
			return false;
		types->v[types->n++] = (Sy__EventType)val->value;
	}

	return true;
}

bool event_types_have(const struct event_types *types, Sy__EventType type)
{
	bool have = !types->n;

	for (size_t i = 0; i < types->n; i++)
		have |= types->v[i] == type;

	return have;
}
