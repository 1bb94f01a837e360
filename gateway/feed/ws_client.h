/* SPDX-License-Identifier: MIT */
/*
 * A client of /ws, as others see it: who it is, and how it is told something.
 * For browser phones: messages whose body is PHONE_* go to the handler that
 * feed_phones() named.
 */

#ifndef SY_GATEWAY_FEED_WS_CLIENT_H
#define SY_GATEWAY_FEED_WS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/account/principal.h"
#include "proto/schema.h"

struct ws_client;

enum {
	WS_QUEUE_MAX = 256 * 1024, /* bytes that wait for a client        */
};

/** A message of a client that may be a phone (it said hello, and has the
 * scope "phone"); borrowed for the call. */
typedef void(ws_phone_h)(struct ws_client *c, const Sy__WsClient *msg,
			 void *arg);

/** The client is gone: it is told nothing any more. */
typedef void(ws_gone_h)(struct ws_client *c, void *phone);

/**
 * Tell it something.  Never blocks, never calls back: it waits in the
 * client's queue.
 *
 * @param msg  Borrowed for the call.
 *
 * @return 0; EPIPE: it is gone, or just being closed; ENOBUFS: it takes too
 *         little, and is closed for that (1013), gone comes soon; ENOMEM.
 */
int ws_send(struct ws_client *c, const Sy__WsServer *msg);

/** Answer a message with an error. @param type  As the last part of a
 * problem's type, "not-found". @param detail  For a person (printf). */
int ws_refuse(struct ws_client *c, uint32_t id, const char *type,
	      const char *detail, ...) __attribute__((format(printf, 4, 5)));

/** Answer a message: it was done. Nothing is sent for id 0. */
int ws_done(struct ws_client *c, uint32_t id);

/** Who it is; borrowed, as long as the client. */
const struct principal *ws_principal(const struct ws_client *c);

/** "host:port". */
const char *ws_peer(const struct ws_client *c);

/** By TLS? */
bool ws_is_secure(const struct ws_client *c);

/**
 * It is a phone from now on, or none any more.
 *
 * @param phone   Borrowed, for ws_phone(); NULL: it is none.
 * @param goneh   Called once when the client is gone, with phone.
 */
void ws_phone_set(struct ws_client *c, void *phone, ws_gone_h *goneh);

/** What was set, or NULL. */
void *ws_phone(const struct ws_client *c);

#endif
