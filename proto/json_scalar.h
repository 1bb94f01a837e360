/* SPDX-License-Identifier: MIT */
/*
 * The pieces of the JSON mapping that are text by themselves: for json*.c, and
 * who prints messages in another way.
 */

#ifndef SY_PROTO_JSON_SCALAR_H
#define SY_PROTO_JSON_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

enum { JSON_NAME_MAX = 64, JSON_TIME_MAX = 40 };

/** A field's name in lowerCamelCase. @param buf  JSON_NAME_MAX bytes. */
const char *json_name(char *buf, const ProtobufCFieldDescriptor *f);

/** Is it google.protobuf.Timestamp? */
bool json_is_timestamp(const ProtobufCMessageDescriptor *d);

/** RFC 3339 in UTC. @param buf  JSON_TIME_MAX bytes. @return false: outside
 * of the years 1 to 9999, or nanos out of range. */
bool json_time_print(char *buf, int64_t seconds, int32_t nanos);

/** @return false: not RFC 3339. */
bool json_time_read(int64_t *seconds, int32_t *nanos, const char *str);

/** @return text, freed by the caller (free()), or NULL. */
char *json_base64_print(const uint8_t *p, size_t len);

/**
 * Either alphabet of RFC 4648 4 and 5, with or without padding.
 *
 * @param pp  Set on success; NULL for none; freed by the caller.
 *
 * @return 0, EBADMSG, ENOMEM.
 */
int json_base64_read(uint8_t **pp, size_t *lenp, const char *str);

/** A copy with invalid UTF-8 replaced by U+FFFD; freed by the caller. */
char *json_utf8_clean(const char *str);

#endif
