/* SPDX-License-Identifier: MIT */
/*
 * Messages of the schema as JSON Schema 2020-12, as proto/json prints them.
 * A message that no body has is one that we make: then all that is printed
 * even by default is required.
 */

#include <stdbool.h>
#include <string.h>

#include "gateway/api/openapi_impl.h"
#include "proto/doc.h"
#include "proto/json_scalar.h"

enum { TYPES_MAX = 256 };

/* Messages or enums that are spoken of. */
struct types {
	const void *v[TYPES_MAX];
	size_t n;
};

/* What belongs to the document that is being made. */
struct maker {
	struct types messages, enums;
	struct types asked; /* of the messages: those that bodies have */
	json_t *schemas;
};

static bool has(const struct types *t, const void *type)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i] == type)
			return true;
	}

	return false;
}

static bool add(struct types *t, const void *type)
{
	if (has(t, type) || t->n == TYPES_MAX)
		return false;
	t->v[t->n++] = type;

	return true;
}

/* The message and all that it is made of. */
static void collect(struct maker *mk, struct types *messages,
		    const ProtobufCMessageDescriptor *d)
{
	if (!d || json_is_timestamp(d) || !add(messages, d))
		return;

	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		if (f->type == PROTOBUF_C_TYPE_MESSAGE)
			collect(mk, messages, f->descriptor);
		else if (f->type == PROTOBUF_C_TYPE_ENUM)
			(void)add(&mk->enums, f->descriptor);
	}
}

/* ------------------------------------------------------------- one value */

static json_t *ref(const char *name)
{
	return json_pack("{s:s++}", "$ref", "#/components/schemas/", name, "");
}

json_t *openapi_ref(const ProtobufCMessageDescriptor *d)
{
	return ref(d->short_name);
}

static json_t *value(const ProtobufCFieldDescriptor *f)
{
	const ProtobufCMessageDescriptor *d = f->descriptor;

	switch (f->type) {

	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return json_pack("{s:s, s:I, s:I}", "type", "integer",
				 "minimum", (json_int_t)INT32_MIN, "maximum",
				 (json_int_t)INT32_MAX);

	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return json_pack("{s:s, s:i, s:I}", "type", "integer",
				 "minimum", 0, "maximum",
				 (json_int_t)UINT32_MAX);

	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return json_pack("{s:s, s:s}", "type", "string", "pattern",
				 "^-?[0-9]+$");

	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		return json_pack("{s:s}", "type", "number");

	case PROTOBUF_C_TYPE_BOOL:
		return json_pack("{s:s}", "type", "boolean");

	case PROTOBUF_C_TYPE_ENUM:
		return ref(((const ProtobufCEnumDescriptor *)f->descriptor)
				->short_name);

	case PROTOBUF_C_TYPE_STRING:
		return json_pack("{s:s}", "type", "string");

	case PROTOBUF_C_TYPE_BYTES:
		return json_pack("{s:s, s:s}", "type", "string",
				 "contentEncoding", "base64");

	case PROTOBUF_C_TYPE_MESSAGE:
		if (json_is_timestamp(d))
			return json_pack("{s:s, s:s}", "type", "string",
					 "format", "date-time");
		return openapi_ref(d);
	}

	return NULL;
}

static void describe(json_t *schema, const char *type, const char *member)
{
	const char *text = doc_find(type, member);

	if (text)
		(void)json_object_set_new(schema, "description",
					  json_string(text));
}

/* ------------------------------------------------------------- messages */

static bool is_repeated(const ProtobufCFieldDescriptor *f)
{
	return f->label == PROTOBUF_C_LABEL_REPEATED;
}

static bool is_oneof(const ProtobufCFieldDescriptor *f)
{
	return f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

static json_t *property(const ProtobufCMessageDescriptor *d,
			const ProtobufCFieldDescriptor *f)
{
	json_t *schema = value(f);

	if (is_repeated(f))
		schema = json_pack("{s:s, s:o}", "type", "array", "items",
				   schema);
	describe(schema, d->short_name, f->name);

	return schema;
}

/* At most one of the oneof's members.  One alone needs no words: that is how
 * the schema tells absent from zero. */
static void restrict_oneof(json_t *all, const ProtobufCMessageDescriptor *d,
			   uint32_t offset)
{
	json_t *v = json_array(), *none = json_array();
	char name[JSON_NAME_MAX];

	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		if (!is_oneof(f) || f->quantifier_offset != offset)
			continue;
		(void)json_array_append_new(
			v, json_pack("{s:[s]}", "required",
				     json_name(name, f)));
		(void)json_array_append_new(
			none, json_pack("{s:[s]}", "required",
					json_name(name, f)));
	}

	if (json_array_size(v) > 1) {
		(void)json_array_append_new(
			v, json_pack("{s:{s:O}}", "not", "anyOf", none));
		(void)json_array_append_new(all,
					    json_pack("{s:O}", "oneOf", v));
	}
	json_decref(v);
	json_decref(none);
}

