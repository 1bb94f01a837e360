/* SPDX-License-Identifier: MIT */
/* What the handlers of the configuration share. */

#ifndef SY_GATEWAY_API_CONFIG_H
#define SY_GATEWAY_API_CONFIG_H

#include "gateway/api/api.h"
#include "proto/config_edit.h"

enum {
	CONFIG_LOADED_MS = 2000,   /* for us to load what was stored       */
	CONFIG_EDIT_MS = 6000,     /* others change it at the same time    */
};

/** Any item of any section. */
union config_any {
	ProtobufCMessage base;
	Sy__Settings settings;
	Sy__Device device;
	Sy__Trunk trunk;
	Sy__Route route;
	Sy__Group group;
	Sy__ApiToken token;
};

/** The section that a path names: /api/config/devices..., /api/devices... */
enum config_section config_section_of(const struct api_req *a);

/** The configuration. @return NULL: 503 was answered. */
const Sy__Config *config_now(struct api_req *a);

/**
 * Passwords of an item become hashes, or are sealed.
 *
 * @param conf  With the realm, and the item as it was.
 *
 * @return true, or false: was answered.
 */
bool config_seal_item(struct api_req *a, const Sy__Config *conf,
		      enum config_section s, ProtobufCMessage *item);

/**
 * Passwords that must be read again can only be stored with the cluster's key.
 *
 * @param conf  Its passwords still plain.
 *
 * @return true, or false: was answered (501), naming the fields.
 */
bool config_has_key(struct api_req *a, const Sy__Config *conf);

/**
 * A password that is what it was keeps its seal: nothing changes by giving it
 * again.
 *
 * @param conf  Changed.
 * @param now   As it is.
 *
 * @return 0, ENOMEM.
 */
int config_seal_again(const struct token_key *key, Sy__Config *conf,
		      const Sy__Config *now);

/** Answer 503: others change it all the time. */
void config_busy(struct api_req *a);

/** A device was removed: its registrations, and what its user has changed, are
 * forgotten. */
void config_device_gone(const struct view *v, const char *id);

/** Answer with an item, its secrets left out, and its tag.
 * @param item  Borrowed. */
void config_show(struct api_req *a, unsigned status, enum config_section s,
		 const ProtobufCMessage *item);

#endif
