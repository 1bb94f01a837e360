/* SPDX-License-Identifier: MIT */
/*
 * The schema switchyard.v1 in C: struct Sy__Call, sy__call__pack() ...,
 * generated from switchyard.proto, and what every user of it needs.
 *
 * Messages that were unpacked belong to the caller and are freed by
 * sy__..__free_unpacked(msg, NULL).  Strings of a message that was only
 * initialised on the stack (SY__CALL__INIT) are borrowed, and may be the
 * shared empty string: compare by content, never free them.
 */

#ifndef SY_PROTO_SCHEMA_H
#define SY_PROTO_SCHEMA_H

#include <stdint.h>
#include <switchyard.pb-c.h>

/** Fill a Timestamp from milliseconds since 1970 (UTC). */
void timestamp_set_ms(Google__Protobuf__Timestamp *ts, uint64_t ms);

/** Milliseconds since 1970 (UTC) of a Timestamp; NULL: 0. */
uint64_t timestamp_ms(const Google__Protobuf__Timestamp *ts);

/** Now in milliseconds since 1970 (UTC).  Any thread. */
uint64_t timestamp_now_ms(void);

#endif
