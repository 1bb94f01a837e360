/* SPDX-License-Identifier: MIT */
/* Answers: see convert.h.  (jansson: no header of libre here.) */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/grpc/convert.h"
#include "gateway/http/request.h"
#include "proto/json.h"

int convert_answer(uint8_t **madep, size_t *lenp, const struct web_req *req,
		   const ProtobufCMessageDescriptor *out)
{
	const char *type = fields_get(&req->res.head, "content-type");
	ProtobufCMessage *msg;
	char errbuf[256];
	const uint8_t *p;
	size_t len;
	int err;

	p = web_res_peek(req, &len);
	if (!len || !type || !strncmp(type, "application/protobuf", 20))
		return 0;
	if (strncmp(type, "application/json", 16))
		return EBADMSG;

	err = json_read(&msg, out, (const char *)p, len, errbuf,
			sizeof(errbuf));
	if (err)
		return err;

	len = protobuf_c_message_get_packed_size(msg);
	*madep = malloc(len + 1);
	if (*madep)
		*lenp = protobuf_c_message_pack(msg, *madep);
	protobuf_c_message_free_unpacked(msg, NULL);

	return *madep ? 0 : ENOMEM;
}
