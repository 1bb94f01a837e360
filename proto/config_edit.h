/* SPDX-License-Identifier: MIT */
/*
 * Changes of a configuration, before they are stored: what it would be, and
 * whether that holds.  Pure; any thread.
 */

#ifndef SY_PROTO_CONFIG_EDIT_H
#define SY_PROTO_CONFIG_EDIT_H

#include "proto/config_check.h"
#include "proto/config_section.h"

/** What is wrong. */
struct config_edit_error {
	bool own;          /* with the item itself; else another one would
			      not hold any more                            */
	char section[16];  /* the other one                                */
	char id[72];
	char text[768];    /* the first: "field: cause; allowed: ..."      */
};

/**
 * Check one change: the whole of what the configuration would be is looked
 * at, so a route that leads to a device that goes is found.
 *
 * @param now   As it is; borrowed.
 * @param id    Of the item; "" of settings.
 * @param item  As it shall be, its passwords may be plain; NULL: removed.
 * @param e     Set on EBADMSG.
 * @param h     Called for each error of the item's own, its path within the
 *              item; or NULL.
 *
 * @return 0, EBADMSG, ENOMEM.
 */
int config_edit_check(const Sy__Config *now, enum config_section s,
		      const char *id, const ProtobufCMessage *item,
		      struct config_edit_error *e, config_wrong_h *h,
		      void *arg);

/**
 * Secrets that a change does not name stay: an item without a password gets
 * those of the one that it replaces.
 *
 * @param item  Changed; it was unpacked or read (its strings are its own).
 * @param old   Or NULL.
 *
 * @return 0 or ENOMEM.
 */
int config_edit_keep(enum config_section s, ProtobufCMessage *item,
		     const ProtobufCMessage *old);

/** Take an item's secrets out of it. @param item  Its strings are its own. */
void config_edit_forget(enum config_section s, ProtobufCMessage *item);

/**
 * A copy of an item without its secrets, to be shown.
 *
 * @param out  Room of the section's desc->sizeof_message; it is as shallow as
 *             can be: borrowed from the item, not to be freed.
 */
void config_edit_hide(enum config_section s, void *out,
		      const ProtobufCMessage *item);

#endif
