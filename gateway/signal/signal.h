/* SPDX-License-Identifier: MIT */
/*
 * Browser pages that are phones: between /ws and the nodes.  A page is a
 * contact of its device in the registrar; its calls live at nodes, which know
 * it by a name that is made of its secret.  So a gateway holds nothing that is
 * not made again when the page comes back, here or at another one.
 *
 *   page --WsClient--> signal --BrowserCall, BrowserSignal--> node
 *   page <--WsServer-- signal <-------- BrowserMessage ------ node
 *
 * All on the loop's thread.
 */

#ifndef SY_GATEWAY_SIGNAL_SIGNAL_H
#define SY_GATEWAY_SIGNAL_SIGNAL_H

#include "gateway/feed/ws_client.h"
#include "gateway/view.h"

struct signal;

struct signal_conf {
	struct view *view;           /* borrowed, outlives it             */
	const struct token_key *key; /* of the cluster, borrowed; NULL: no
					TURN server with a secret         */
	const char *http, *https;    /* "host:port" of this gateway, for
					traces; borrowed, or NULL         */
};

struct signal_stat {
	uint32_t phones;             /* pages that are here now           */
	uint64_t calls;              /* that pages made                   */
	uint64_t traced;             /* messages that were written        */
	uint64_t trace_dropped;      /* ... that were not: Redis is away  */
};

/** @param sp  Set on success; owned. @return 0, EINVAL, ENOMEM. */
int signal_alloc(struct signal **sp, const struct signal_conf *conf);

/** A message of a page (ws_phone_h). @param arg  The struct signal. */
void signal_receive(struct ws_client *c, const Sy__WsClient *msg, void *arg);

/**
 * A command of the bus (bus_command_h): BrowserMessage, BrowserHere.
 *
 * @return false: it is none of these, and is still the caller's.
 */
bool signal_command(struct signal *s, struct bus_request *req,
		    const Sy__Envelope *env);

void signal_stat(const struct signal *s, struct signal_stat *st);

#endif
