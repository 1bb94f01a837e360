/* SPDX-License-Identifier: MIT */
/* Inside of courier: what is asked and answered (courier.c), the ways to
 * devices (courier_find.c), to pages (courier_page.c) and to trunks
 * (courier_trunk.c), what is sent (courier_text.c). */

#ifndef SY_ROUTER_COURIER_IMPL_H
#define SY_ROUTER_COURIER_IMPL_H

#include "router/core.h"
#include "router/courier.h"
#include "router/pending.h"
#include "router/trunk_where.h"
#include "router/uac.h"

enum { COURIER_KEY_BYTES = 16 };

struct couriers {
	struct worker *w;       /* borrowed */
	struct hash *hash;      /* struct courier, by key */
	uint32_t n;
};

struct courier {
	struct le le;           /* in couriers->hash                       */
	struct couriers *t;     /* borrowed                                */
	uint8_t key[COURIER_KEY_BYTES];
	struct pending *p;      /* the request; NULL: it is answered       */
	courier_h *h;           /* ... or who waits instead; NULL: nobody  */
	void *arg;
	char *from, *to, *headers;
	char *from_user, *from_name, *to_user; /* as pages are told        */
	bool plain;             /* text/plain in UTF-8: pages can show it  */
	char *uri;              /* to a trunk: Request-URI                 */
	char *trunk;            /* ... its id; NULL: to devices            */
	struct trunk_where where; /* ... and where it is                   */
	struct digest_client *digest; /* ... its challenges; NULL: none    */
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
	char call_id[40], tag[16];
	char *headers;          /* NULL: the courier's                     */
	uint32_t cseq;
	struct uac *uac;
	char *gateway;          /* that has the page; NULL: a phone        */
	char *device, *phone;   /* ... as in its Binding                   */
};

/** Fill in what is sent, from the request.
 * @return 0, EBADMSG (its body has no type, or a header cannot be kept),
 *         EMSGSIZE (it would be too large), ENOMEM. */
int courier_text(struct courier *c, const struct msg *m,
		 const struct courier_conf *conf);

/** The same for a text that came by the bus. @return 0, EMSGSIZE, ENOMEM. */
int courier_text_plain(struct courier *c, struct worker *w,
		       const struct courier_conf *conf, const char *text);

/** Ask where the devices are; courier_found() follows, later.
 * @return 0, or ENOTCONN ...: it does not. */
int courier_find(struct courier *c, const struct courier_conf *conf);

/** A way was found. @param uri  Request-URI; copied. */
void courier_add(struct courier *c, const struct flow *f, const char *uri);

/** One more of them, without a way. @return NULL: no memory. */
struct courier_send *courier_send_alloc(struct courier *c);

/** One of them has answered, or never will; it is over. @param v  Or NULL. */
void courier_answered(struct courier_send *s, uint16_t code,
		      const struct view *v);

/* courier_page.c */
void courier_page_add(struct courier *c, const char *device,
		      const Sy__Binding *b);
int courier_page_send(struct courier_send *s);

/* courier_trunk.c: the same for a trunk. */
int courier_trunk_text(struct courier *c, struct worker *w,
		       const struct courier_conf *conf);
int courier_trunk_find(struct courier *c);
void courier_trunk_close(struct courier *c);

/** 401 or 407 of a trunk. @return true: s->headers answer it. */
bool courier_trunk_again(struct courier_send *s, uint16_t code,
			 const struct view *v);

/** Print an address as it stands in From. @return 0, ENOMEM. */
int courier_address(char **strp, const char *name, const char *user,
		    const char *host);

/** All questions were answered: c->sends, c->err. */
void courier_found(struct courier *c);

#endif
