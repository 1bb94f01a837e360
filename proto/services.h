/* SPDX-License-Identifier: MIT */
/*
 * The API in gRPC, as services.proto has it: which method is which route, and
 * the schema for those who ask.  Made at build time (services.py).
 */

#ifndef SY_PROTO_SERVICES_H
#define SY_PROTO_SERVICES_H

#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

/** A method that is a route. */
struct service_method {
	const char *path;     /* "/switchyard.v1.Calls/Get"; NULL: the end */
	const char *method;   /* "GET"                                     */
	const char *route;    /* "/api/calls/{id}"                         */
	const ProtobufCMessageDescriptor *in, *out;
};

/** All of them. */
extern const struct service_method service_methods[];

/** A packed google.protobuf.FileDescriptorSet of all services. */
extern const uint8_t service_descriptors[];
extern const size_t service_descriptors_size;

/** switchyard.proto and services.proto, as text. */
extern const char service_schema_text[], service_services_text[];

#endif
