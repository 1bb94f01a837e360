/* SPDX-License-Identifier: MIT */
/* Internal to trial*.c. */

#ifndef SY_ROUTER_TRIAL_IMPL_H
#define SY_ROUTER_TRIAL_IMPL_H

#include "proto/digest_client.h"
#include "router/trial_conn.h"
#include "router/trunk_where.h"
#include "router/uac.h"

enum {
	TRIAL_STEPS = 4,
	TRIAL_TEXT = 256,
	TRIAL_OPTIONS_MS = 4000,
	TRIAL_REGISTER_MS = 6000,
	TRIAL_TARGETS_MAX = 2,    /* tried, of those that were found       */
};

struct trial {
	struct le le;
	struct worker *w;         /* borrowed                              */
	struct bus_request *req;  /* owned until it is answered            */
	Sy__Trunk *conf;
	struct tmr tmr;           /* the next step, in a turn of its own   */
	struct tmr end;           /* whatever it does: answer then         */
	void (*next)(struct trial *t);

	/* The step that runs, and those that are done. */
	uint64_t begun_ms;
	Sy__TrunkTestStep stepv[TRIAL_STEPS], *steppv[TRIAL_STEPS];
	char text[TRIAL_STEPS][2][TRIAL_TEXT];
	size_t stepc;
	bool over;                /* no step is added any more             */

	/* What the steps work with. */
	struct trunk_where at;
	size_t target;            /* of those that were found              */
	struct trial_conn *conn;
	struct uac *uac;
	uint32_t cseq;

	/* Registration. */
	struct trunk_where reg_at;
	struct digest_client *digest;
	char call_id[40], tag[20];
	unsigned rounds;
};

/** A step begins. */
void trial_begin(struct trial *t, const char *name);

/**
 * It ends.
 *
 * @param advice  "": none.
 * @param next    Step that follows; NULL: that was all.
 */
void trial_done(struct trial *t, bool ok, const char *advice,
		void (*next)(struct trial *t), const char *detail, ...);

/** trial_register.c */
void trial_register(struct trial *t);

#endif
