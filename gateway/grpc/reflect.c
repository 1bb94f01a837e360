/* SPDX-License-Identifier: MIT */
/* grpc.reflection.v1, and v1alpha, which is the same on the wire: what methods
 * are there, and what do their messages look like? */

#include <errno.h>
#include <string.h>
#include <re.h>
#include <grpc/reflection/v1/reflection.pb-c.h>

#include "gateway/grpc/call.h"
#include "gateway/grpc/files.h"

enum { MESSAGE_MAX = 4096, LIST_MAX = 64 };

typedef Grpc__Reflection__V1__ServerReflectionRequest request;
typedef Grpc__Reflection__V1__ServerReflectionResponse response;

#define ASKED(name)                                                           \
	GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define ANSWER(name)                                                          \
	GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

static void answer(struct call *c, const response *res)
{
	if (call_send(c, &res->base))
		call_end(c, GRPC_RESOURCE_EXHAUSTED,
			 "the answers are not taken");
}

static void send_error(struct call *c, response *res, enum grpc_code code,
		       const char *text)
{
	Grpc__Reflection__V1__ErrorResponse e =
		GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;

	e.error_code = (int32_t)code;
	e.error_message = (char *)text;
	res->message_response_case = ANSWER(ERROR_RESPONSE);
	res->error_response = &e;
	answer(c, res);
}

static void send_files(struct call *c, response *res, int index)
{
	Grpc__Reflection__V1__FileDescriptorResponse r =
		GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
	ProtobufCBinaryData v[LIST_MAX];
	int indexv[LIST_MAX];

	if (index < 0) {
		send_error(c, res, GRPC_NOT_FOUND, "there is no such thing in "
			   "this schema");
		return;
	}
	r.n_file_descriptor_proto =
		files_with_imports(c->g->files, index, indexv);
	/* The one that was asked for goes first. */
	for (size_t i = 0; i < r.n_file_descriptor_proto; i++) {
		struct file file;

		files_get(c->g->files,
			  indexv[r.n_file_descriptor_proto - 1 - i], &file);
		v[i].data = (uint8_t *)file.p;
		v[i].len = file.len;
	}
	r.file_descriptor_proto = v;
	res->message_response_case = ANSWER(FILE_DESCRIPTOR_RESPONSE);
	res->file_descriptor_response = &r;
	answer(c, res);
}

static void send_services(struct call *c, response *res)
{
	Grpc__Reflection__V1__ListServiceResponse r =
		GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
	Grpc__Reflection__V1__ServiceResponse v[LIST_MAX], *pv[LIST_MAX];
	const char *name;

	while (r.n_service < LIST_MAX &&
	       (name = files_service(c->g->files, r.n_service))) {
		grpc__reflection__v1__service_response__init(&v[r.n_service]);
		v[r.n_service].name = (char *)name;
		pv[r.n_service] = &v[r.n_service];
		r.n_service++;
	}
	r.service = pv;
	res->message_response_case = ANSWER(LIST_SERVICES_RESPONSE);
	res->list_services_response = &r;
	answer(c, res);
}

/* proto3 has none. */
static void send_extensions(struct call *c, response *res, const char *type)
{
	Grpc__Reflection__V1__ExtensionNumberResponse r =
		GRPC__REFLECTION__V1__EXTENSION_NUMBER_RESPONSE__INIT;

	if (files_find_symbol(c->g->files, type) < 0) {
		send_error(c, res, GRPC_NOT_FOUND, "there is no such type");
		return;
	}
	r.base_type_name = (char *)type;
	res->message_response_case = ANSWER(ALL_EXTENSION_NUMBERS_RESPONSE);
	res->all_extension_numbers_response = &r;
	answer(c, res);
}

static void on_message(struct call *c, const uint8_t *p, size_t len)
{
	response res = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
	request *req =
		grpc__reflection__v1__server_reflection_request__unpack(NULL,
									len, p);

	if (!req) {
		call_end(c, GRPC_INVALID_ARGUMENT,
			 "this is no ServerReflectionRequest");
		return;
	}

	res.valid_host = req->host;
	res.original_request = req;
	switch (req->message_request_case) {
	case ASKED(FILE_BY_FILENAME):
		send_files(c, &res,
			   files_find(c->g->files, req->file_by_filename));
		break;
	case ASKED(FILE_CONTAINING_SYMBOL):
		send_files(c, &res,
			   files_find_symbol(c->g->files,
					     req->file_containing_symbol));
		break;
	case ASKED(FILE_CONTAINING_EXTENSION):
		send_error(c, &res, GRPC_NOT_FOUND, "there are no extensions");
		break;
	case ASKED(ALL_EXTENSION_NUMBERS_OF_TYPE):
		send_extensions(c, &res, req->all_extension_numbers_of_type);
		break;
	case ASKED(LIST_SERVICES):
		send_services(c, &res);
		break;
	default:
		send_error(c, &res, GRPC_INVALID_ARGUMENT,
			   "nothing was asked");
		break;
	}
	grpc__reflection__v1__server_reflection_request__free_unpacked(req,
								       NULL);
}

const struct call_ops reflect_ops = {
	.max_bytes = MESSAGE_MAX,
	.streams = true,
	.message = on_message,
};
