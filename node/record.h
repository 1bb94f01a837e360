/* SPDX-License-Identifier: MIT */
/*
 * Hubs and legs as messages of the schema: for replies, checkpoints, events
 * and call records.  Strings are borrowed from the hub: use a record at once.
 */

#ifndef SY_NODE_RECORD_H
#define SY_NODE_RECORD_H

#include "node/app/park.h"
#include "node/hub/hub.h"

struct record_leg {
	Sy__Leg msg;
	Sy__LegDialog dialog;
	Google__Protobuf__Timestamp started, answered, ended;
};

struct record_call {
	Sy__Call msg;
	Google__Protobuf__Timestamp started, answered, ended;
	struct park_record park;
	Sy__Leg **legv;            /* owned, as what follows */
	struct record_leg *recv;
};

enum record_legs {
	RECORD_BARE, /* without legs                       */
	RECORD_LIVE, /* with those of now                  */
	RECORD_PAST, /* with those that ended, for the CDR */
};

/** Fill the figures of a leg; nothing is allocated. */
void record_quality(Sy__Quality *msg, const struct leg_quality *q);

/** Fill a leg's record; nothing is allocated. */
void record_leg_init(struct record_leg *rec, const struct leg_info *info);

/** Fill what another node needs of a leg that has leg_ops.checkpoint; strings
 * stay the leg's. */
void record_dialog_init(Sy__DialogState *ds, const struct leg *leg);

/** Whether a record is of a leg that goes on: one that ended, or is of no known
 * state, belongs into no hub. */
bool record_leg_is_live(const Sy__Leg *msg);

/**
 * The other way round: what is shown of a leg, from its record.
 *
 * @param info  Texts that are too long for it are cut.
 */
void record_leg_read(struct leg_info *info, const Sy__Leg *msg);

/**
 * Fill a call's record.
 *
 * @param rec   To be given to record_call_close(), also on error.
 * @param node  Member id of its owner.
 *
 * @return 0, ENOMEM.
 */
int record_call_init(struct record_call *rec, const struct hub *hub,
		     const char *node, enum record_legs what);

void record_call_close(struct record_call *rec);

#endif
