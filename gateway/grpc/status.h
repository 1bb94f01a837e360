/* SPDX-License-Identifier: MIT */
/* gRPC's status codes, and what a problem document is in them. */

#ifndef SY_GATEWAY_GRPC_STATUS_H
#define SY_GATEWAY_GRPC_STATUS_H

#include <stddef.h>

struct fields;
struct web_req;

/** As on the wire, in grpc-status. */
enum grpc_code {
	GRPC_OK = 0,
	GRPC_CANCELLED = 1,
	GRPC_UNKNOWN = 2,
	GRPC_INVALID_ARGUMENT = 3,
	GRPC_DEADLINE_EXCEEDED = 4,
	GRPC_NOT_FOUND = 5,
	GRPC_ALREADY_EXISTS = 6,
	GRPC_PERMISSION_DENIED = 7,
	GRPC_RESOURCE_EXHAUSTED = 8,
	GRPC_FAILED_PRECONDITION = 9,
	GRPC_ABORTED = 10,
	GRPC_OUT_OF_RANGE = 11,
	GRPC_UNIMPLEMENTED = 12,
	GRPC_INTERNAL = 13,
	GRPC_UNAVAILABLE = 14,
	GRPC_DATA_LOSS = 15,
	GRPC_UNAUTHENTICATED = 16,
};

/**
 * The code for an HTTP status.
 *
 * @param slug  The last part of a problem's type: it tells apart what has the
 *              same status; "" or NULL: not known.
 */
enum grpc_code status_code(unsigned http, const char *slug);

/**
 * Add grpc-status and, unless it is "", grpc-message.
 *
 * @return 0, ENOMEM.
 */
int status_put(struct fields *f, enum grpc_code code, const char *message);

/**
 * Add what a problem says: code, message, and google.rpc.Status with its
 * fields in grpc-status-details-bin.
 *
 * @param req  Answered with an error; a problem document or not.
 *
 * @return 0, ENOMEM.
 */
int status_put_problem(struct fields *f, const struct web_req *req);

/** The same for wrong fields that no problem document names. */
int status_put_field(struct fields *f, const char *field, const char *cause);

#endif
