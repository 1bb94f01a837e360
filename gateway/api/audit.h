/* SPDX-License-Identifier: MIT */
/*
 * Who changed what: an entry in sy:audit for each request that changes
 * something, also for those that were refused.  Of bodies only the names of
 * fields are kept, never a value.
 */

#ifndef SY_GATEWAY_API_AUDIT_H
#define SY_GATEWAY_API_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

struct api;
struct api_req;

enum { AUDIT_FIELDS = 32, AUDIT_FIELD_SIZE = 96 };

/** Names of fields: "forward.always". */
struct audit_fields {
	char v[AUDIT_FIELDS][AUDIT_FIELD_SIZE];
	size_t n;
};

/** @return 0 or ENOMEM. */
int audit_init(struct api *api);

/** A request was answered: write it down if it is one to be remembered. */
void audit_request(const struct api_req *a);

/**
 * The fields that a body has, by their names in JSON.
 *
 * @param f  Added to; what does not fit is left out.
 */
void audit_fields_add(struct audit_fields *f, const ProtobufCMessage *msg);

/** The same of a body that is JSON: for patches, where no message is made of
 * them. */
void audit_fields_add_json(struct audit_fields *f, const void *p, size_t len);

#endif
