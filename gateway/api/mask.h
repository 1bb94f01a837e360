/* SPDX-License-Identifier: MIT */
/*
 * What a protobuf message says that is to be changed.  It has no null: without
 * a mask it is what the message sets, with one (google.protobuf.FieldMask)
 * what that names.  Both as JSON of a message.  (No header of libre: see
 * body.c.)
 */

#ifndef SY_GATEWAY_API_MASK_H
#define SY_GATEWAY_API_MASK_H

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

/**
 * Change what the patch sets.  Another member of the same oneof goes.
 *
 * @param target  Changed.
 * @param patch   Of the same message.
 *
 * @return 0, ENOMEM.
 */
int mask_set(json_t *target, const json_t *patch,
	     const ProtobufCMessageDescriptor *d);

/**
 * Change what a mask names: each field gets what the patch has, or goes (back
 * to its default) where it has none.
 *
 * @param paths  "display_name,forward.noAnswer": either spelling; "*": all.
 * @param bad    On EINVAL, set to the path that names no field.
 * @param size   Of bad.
 *
 * @return 0, EINVAL, ENOMEM.
 */
int mask_apply(json_t *target, const json_t *patch,
	       const ProtobufCMessageDescriptor *d, const char *paths,
	       char *bad, size_t size);

#endif
