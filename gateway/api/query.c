/* SPDX-License-Identifier: MIT */
/* Parameters of the query: see query.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/api/api.h"
#include "gateway/api/query.h"

enum { ALLOWED_SIZE = 1024, TYPES_SIZE = 512, ID_SIZE = 64 };

static bool refuse(struct api_req *a, const char *name, const char *cause,
		   const char *allowed)
{
	const struct problem_field f = {
		.field = name, .cause = cause, .allowed = allowed};

	(void)problem_param(a->web, &f);

	return false;
}

bool query_text(struct api_req *a, const char *name, char *val, size_t size)
{
	char allowed[64];
	int err = web_query(a->web, name, val, size);

	if (!err)
		return true;
	val[0] = '\0';
	if (err == ENOENT)
		return true;

	(void)snprintf(allowed, sizeof(allowed), "up to %zu bytes of text",
		       size - 1);

	return refuse(a, name, "is too long, or no text", allowed);
}

/* Is it one of "a|b|c"? */
static bool is_choice(const char *val, const char *choices)
{
	size_t len = strlen(val);

	while (*choices) {
		size_t n = strcspn(choices, "|");

		if (n == len && !memcmp(val, choices, n))
			return true;
		choices += n + (choices[n] == '|');
	}

	return false;
}

bool query_choice(struct api_req *a, const char *name, char *val, size_t size,
		  const char *choices)
{
	char allowed[ALLOWED_SIZE];
	size_t n = 0;

	if (!query_text(a, name, val, size))
		return false;
	if (!*val || is_choice(val, choices))
		return true;

	for (; *choices && n + 3 < sizeof(allowed); choices++) {
		if (*choices == '|')
			allowed[n++] = ',';
		allowed[n++] = *choices == '|' ? ' ' : *choices;
	}
	allowed[n] = '\0';
	val[0] = '\0';

	return refuse(a, name, "is not known", allowed);
}

/* @param before  The list follows it. */
static void names_of(char allowed[ALLOWED_SIZE], const char *before,
		     const ProtobufCEnumDescriptor *d)
{
	size_t n = (size_t)snprintf(allowed, ALLOWED_SIZE, "%s", before);

	for (unsigned i = 0; i < d->n_values && n < ALLOWED_SIZE; i++)
		n += (size_t)snprintf(allowed + n, ALLOWED_SIZE - n, "%s%s",
				      i ? ", " : "", d->values[i].name);
}

bool query_enum(struct api_req *a, const char *name, char *val, size_t size,
		const ProtobufCEnumDescriptor *d)
{
	char allowed[ALLOWED_SIZE];

	if (!query_text(a, name, val, size))
		return false;
	if (!*val || protobuf_c_enum_descriptor_get_value_by_name(d, val))
		return true;

	names_of(allowed, "", d);
	val[0] = '\0';

	return refuse(a, name, "is not known", allowed);
}

bool query_event_types(struct api_req *a, struct event_types *types)
{
	char names[TYPES_SIZE], before[32], allowed[ALLOWED_SIZE];

	if (!query_text(a, "type", names, sizeof(names)))
		return false;
	if (event_types_read(types, names))
		return true;

	(void)snprintf(before, sizeof(before), "up to %d of ", EVENT_TYPES_MAX);
	names_of(allowed, before, &sy__event_type__descriptor);

	return refuse(a, "type", "has one that is not known, or too many",
		      allowed);
}

bool query_call(struct api_req *a, char id[ULID_LEN + 1])
{
	char text[ID_SIZE];
	uint8_t bytes[ULID_BYTES];

	id[0] = '\0';
	if (!query_text(a, "call", text, sizeof(text)))
		return false;
	if (!*text)
		return true;
	if (ulid_read(bytes, text, strlen(text)))
		return refuse(a, "call", "is no id of a call", "a ULID");
	ulid_print(id, bytes);

	return true;
}
