/* SPDX-License-Identifier: MIT */
/*
 * Lookups in a configuration: by id, and trunks by source address.  A thread
 * that has its own copy of a configuration makes its own index.
 */

#ifndef SY_PROTO_CONFIG_INDEX_H
#define SY_PROTO_CONFIG_INDEX_H

#include <stddef.h>
#include "proto/config_section.h"

struct config_index;
struct sa;

/**
 * Make an index.
 *
 * @param ip    Set on success; owned by the caller (mem_deref).
 * @param conf  Borrowed; outlives the index, and is not changed meanwhile.
 *
 * @return 0 or ENOMEM.
 */
int config_index_alloc(struct config_index **ip, const Sy__Config *conf);

/**
 * Make that of a configuration in which one item is another.
 *
 * @param ip    As above.
 * @param old   Of the one before; it may go first.
 * @param conf  As above.
 * @param s     The item's section.
 * @param was   The item before; NULL: there was none.
 * @param item  The item now; NULL: there is none.
 *
 * @return 0 or ENOMEM.
 */
int config_index_change(struct config_index **ip,
			const struct config_index *old,
			const Sy__Config *conf, enum config_section s,
			const ProtobufCMessage *was,
			const ProtobufCMessage *item);

const Sy__Device *config_index_device(const struct config_index *i,
				      const char *id, size_t len);
const Sy__Trunk *config_index_trunk(const struct config_index *i,
				    const char *id);

const Sy__Group *config_index_group(const struct config_index *i,
				    const char *id);

/** As config_trunk_by_source(): only trunks that are enabled. */
const Sy__Trunk *config_index_source(const struct config_index *i,
				     const struct sa *addr);

#endif