static void restrict_oneofs(json_t *schema,
			    const ProtobufCMessageDescriptor *d)
{
	json_t *all = json_array();
	struct types seen = {.n = 0};

	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		if (is_oneof(f) &&
		    add(&seen, (const char *)NULL + f->quantifier_offset))
			restrict_oneof(all, d, f->quantifier_offset);
	}

	if (json_array_size(all))
		(void)json_object_set(schema, "allOf", all);
	json_decref(all);
}

/* Printed whatever its value is. */
static bool is_always(const ProtobufCFieldDescriptor *f)
{
	return is_repeated(f) ||
	       (f->type != PROTOBUF_C_TYPE_MESSAGE && !is_oneof(f));
}

static void add_message(struct maker *mk, const ProtobufCMessageDescriptor *d)
{
	json_t *props = json_object(), *required = json_array();
	json_t *schema = json_pack("{s:s, s:o, s:b}", "type", "object",
				   "properties", props,
				   "additionalProperties", 0);
	char name[JSON_NAME_MAX];

	describe(schema, d->short_name, NULL);
	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		(void)json_object_set_new(props, json_name(name, f),
					  property(d, f));
		if (is_always(f))
			(void)json_array_append_new(
				required, json_string(json_name(name, f)));
	}
	if (!has(&mk->asked, d) && json_array_size(required))
		(void)json_object_set(schema, "required", required);
	json_decref(required);
	restrict_oneofs(schema, d);
	(void)json_object_set_new(mk->schemas, d->short_name, schema);
}

static void add_enum(struct maker *mk, const ProtobufCEnumDescriptor *d)
{
	json_t *names = json_array(), *words = json_object(), *schema;

	for (unsigned i = 0; i < d->n_values; i++) {
		const char *name = d->values[i].name;
		const char *text = doc_find(d->short_name, name);

		(void)json_array_append_new(names, json_string(name));
		if (text)
			(void)json_object_set_new(words, name,
						  json_string(text));
	}

	schema = json_pack("{s:s, s:o}", "type", "string", "enum", names);
	describe(schema, d->short_name, NULL);
	if (json_object_size(words))
		(void)json_object_set(schema, "x-enum-descriptions", words);
	json_decref(words);
	(void)json_object_set_new(mk->schemas, d->short_name, schema);
}

/* Problem documents are made by hand: gateway/http/problem.c. */
static json_t *problem_schema(void)
{
	return json_pack(
		"{s:s, s:s, s:[s,s,s,s], s:{s:{s:s,s:s}, s:{s:s}, s:{s:s}, "
		"s:{s:s,s:s}, s:{s:s,s:s}, s:{s:s,s:s}, s:{s:s}, s:{s:s}, "
		"s:{s:s, s:{s:s, s:[s,s], s:{s:{s:s}, s:{s:s}, s:{s:s}, "
		"s:{s:s,s:s}}, s:b}}}}",
		"description", "What went wrong (RFC 9457)",
		"type", "object", "required", "type", "title", "status",
		"detail", "properties",
		"type", "type", "string", "description",
		"urn:switchyard:problem:<kind>",
		"title", "type", "string",
		"status", "type", "integer",
		"detail", "type", "string", "description",
		"for a person: what is wrong here, and what to do",
		"instance", "type", "string", "description",
		"path of the request",
		"requestId", "type", "string", "description",
		"as X-Request-Id",
		"line", "type", "integer",
		"column", "type", "integer",
		"errors", "type", "array", "items", "type", "object",
		"required", "field", "cause", "properties",
		"field", "type", "string", "cause", "type", "string",
		"allowed", "type", "string", "pointer", "type", "string",
		"description", "to the field in the body (RFC 6901)",
		"additionalProperties", 0);
}

json_t *openapi_schemas(const struct api_route *routev, size_t n)
{
	struct maker mk = {.schemas = json_object()};

	for (size_t i = 0; i < n; i++) {
		collect(&mk, &mk.asked, routev[i].body);
		collect(&mk, &mk.messages, routev[i].body);
		collect(&mk, &mk.messages, routev[i].reply);
	}
	for (size_t i = 0; i < mk.messages.n; i++)
		add_message(&mk, mk.messages.v[i]);
	for (size_t i = 0; i < mk.enums.n; i++)
		add_enum(&mk, mk.enums.v[i]);
	(void)json_object_set_new(mk.schemas, "Problem", problem_schema());

	return mk.schemas;
}
