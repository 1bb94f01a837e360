/* SPDX-License-Identifier: MIT */
/* See trace_text.h. */

#include <errno.h>
#include <string.h>

#include "gateway/signal/trace_text.h"
#include "proto/json_field.h"
#include "proto/json_scalar.h"

/* What is written apart from the other fields. */
struct apart {
	const char *sdp;
	char first[64];            /* behind the name of the message      */
};

/* Of a stranger: its line breaks make no lines of ours. */
static int print_line(struct mbuf *mb, const char *name, const char *text)
{
	int err = mbuf_printf(mb, "%s: ", name);

	for (; *text && !err; text++) {
		const uint8_t c = (uint8_t)*text;

		err = mbuf_write_u8(mb, c < ' ' || c == 0x7f ? '?' : c);
	}

	return err | mbuf_write_str(mb, "\r\n");
}

static int print_fields(struct mbuf *mb, const ProtobufCMessage *m,
			struct apart *apart);

static int print_string(struct mbuf *mb, const ProtobufCFieldDescriptor *f,
			const char *name, const char *text, struct apart *apart)
{
	if (!strcmp(f->name, "sdp")) {
		apart->sdp = text;
		return 0;
	}
	if (!strcmp(f->name, "type")) { /* of an error */
		str_ncpy(apart->first, text, sizeof(apart->first));
		return 0;
	}

	return print_line(mb, name,
			  strcmp(f->name, "digits") ? text : "********");
}

static int print_number(struct mbuf *mb, const ProtobufCFieldDescriptor *f,
			const char *name, uint32_t v, struct apart *apart)
{
	if (!strcmp(f->name, "code")) {
		(void)re_snprintf(apart->first, sizeof(apart->first), "%u", v);
		return 0;
	}

	return mbuf_printf(mb, "%s: %u\r\n", name, v);
}

static int print_enum(struct mbuf *mb, const ProtobufCFieldDescriptor *f,
		      const char *name, int v)
{
	const ProtobufCEnumValue *e =
		protobuf_c_enum_descriptor_get_value(f->descriptor, v);

	return mbuf_printf(mb, "%s: %s\r\n", name, e ? e->name : "?");
}

static int print_field(struct mbuf *mb, const ProtobufCMessage *m,
		       const ProtobufCFieldDescriptor *f, struct apart *apart)
{
	const void *at = json_member(m, f->offset);
	char buf[JSON_NAME_MAX];
	const char *name = json_name(buf, f);

	switch (f->type) {

	case PROTOBUF_C_TYPE_STRING:
		return print_string(mb, f, name, *(char *const *)at, apart);
	case PROTOBUF_C_TYPE_UINT32:
		return print_number(mb, f, name, *(const uint32_t *)at, apart);
	case PROTOBUF_C_TYPE_BOOL:
		return mbuf_printf(mb, "%s: %s\r\n", name,
				   *(const protobuf_c_boolean *)at ? "true"
								   : "false");
	case PROTOBUF_C_TYPE_ENUM:
		return print_enum(mb, f, name, *(const int *)at);
	case PROTOBUF_C_TYPE_MESSAGE:
		return json_is_timestamp(f->descriptor)
			       ? 0
			       : print_fields(mb,
					      *(ProtobufCMessage *const *)at,
					      apart);
	default:
		return 0; /* a page says no such thing */
	}
}

static int print_fields(struct mbuf *mb, const ProtobufCMessage *m,
			struct apart *apart)
{
	int err = 0;

	for (unsigned i = 0; i < m->descriptor->n_fields && !err; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];

		if (f->label != PROTOBUF_C_LABEL_REPEATED &&
		    json_is_shown(m, f, 0))
			err = print_field(mb, m, f, apart);
	}

	return err;
}

/* What the message is: the member of its oneof. */
static const ProtobufCFieldDescriptor *body_of(const ProtobufCMessage *msg)
{
	for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];

		if (f->type == PROTOBUF_C_TYPE_MESSAGE &&
		    f->label != PROTOBUF_C_LABEL_REPEATED &&
		    json_is_shown(msg, f, 0))
			return f;
	}

	return NULL;
}

int trace_text(struct mbuf *mb, const ProtobufCMessage *msg,
	       const char *device)
{
	const ProtobufCFieldDescriptor *f = body_of(msg);
	struct mbuf *fields = mbuf_alloc(512);
	struct apart apart = {0};
	char buf[JSON_NAME_MAX];
	int err = !f ? ENOENT : fields ? 0 : ENOMEM;

	if (err)
		goto out;

	err = print_fields(fields,
			   *(ProtobufCMessage *const *)json_member(msg,
								   f->offset),
			   &apart);
	if (!err)
		err = mbuf_printf(mb, "%s%s%s\r\ndevice: %s\r\n%b",
				  json_name(buf, f), apart.first[0] ? " " : "",
				  apart.first, device, fields->buf,
				  fields->end);
	if (!err && apart.sdp)
		err = mbuf_printf(mb, "Content-Type: application/sdp\r\n\r\n"
				  "%s", apart.sdp);

out:
	mem_deref(fields);
	return err;
}
