/* SPDX-License-Identifier: MIT */
/* Internal to dial*.c. */

#ifndef SY_NODE_APP_DIAL_IMPL_H
#define SY_NODE_APP_DIAL_IMPL_H

#include "node/app/dial.h"
#include "node/app/limit.h"
#include "node/leg_sip.h"
#include "proto/costly.h"
#include "proto/store_device.h"

enum { DIAL_URI_MAX = 512 };

/* Something that is looked up for a hunt: a device's contacts, the order of a
 * group.  It holds a reference to the hunt, which may be over when the answer
 * comes; the hunt is sealed when its last lookup is done. */
struct dial_lookup {
	struct le le;              /* in node->lookups                  */
	struct node *node;         /* borrowed                          */
	struct hunt *hunt;         /* reference                         */
	struct tmr tmr;            /* next turn of the loop             */
	const struct dial_row *row; /* what kind it is                  */
	char *target;              /* device, number, or group          */
	char *from_user, *from_name;
	struct store_device state; /* of the device                     */
	bool known;                /* ... was read                      */
	bool member;               /* one of several that ring together */
	bool unasked;              /* Redis was not asked for contacts  */
	char hub[ULID_LEN + 1];
	char leg[ULID_LEN + 1];    /* trunk: that has room already      */
	bool limited;              /* room was asked for                */
	int full;                  /* device: why it has none           */
	uint16_t code;             /* trunk: why nobody was called      */
	char account[COSTLY_ACCOUNT_SIZE]; /* that a costly call is being
				      counted for                       */
};

/* A kind of destination. */
struct dial_row {
	/* Ask Redis, or nobody. @return 0; an error: start later_h instead */
	int (*ask)(struct dial_lookup *dl);

	/* A turn later: without Redis, or where nobody is asked.
	 * @return why it has no branch */
	uint16_t (*later)(struct dial_lookup *dl);
};

extern const struct dial_row dial_device, dial_trunk, dial_group;

/** Begin a lookup for a hunt. @param dl  Taken. */
void dial_lookup_start(struct dial_lookup *dl, struct hunt *hunt);

/** One more of the same hunt, for another device. @return 0, ENOMEM. */
int dial_lookup_member(const struct dial_lookup *dl, const char *device,
		       bool member);

/** Ring what is registered. */
void dial_contacts(struct dial_lookup *dl, const Sy__Registration *reg);

/** It is done. @param code  Why, if it gave no branch. */
void dial_lookup_end(struct dial_lookup *dl, uint16_t code);

/** A branch of its hunt. @param call  Whom; From is filled in here if it has
 * none. @return it; NULL: the hunt knows why not. */
struct leg *dial_branch(struct dial_lookup *dl, struct leg_sip_call *call);

/** A branch could not be called: its hunt counts it. */
void dial_branch_failed(struct dial_lookup *dl, int err);

/** Hunts by trunks go on with the next one. */
hunt_more_h dial_trunk_more;

/**
 * May whoever it is for call by trunks, and as often?  For calls that no router
 * has looked at (HuntState.payer): forwarded, transferred, made by the API.
 *
 * @return true: the answer comes, dial_trunk_go() follows; false: go on, or,
 *         with dl->code set, do not.
 */
bool dial_toll(struct dial_lookup *dl);

/** It may be called by trunks; with dl->code set it may not. */
void dial_trunk_go(struct dial_lookup *dl);

/** "sip:user@host", escaped. @return 0, EOVERFLOW. */
int dial_uri(char *buf, size_t size, const char *user, const char *host);

#endif
