/* SPDX-License-Identifier: MIT */
/* Messages as they are, in and out: see wire.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/api/once.h"
#include "gateway/api/wire.h"

enum {
	TAG_ITEM = 1 << 3 | 2,   /* field 1, its length follows */
	TAG_CURSOR = 2 << 3 | 2,
	VARINT_MAX = 10,
};

static bool names(const char *value)
{
	size_t len = strlen(WIRE_TYPE);

	return value && !strncasecmp(value, WIRE_TYPE, len) &&
	       strchr(";, ", value[len]);
}

bool wire_is_sent(const struct api_req *a)
{
	return names(web_header(a->web, "content-type"));
}

bool wire_is_wanted(const struct api_req *a)
{
	return names(web_header(a->web, "accept"));
}

/* ------------------------------------------------------------------ UTF-8 */

/* RFC 3629 4: no overlong forms, no surrogates, nothing above 10FFFF. */
static bool is_utf8(const char *str)
{
	const unsigned char *p = (const unsigned char *)str;

	while (*p) {
		unsigned c = *p++, n, low = 0x80, high = 0xbf;

		if (c < 0x80)
			continue;
		if (c < 0xc2 || c > 0xf4)
			return false;
		n = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : low;
		high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : high;
		for (; n; n--, low = 0x80, high = 0xbf) {
			if (*p < low || *p > high)
				return false;
			p++;
		}
	}

	return true;
}

static bool check_one(const ProtobufCFieldDescriptor *f, const void *value)
{
	if (f->type == PROTOBUF_C_TYPE_STRING) {
		const char *str = *(char *const *)value;

		return !str || is_utf8(str);
	}

	return true;
}

/* Values of a field lie side by side. */
static bool check_field(const ProtobufCMessage *msg,
			const ProtobufCFieldDescriptor *f, char *path,
			size_t size)
{
	const uint8_t *base = (const uint8_t *)msg;
	const uint8_t *value = base + f->offset;
	size_t n = 1, len = strlen(path);
	bool ok = true;

	if (f->type != PROTOBUF_C_TYPE_STRING &&
	    f->type != PROTOBUF_C_TYPE_MESSAGE)
		return true;
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF &&
	    *(const uint32_t *)(base + f->quantifier_offset) != f->id)
		return true;
	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		n = *(const size_t *)(base + f->quantifier_offset);
		value = *(uint8_t *const *)value;
	}

	(void)snprintf(path + len, size - len, "%s%s", len ? "." : "", f->name);
	for (size_t i = 0; i < n && ok; i++, value += sizeof(void *)) {
		const ProtobufCMessage *sub = *(ProtobufCMessage *const *)value;

		ok = f->type == PROTOBUF_C_TYPE_STRING
			 ? check_one(f, value)
			 : !sub || wire_check(sub, path, size);
	}
	if (ok)
		path[len] = '\0';

	return ok;
}

bool wire_check(const ProtobufCMessage *msg, char *path, size_t size)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;
	bool ok = true;

	for (unsigned i = 0; i < d->n_fields && ok; i++)
		ok = check_field(msg, &d->fields[i], path, size);

	return ok;
}

/* --------------------------------------------------------------------- in */

bool wire_read(struct api_req *a)
{
	struct problem_field bad = {.field = "",
				    .cause = "is no such message"};
	char path[256] = "";
	const uint8_t *p;
	size_t len;

	p = web_body(a->web, &len);
	a->body = protobuf_c_message_unpack(a->route->body, NULL, len, p);
	if (a->body && wire_check(a->body, path, sizeof(path)))
		return true;

	if (a->body) {
		bad.field = path;
		bad.cause = "is not UTF-8";
	}
	(void)problem_fields(a->web, &bad, 1);

	return false;
}

/* -------------------------------------------------------------------- out */

static void answer(struct api_req *a, unsigned status, const uint8_t *p,
		   size_t len)
{
	if (!p) {
		(void)problem(a->web, 500, "internal", "out of memory");
		return;
	}
	once_keep(a, WIRE_TYPE, p, len);
	(void)web_head(a->web, "cache-control", "no-store");
	(void)web_reply(a->web, status, WIRE_TYPE, p, len);
}

void wire_reply(struct api_req *a, unsigned status, const ProtobufCMessage *msg)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	uint8_t *p = malloc(len + 1);

	if (p)
		(void)protobuf_c_message_pack(msg, p);
	answer(a, status, p, len);
	free(p);
}

static size_t put_varint(uint8_t *p, size_t v)
{
	size_t n = 0;

	for (; v > 0x7f; v >>= 7)
		p[n++] = (uint8_t)(v | 0x80);
	p[n++] = (uint8_t)v;

	return n;
}

uint8_t *wire_list(const ProtobufCMessage *const *msgv, size_t msgc,
		   const char *next, size_t *lenp)
{
	size_t *lenv = calloc(msgc + 1, sizeof(*lenv));
	size_t size = 2 * (1 + VARINT_MAX), n = 0;
	size_t nextlen = next ? strlen(next) : 0;
	uint8_t *p = NULL;

	for (size_t i = 0; lenv && i < msgc; i++) {
		lenv[i] = protobuf_c_message_get_packed_size(msgv[i]);
		size += 1 + VARINT_MAX + lenv[i];
	}
	if (lenv)
		p = malloc(size + nextlen);

	for (size_t i = 0; p && i < msgc; i++) {
		p[n++] = TAG_ITEM;
		n += put_varint(p + n, lenv[i]);
		n += protobuf_c_message_pack(msgv[i], p + n);
	}
	if (p && nextlen) {
		p[n++] = TAG_CURSOR;
		n += put_varint(p + n, nextlen);
		memcpy(p + n, next, nextlen);
		n += nextlen;
	}
	free(lenv);
	*lenp = n;

	return p;
}
