/* SPDX-License-Identifier: MIT */
/* What the files of the store share; nobody else includes it. */

#ifndef SY_PROTO_STORE_IMPL_H
#define SY_PROTO_STORE_IMPL_H

#include "proto/store.h"

#define STORE_KEY_HUBS "sy:hubs"
#define STORE_KEY_CDR "sy:cdr"
#define STORE_KEY_CDR_SEEN "{sy:cdr}:seen" /* of the same slot */
#define STORE_KEY_REGS "sy:regs"
#define STORE_KEY_REGS_EXPIRY "sy:regs:expiry"

enum {
	STORE_HUB_KEY_SIZE = ULID_LEN + 16,
	STORE_REG_KEY_SIZE = 128,
};

/** Key of a hub's record. */
void store_hub_key(char key[STORE_HUB_KEY_SIZE], const char *hub);

/** Key of its tombstone. */
void store_gone_key(char key[STORE_HUB_KEY_SIZE], const char *hub);

/** Key of what is left to do for it, a packed HubEnd. */
void store_end_key(char key[STORE_HUB_KEY_SIZE], const char *hub);

/**
 * Do what is left for a hub that has ended: see store_hub_drop().
 *
 * @param instance  Whose set it leaves when all is done; 0: nobody's.
 * @param end       Packed HubEnd; copied.
 * @param h         err 0: nothing is left; else it may be asked again.
 * @param arg       With error 0 the handler's, or freed by mem_deref() should
 *                  the connection go before.
 */
int store_end_finish(struct redis *r, const char *hub, uint32_t instance,
		     const void *end, size_t len, store_h *h, void *arg);

/** A Call from all fields of a hub's hash: "call", and a leg for each "leg:",
 * by ascending id; freed by sy__call__free_unpacked().  NULL: none there. */
Sy__Call *store_call_read(const struct redisReply *reply);

/** Key of a hub's samples of quality. */
void store_quality_key(char key[STORE_HUB_KEY_SIZE], const char *hub);

/** A sample from an element of the list; NULL: it is none. */
Sy__HubSample *store_quality_read(const struct redisReply *reply);

/** Bring a sample's figures to the legs of a call. */
void store_quality_merge(Sy__Call *call, const Sy__HubSample *latest);

/** Key of a device's bindings. @return 0 or ENAMETOOLONG. */
int store_reg_key(char key[STORE_REG_KEY_SIZE], const char *device);

/** Key of what was removed lately. @return as store_reg_key(). */
int store_unreg_key(char key[STORE_REG_KEY_SIZE], const char *device);

/** The indices lie in other slots than the device: commands of their own.
 * @param first_ms  When the first of its bindings expires; 0: it has none. */
void store_reg_index(struct redis *r, const char *device, uint64_t first_ms);

/**
 * Tell of bindings that came or went: an event each.
 *
 * @param member  Id of the process that tells.
 * @param packed  Array of packed Bindings; what else is in it is skipped.
 * @param why     Reason of the events; "": none.
 */
void store_reg_tell(struct redis *r, const char *member, const char *device,
		    const struct redisReply *packed, Sy__EventType type,
		    const char *why);

/** Room for store_reg_field() of a binding [bytes]. */
size_t store_reg_field_size(const Sy__Binding *b);

/** A Registration from an array of packed Bindings, best q first; freed by
 * sy__registration__free_unpacked(). NULL: no memory. */
Sy__Registration *store_reg_read(const char *device,
				 const struct redisReply *reply, bool known);

/** Key of what is known of a device's contacts. @return 0, ENAMETOOLONG. */
int store_qual_key(char key[STORE_REG_KEY_SIZE], const char *device);

/** What reg_get.lua tells of a contact, into its Binding, which came from
 * unpack(). @param text  As qual_put.lua writes it; "": nothing. */
void store_qual_merge(Sy__Binding *b, const char *text);

/** Append an entry of one field to a capped stream; nobody waits for it. */
int store_append(struct redis *r, const char *stream, uint32_t max,
		 const char *field, const void *p, size_t len);

/** Number of entries of a zset. */
int store_zcard(struct redis *r, const char *key, store_count_h *h,
		void *arg);

/** Number of those with a score of min or more. */
int store_zcount_from(struct redis *r, const char *key, uint64_t min,
		      store_count_h *h, void *arg);

#endif
