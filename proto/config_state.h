/* SPDX-License-Identifier: MIT */
/*
 * One revision of the configuration in memory, for config.c alone.  Where one
 * item was changed, the next revision takes all others over from it, so what
 * 10,000 devices cost is paid once and not at each change.
 */

#ifndef SY_PROTO_CONFIG_STATE_H
#define SY_PROTO_CONFIG_STATE_H

#include "proto/config_index.h"
#include "proto/config_section.h"

struct redisReply;

enum { CONFIG_STAMP_SIZE = 40 };

/** What has been loaded, and what makes it quick to search.  All zero: none. */
struct config_state {
	Sy__Config *conf;
	struct config_index *index;
	char stamp[CONFIG_STAMP_SIZE]; /* of this very content; "": none  */
	bool passed_on;        /* its successor has all but ...           */
	void *gone;            /* ... this list of items (NULL: settings) */
	ProtobufCMessage *gone_item; /* ... and this one; or NULL         */
};

/**
 * Read all of it.
 *
 * @param s      All zero; unchanged on error.
 * @param reply  Of config_get.lua, nine elements.
 *
 * @return 0, EBADMSG, ENOMEM.
 */
int config_state_read(struct config_state *s, const struct redisReply *reply);

/**
 * Make the next revision, which one item was changed for.
 *
 * @param s    All zero; unchanged on error.
 * @param old  Its predecessor: not to be passed on yet; it stays as it is
 *             until it is freed, which must be before `s` is.
 * @param cc   Names the section, the item, and has it.
 *
 * @return 0, EBADMSG (it names what is not known here), ENOMEM.
 */
int config_state_change(struct config_state *s, struct config_state *old,
			const Sy__ConfigChanged *cc);

/** All zero again. */
void config_state_free(struct config_state *s);

#endif
