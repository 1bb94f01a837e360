/* SPDX-License-Identifier: MIT */
/*
 * A command to the node that owns a call: its record in Redis names the
 * node, the command goes there over the bus, the Result becomes the answer.
 *
 *   command_alloc()  fill in c->env  command_to_owner() --> done handler
 *
 * A command holds its request and frees itself after the handler.
 */

#ifndef SY_GATEWAY_API_COMMAND_H
#define SY_GATEWAY_API_COMMAND_H

#include "gateway/api/api.h"
#include "proto/dialplan.h"

struct command;

/** @param res  OK; anything else was answered. Borrowed. */
typedef void(command_h)(struct command *c, const Sy__Result *res);

struct command {
	struct api_req *a;
	char call[ULID_LEN + 1];
	char leg[ULID_LEN + 1];
	Sy__Envelope env;        /* its body points into u                */
	union {
		Sy__HangupCall hangup;
		Sy__AddLeg add;
		Sy__UpdateLeg update;
		Sy__RemoveLeg remove;
		Sy__GetCall get;
		Sy__SendDtmf dtmf;
	} u;
	struct dialplan_match to; /* of add                               */
	Sy__Call *record;        /* of the call, without live figures     */
	command_h *h;
	bool fallback;           /* answer by the record if the owner does
				    not answer                            */
	bool bare;               /* no such call: the handler is called with
				    a Result that has none                */
	void *data;              /* of the handler; owned                 */
};

/** @return NULL: was answered. */
struct command *command_alloc(struct api_req *a);

/** Send to the owner of c->call; takes c. */
void command_to_owner(struct command *c, command_h *h);

/** For handlers that answered before sending: release. */
void command_drop(struct command *c);

#endif
