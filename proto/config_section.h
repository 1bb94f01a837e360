/* SPDX-License-Identifier: MIT */
/*
 * The sections of a configuration, so that code that treats all of them alike
 * is there once.
 */

#ifndef SY_PROTO_CONFIG_SECTION_H
#define SY_PROTO_CONFIG_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include "proto/schema.h"

enum config_section {
	CONFIG_SETTINGS,      /* one record, without an id */
	CONFIG_DEVICES,
	CONFIG_TRUNKS,
	CONFIG_ROUTES,
	CONFIG_GROUPS,
	CONFIG_TOKENS,
	CONFIG_SECTIONS,
};

struct config_section_def {
	const char *name;     /* in the document: "devices"                */
	const char *what;     /* one of it, for people: "device"           */
	const char *key;      /* in Redis                                  */
	const ProtobufCMessageDescriptor *desc;
	size_t v_offset;      /* in Sy__Config; of the message in settings */
	size_t n_offset;      /* 0 in settings                             */
};

const struct config_section_def *config_section_def(enum config_section s);

/** The items of a section; borrowed. @param np  Set to their number. */
ProtobufCMessage **config_section_items(const Sy__Config *conf,
					enum config_section s, size_t *np);

/** An item's id; "" of settings. */
const char *config_item_id(enum config_section s,
			   const ProtobufCMessage *item);

/** An item; NULL: there is none. @param id  Ignored for settings. */
ProtobufCMessage *config_item_find(const Sy__Config *conf,
				   enum config_section s, const char *id);

/** Does it have a password in the clear?  Such a one is never stored. */
bool config_section_is_plain(enum config_section s,
			     const ProtobufCMessage *item);

/** A copy of a message. @return owned by the caller
 * (protobuf_c_message_free_unpacked); NULL: no memory. */
ProtobufCMessage *config_item_copy(const ProtobufCMessage *item);

/** Are two of one type the same, field by field? */
bool config_item_equal(const ProtobufCMessage *a, const ProtobufCMessage *b);

#endif
