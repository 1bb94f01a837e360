/* SPDX-License-Identifier: MIT */
/*
 * What phones and the API change of a device while it runs: do not disturb,
 * forwarding.  It replaces what the configuration says of the same.
 *
 *   sy:device:{ID}   hash    fields of device_state.lua; none: as configured
 *   sy:turn          hash    group -> how often it was called (round robin)
 *   sy:idle          hash    device -> end of its last call [ms since 1970]
 */

#ifndef SY_PROTO_STORE_DEVICE_H
#define SY_PROTO_STORE_DEVICE_H

#include <stdbool.h>
#include "proto/store.h"

enum { STORE_FORWARDS = 4 };

/** The state of one device. */
struct store_device {
	bool dnd_set, dnd;
	bool set[STORE_FORWARDS];       /* always, busy, no_answer,          */
	char forward[STORE_FORWARDS][68]; /* unreachable; "": none           */
	bool no_answer_s_set;
	uint32_t no_answer_s;
};

/** Names of its four numbers, as in the hash and in message Forward. */
extern const char *const store_forward_names[STORE_FORWARDS];

/** @param st  Borrowed; NULL with an error. */
typedef void(store_device_h)(int err, const struct store_device *st,
			     void *arg);

/** @return 0, ENOTCONN ..., EINVAL (id too long). */
int store_device_get(struct redis *r, const char *device, store_device_h *h,
		     void *arg);

/** Changes of one device; NULL: leave it. "unset": as configured. */
struct store_device_change {
	const char *dnd;        /* "1", "0", "toggle0", "toggle1"            */
	const char *forward[STORE_FORWARDS];
	const char *no_answer_s;
};

/** Change it, atomically; h gets what it is then. @return as for get. */
int store_device_change(struct redis *r, const char *device,
			const struct store_device_change *change,
			store_device_h *h, void *arg);

/** What is in force: configured, and changed since.
 * @param f  Its strings live as long as the device and the state.
 * @param st  Or NULL: not known. */
void store_device_forward(Sy__Forward *f, const Sy__Device *dev,
			  const struct store_device *st);
bool store_device_dnd(const Sy__Device *dev, const struct store_device *st);

/** Numbers of a group, in no unit. @param v  One a member; err: none. */
typedef void(store_group_h)(int err, const uint64_t *v, size_t n, void *arg);

/** Count a call of a round robin group: v[0] is its number. */
int store_group_turn(struct redis *r, const char *group, store_group_h *h,
		     void *arg);

/** When each member's last call ended [ms since 1970]; 0: none did. */
int store_group_idle(struct redis *r, char *const *members, size_t n,
		     store_group_h *h, void *arg);

/** A device's call ended now. Nobody waits for it. */
int store_device_idle(struct redis *r, const char *device, uint64_t now_ms);

#endif
