/* SPDX-License-Identifier: MIT */
/*
 * For restore.c, which builds a hub, and restore_legs.c, which sees to its
 * legs: what they share.
 */

#ifndef SY_NODE_RESTORE_IMPL_H
#define SY_NODE_RESTORE_IMPL_H

#include "node/leg_sip.h"
#include "node/restore.h"

struct restores {
	struct node *node; /* borrowed: its owner                    */
	struct list queue; /* struct restore_leg, by qle             */
	struct list list;  /* struct restore that is not done        */
	struct tmr tmr;	   /* runs while there is something to do    */
	uint32_t rate;	   /* legs a second                          */
	uint32_t tokens;   /* thousandths of a leg                   */
	uint64_t filled_ms;
};

enum leg_step {
	STEP_WAITS, /* in the queue                                  */
	STEP_ASKED, /* re-INVITE sent, or not needed                 */
	STEP_ANSWERED,
	STEP_OVER, /* heard or lost                                 */
};

/* A leg that had been answered, or one that is lost from the begin. */
struct restore_leg {
	struct le le;  /* in restore->legs                       */
	struct le qle; /* in restores->queue                     */
	struct restore *rs;
	char id[ULID_LEN + 1];
	enum leg_step step;
	uint64_t answered_ms; /* since 1970                             */
	bool gone;	      /* lost from the begin: yet to be told    */
};

/* The hub's: freed after its legs, whose argument it is. */
struct restore {
	struct le le; /* in restores->list                      */
	struct restores *all;
	struct hub *hub; /* borrowed: its owner                    */
	struct list legs;
	uint64_t alive_ms;
	char from[64];
	bool moved;
	bool waits; /* restore_conf.waits                    */
	restore_h *h;
	void *arg;
};

/** What becomes of a hub's legs. @param rsp  Set on success. @return 0, ENOMEM.
 */
int restore_alloc(struct restore **rsp, struct node *n, struct hub *hub,
		  const struct restore_conf *conf);

/**
 * A leg that had been answered.
 *
 * @param gone  It is lost from the begin; else its re-INVITE stands in the
 * queue from now on, or from restore_go().
 *
 * @return 0, ENOMEM.
 */
int restore_add_leg(struct restore *rs, const char *id, bool gone);

/** What a leg tells. @param arg  struct restore. */
leg_sip_resume_h restore_leg_handler;

/** A leg is lost: for log, metrics and history. @param reason  Why. */
void restore_lost(struct restore *rs, const struct leg_info *info,
		  uint16_t code, const char *reason);

/** There is something to do in the queue. */
void restores_kick(struct restores *r);

#endif
