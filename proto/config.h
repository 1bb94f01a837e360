/* SPDX-License-Identifier: MIT */
/*
 * Configuration: a JSON file in the shape of message Config, kept in Redis
 * section by section with a revision, held in memory by every process that
 * watches, changed as a whole or by one item by one script, announced on the
 * bus.  With one item comes the item: who has just what it was changed in
 * takes it over, and reads nothing; all others load the whole.  A Redis
 * that has lost it gets it back from those who hold it.
 *
 *   sy:{config}            hash    revision, again (it was given back),
 *                                  stamp (of this content alone)
 *   sy:{config}:settings   string  Settings
 *   sy:{config}:devices    hash    id -> Device      (likewise trunks,
 *                                              routes, tokens, groups)
 */

#ifndef SY_PROTO_CONFIG_H
#define SY_PROTO_CONFIG_H

#include "proto/bus.h"
#include "proto/config_section.h"

struct config;

/**
 * Read and check a JSON file: unknown fields, bad values, duplicate ids,
 * routes to devices or trunks that are not there ... Plain passwords of
 * devices become HA1 under the realm and are wiped; those of trunks are still
 * there: seal them (config_secret.h).
 *
 * @param cp       Set on success; owned by the caller
 *                 (sy__config__free_unpacked).
 * @param errbuf   On error, set to one line: where, what, what is allowed.
 *
 * @return 0, ENOENT ..., EBADMSG (not JSON, or not this shape).
 */
int config_read_file(Sy__Config **cp, const char *path, char *errbuf,
		     size_t errsize);

/** The same from memory. @param name  Of the source, for errors. */
int config_read(Sy__Config **cp, const char *name, const char *json,
		size_t len, char *errbuf, size_t errsize);

/** Called when a (new) revision has been loaded. */
typedef void(config_h)(const Sy__Config *conf, void *arg);

/**
 * Watch the configuration in Redis.
 *
 * @param cp   Set on success; owned by the caller (mem_deref).
 * @param bus  Borrowed.  It is listened to for ever: the watcher must not go
 *             while the bus goes on.
 * @param h    Called for each revision, and again after a reconnection (the
 *             number may then be the same with another content).
 */
int config_alloc(struct config **cp, struct loop *loop, struct bus *bus,
		 config_h *h, void *arg);

/** The configuration as last loaded; NULL: never yet. Borrowed until the
 * next loop turn. Keeps its last state while Redis is away. */
const Sy__Config *config_get(const struct config *c);

/** Lookups by hash table; NULL: none.  A thread with a copy of its own makes
 * its own tables: config_index.h. */
const Sy__Device *config_device(const struct config *c, const char *id,
				size_t len);
const Sy__Trunk *config_trunk(const struct config *c, const char *id);
const Sy__Group *config_group(const struct config *c, const char *id);

/** The trunk that an address belongs to, by its sources: the longest match
 * wins, one with a port before one without. NULL: none.
 * @param addr  struct sa of libre; borrowed. */
struct sa;
const Sy__Trunk *config_trunk_by_source(const struct config *c,
					const struct sa *addr);

/**
 * Replace the whole configuration in Redis by one script, revision + 1, and
 * announce it.
 *
 * @param conf      Borrowed for the call.
 * @param expected  Revision that it replaces; UINT64_MAX: whatever it is;
 *                  0: only where there is none yet.
 * @param h         err ESTALE: another revision is there (given).
 *
 * @return 0, ENOTCONN ..., EINVAL (also: there is a plain password).
 */
typedef void(config_put_h)(int err, uint64_t revision, void *arg);
int config_put(struct redis *r, const Sy__Config *conf, uint64_t expected,
	       config_put_h *h, void *arg);

/**
 * Change one item, revision + 1, and announce it.
 *
 * @param id        Of the item; "" in CONFIG_SETTINGS.
 * @param item      Of the section's type, borrowed for the call; NULL: remove
 *                  it.
 * @param expected  Revision that it was checked against (config_edit.h).
 * @param h         As for config_put().
 *
 * @return as config_put().
 */
int config_item_put(struct redis *r, enum config_section section,
		    const char *id, const ProtobufCMessage *item,
		    uint64_t expected, config_put_h *h, void *arg);

/**
 * Give Redis back what it has lost, with its revision: only where there is
 * none, or an older one that was given back as well.
 *
 * @param conf  Borrowed for the call.
 *
 * @return as config_put().
 */
int config_put_again(struct redis *r, const Sy__Config *conf);

#endif
