/* SPDX-License-Identifier: MIT */
/*
 * JSON from protobuf-c's descriptors and back, in the standard proto3 JSON
 * mapping: lowerCamelCase, enums by name, 64-bit integers as strings, bytes
 * as base64, google.protobuf.Timestamp as RFC 3339, oneof members by
 * presence.  On jansson.
 *
 * libre's <re.h> and jansson's header cannot be in one source file (both
 * have a JSON_STRING): a file that needs this one includes no header that
 * includes <re.h> (of proto: digest.h).
 */

#ifndef SY_PROTO_JSON_H
#define SY_PROTO_JSON_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

enum json_flags {
	JSON_DEFAULTS = 1 << 0, /* print fields that have their default value
				   (not unset messages and oneof members)  */
};

/** Flags for json_dumps() of what json_from_message() made: numbers as
 * json_print() writes them (0.1, not 0.10000000000000001). */
#define JSON_DUMP_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))

/** @return a new reference, or NULL (no memory). */
json_t *json_from_message(const ProtobufCMessage *msg, int flags);

/** @return compact text, owned by the caller (free()), or NULL. */
char *json_print(const ProtobufCMessage *msg, int flags);

enum { JSON_WRONG_MAX = 100 }; /* errors that are told of one document */

/** Called for each error. @param text  One line: path of the field
 * ("routes[3].target"), the cause, what is allowed; borrowed for the call. */
typedef void(json_wrong_h)(const char *text, void *arg);

/**
 * Build a message from JSON.  Unknown fields and wrong types are errors; it
 * is read on behind each, so that all of them are told.
 *
 * @param msgp  Set on success; owned by the caller
 *              (protobuf_c_message_free_unpacked).
 * @param desc  What message.
 * @param h     For JSON_WRONG_MAX errors at most; or NULL.
 *
 * @return 0, EBADMSG, ENOMEM.
 */
int json_to_message_all(ProtobufCMessage **msgp,
			const ProtobufCMessageDescriptor *desc,
			const json_t *j, json_wrong_h *h, void *arg);

/**
 * The same, and the first error alone.
 *
 * @param msgp     Set on success; owned by the caller
 *                 (protobuf_c_message_free_unpacked).
 * @param desc     What message.
 * @param errbuf   On error, set to its text; or NULL.
 *
 * @return 0, EBADMSG, ENOMEM.
 */
int json_to_message(ProtobufCMessage **msgp,
		    const ProtobufCMessageDescriptor *desc, const json_t *j,
		    char *errbuf, size_t errsize);

/** The same from text; a syntax error names line and column. */
int json_read(ProtobufCMessage **msgp, const ProtobufCMessageDescriptor *desc,
	      const char *text, size_t len, char *errbuf, size_t errsize);

#endif
