/* SPDX-License-Identifier: MIT */
/* A whole hub as a message: all that another node needs to go on with it. */

#ifndef SY_NODE_WHOLE_H
#define SY_NODE_WHOLE_H

#include "node/hub_state.h"
#include "node/media/media.h"
#include "node/node.h"
#include "node/record.h"

struct whole {
	Sy__TakeHub msg;
	Sy__LinkEnd link;
	struct record_call rec;
	struct hub_state st;
	Sy__DialogState *statev; /* owned, as what follows */
	Sy__DialogState **dlgv;
	char addr[64];
	uint8_t key[MEDIA_LINK_KEY_BYTES];
};

/**
 * Fill it.
 *
 * @param w    To be given to whole_close(), also on error; strings stay the
 *             hub's: use it at once.
 *
 * @return 0, ENOMEM.
 */
int whole_init(struct whole *w, const struct node *n, const struct hub *hub);

/** Name our end of the link in it. */
void whole_link(struct whole *w, const struct sa *addr,
		const uint8_t key[MEDIA_LINK_KEY_BYTES]);

void whole_close(struct whole *w);

#endif
