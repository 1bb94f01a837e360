/* SPDX-License-Identifier: MIT */
/*
 * What a gateway knows without asking: who is in the cluster (membership),
 * and the configuration.  Also its own place in the table.
 *
 * All on the loop's thread.
 */

#ifndef SY_GATEWAY_VIEW_H
#define SY_GATEWAY_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bus.h"
#include "proto/config.h"
#include "proto/member.h"

struct config_waits;
struct loop;
struct view;

struct view_conf {
	struct loop *loop;            /* borrowed, outlives the view      */
	const char *redis_url;
	const char *id;               /* member id                        */
	const char *const *addressv;  /* "http:host:port", "https:..."    */
	size_t addressc;
	bus_command_h *commandh;      /* for this member; NULL: it takes none */
	void *arg;                    /* of it                            */
};

/** Connect, and join the table. @param vp  Owned by the caller. */
int view_alloc(struct view **vp, const struct view_conf *conf);

/** From now on ports listen: the member becomes LIVE once Redis is there. */
void view_listening(struct view *v);

/** Leave the table: the process ends in order. */
void view_leave(struct view *v);

/** Redis is there, the table and the configuration were read, ports listen.
 * @param whyp  If not, set to a static text that says what is missing. */
bool view_is_ready(const struct view *v, const char **whyp);

/** It answers, and takes writes. */
bool view_has_redis(const struct view *v);

/** When Redis was last there [ms since 1970]; 0: never yet. */
uint64_t view_seen_ms(const struct view *v);

/** Devices that were registered then. */
uint32_t view_registrations(const struct view *v);

/** The process that owns a call, by its record, is in the cluster.  False
 * while another one has still to take it over. */
bool view_serves(const struct view *v, const Sy__Call *call);

const char *view_id(const struct view *v);
struct loop *view_loop(const struct view *v);       /* borrowed           */
struct bus *view_bus(const struct view *v);         /* borrowed           */
struct redis *view_redis(const struct view *v);     /* borrowed           */
struct members *view_members(const struct view *v); /* borrowed           */

/** As last loaded, NULL: never yet; borrowed until the next loop turn. */
const Sy__Config *view_config(const struct view *v);
struct config *view_config_table(const struct view *v);

/** For who changes it: config_wait.h. */
struct config_waits *view_config_waits(const struct view *v);

#endif
