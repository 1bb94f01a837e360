/* SPDX-License-Identifier: MIT */
/*
 * A command to the node that owns a call: its record in Redis names the
 * node, the command goes there over the bus, the Result becomes the answer.
 *
 *   command_alloc()  fill in c->env  command_to_owner() --> done handler
 *
 *   record --served--> owner --OK--> handler
 *     ^       |          |
 *     |       no         not there, not now, moved meanwhile
 *     +-0.1 s-+----------+        for 3 s in all, then 503
 *
 * A call whose node died is nobody's until another one has taken it over;
 * one that is just being moved is another's by the time its node says no.
 * Either shows in the record, so it is read again.  What may have been done
 * is never sent again: only a node that refused, or is not there, is asked
 * twice.
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
		Sy__MoveCall move;
		Sy__TransferCall transfer;
	} u;
	Sy__Source source;        /* of transfer                          */
	struct dialplan_match to; /* of add                               */
	Sy__Call *record;        /* of the call, without live figures     */
	command_h *h;
	uint32_t deadline_ms;    /* of the owner; 0: the bus' own         */
	bool once;               /* an owner that refuses for now is not
				    asked again                           */
	bool fallback;           /* answer by the record if the owner does
				    not answer, or there is none now      */
	bool bare;               /* no such call: the handler is called with
				    a Result that has none                */
	void *data;              /* of the handler; owned                 */

	/* Of command.c. */
	struct loop_timer *timer; /* reads the record again               */
	uint64_t until_us;       /* then it is given up                   */
	uint32_t instance;       /* who refused, and in which epoch; 0:   */
	uint32_t epoch;          /* nobody yet                            */
	Sy__ResultCode code;     /* ... and with what words               */
	char error[160];
	bool waited;             /* since: it is asked again              */
	bool again;              /* counted                               */
};

/** @return NULL: was answered. */
struct command *command_alloc(struct api_req *a);

/** For the call that the path names first. @return as command_alloc(). */
struct command *command_for_call(struct api_req *a);

/** For the leg that it names behind its call. @return as command_alloc(). */
struct command *command_for_leg(struct api_req *a);

/** It asks for the call; its record is the answer of an owner that is away. */
void command_get(struct command *c);

/** Send to the owner of c->call; takes c. */
void command_to_owner(struct command *c, command_h *h);

/** For handlers that answered before sending: release. */
void command_drop(struct command *c);

#endif
