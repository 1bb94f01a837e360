/* SPDX-License-Identifier: MIT */
/* What the files of transfers share; nobody else includes it. */

#ifndef SY_NODE_TRANSFER_IMPL_H
#define SY_NODE_TRANSFER_IMPL_H

#include "node/transfer.h"

/** Ring a destination for the others of a leg's call. @return 0, or a code. */
uint16_t transfer_ring(struct node *n, const struct transfer_conf *conf,
		       const Sy__Destination *dest, uint32_t ring_ms);

/** Log, history and NOTIFY of transfer_done(), while the leg is here. */
void transfer_told(struct node *n, struct leg *leg);

/** Join the call of conf->leg with another one. @return 0, or a code. */
uint16_t transfer_join(struct node *n, const struct transfer_conf *conf,
		       const char *other);

/** Its next step. @param arg  struct joining */
void joining_look(void *arg);

#endif
