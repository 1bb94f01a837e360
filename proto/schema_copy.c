/* SPDX-License-Identifier: MIT */
/* Messages of whatever type, by way of their bytes: see schema_copy.h. */

#include <stdlib.h>
#include <string.h>
#include "proto/schema_copy.h"

void *schema_copy(const ProtobufCMessage *msg)
{
	const size_t len = protobuf_c_message_get_packed_size(msg);
	uint8_t *p = malloc(len + 1);
	void *copy;

	if (!p)
		return NULL;
	protobuf_c_message_pack(msg, p);
	copy = protobuf_c_message_unpack(msg->descriptor, NULL, len, p);
	explicit_bzero(p, len);
	free(p);

	return copy;
}

bool schema_equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	const size_t len = protobuf_c_message_get_packed_size(a);
	uint8_t *p;
	bool equal;

	if (len != protobuf_c_message_get_packed_size(b))
		return false;
	p = malloc(2 * len + 1);
	if (!p)
		return false;
	protobuf_c_message_pack(a, p);
	protobuf_c_message_pack(b, p + len);
	equal = !memcmp(p, p + len, len);
	explicit_bzero(p, 2 * len);
	free(p);

	return equal;
}
