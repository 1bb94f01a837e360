/* SPDX-License-Identifier: MIT */
/* Inside of courier: what is asked and answered (courier.c), the ways to
 * devices (courier_find.c), what is sent (courier_text.c). */

#ifndef SY_ROUTER_COURIER_IMPL_H
#define SY_ROUTER_COURIER_IMPL_H

#include "router/core.h"
#include "router/courier.h"
#include "router/pending.h"
#include "router/uac.h"

enum { COURIER_KEY_BYTES = 16 };

struct couriers {
	struct worker *w;       /* borrowed */
	struct hash *hash;      /* struct courier, by key */
	uint32_t n;
};

struct courier {
	struct le le;           /* in couriers->hash                       */
	struct couriers *t;     /* borrowed; NULL: not in it yet           */
	uint8_t key[COURIER_KEY_BYTES];
	struct pending *p;      /* the request; NULL: it is answered       */
	char *from, *to, *headers;
	char *body;
	size_t bodylen;
	uint8_t hops;
	struct list sends;
	uint32_t lookups;       /* questions to Redis under way            */
	uint32_t open;          /* MESSAGEs under way                      */
	int err;                /* of a question                           */
	uint16_t best;          /* answer so far; 0: none                  */
	char reason[64];        /* ... and its phrase                      */
	struct tmr tmr;         /* answers; then forgets                   */
};

/* A MESSAGE to one contact. */
struct courier_send {
	struct le le;           /* in courier->sends */
	struct courier *c;
	struct flow flow;
	char *uri;
	struct uac *uac;
};

/** Fill in what is sent, from the request.
 * @return 0, EBADMSG (its body has no type, or a header cannot be kept),
 *         EMSGSIZE (it would be too large), ENOMEM. */
int courier_text(struct courier *c, const struct msg *m,
		 const struct courier_conf *conf);

/** Ask where the devices are; courier_found() follows, later.
 * @return 0, or ENOTCONN ...: it does not. */
int courier_find(struct courier *c, const struct courier_conf *conf);

/** All questions were answered: c->sends, c->err. */
void courier_found(struct courier *c);

#endif
