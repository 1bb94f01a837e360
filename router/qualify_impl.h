/* SPDX-License-Identifier: MIT */
/* Inside of qualify: the queue (qualify.c), one look at a contact
 * (qual_look.c), and the walk (qual_walk.c). */

#ifndef SY_ROUTER_QUALIFY_IMPL_H
#define SY_ROUTER_QUALIFY_IMPL_H

#include "proto/store_qual.h"
#include "router/core.h"
#include "router/qual_check.h"
#include "router/qualify.h"

struct uac;

struct qualify {
	struct worker *w;        /* borrowed                               */
	struct tmr tmr;          /* each QUAL_TAKE_MS, while on            */
	struct list looks;       /* owned                                  */
	bool on;                 /* some device is to be asked             */
	bool taking;             /* Redis is asked                         */
	uint64_t walk_ms;        /* walk from then on; 0: no need          */
	bool walking;            /* within a walk                          */
	bool paging;             /* Redis is asked                         */
	char *cursor;            /* of the next page; owned; NULL: first   */
};

/* A contact that was taken from the queue, until it is given back. */
struct look {
	struct le le;            /* in qualify->looks                      */
	struct qualify *q;
	char *device, *field;    /* which it is                            */
	bool own;                /* from the queue of this router          */
	Sy__Registration *reg;   /* the device with this binding alone;
				    NULL: not yet read                     */
	struct flow flow;        /* the way to it                          */
	struct qual_check check;
	char call_id[40], tag[16];
	uint32_t cseq;
	struct uac *uac;
	struct tmr tmr;          /* until it is asked once more            */
};

/** Look at a contact that was taken. @return 0, ENOMEM, ENOTCONN. */
int qual_look(struct qualify *q, const struct store_qual_taken *taken);

/** How often contacts of a device are asked [s]; 0: never. */
uint32_t qual_every_s(const struct worker *w, const char *device);

/** The router whose queue a binding is in; "": any router's. */
const char *qual_holder(const Sy__Binding *b);

/** Put bindings into their queues, unless they are there. */
void qual_add(struct worker *w, const Sy__Registration *reg);

/** Another page of the walk, if one is due. */
void qual_walk(struct qualify *q);

#endif
