/* SPDX-License-Identifier: MIT */
/*
 * Sends a POST to somebody's server: libcurl on the gateway's loop.
 *
 * Where to is chosen by who may write webhooks, so it must not become a way
 * to what only this machine can reach: an address is looked at when the
 * connection is made, whatever name led to it.
 */

#ifndef SY_GATEWAY_HOOK_SEND_H
#define SY_GATEWAY_HOOK_SEND_H

#include <stdbool.h>
#include <stddef.h>

struct hook_http;
struct uv_loop_s;
struct sockaddr;

enum {
	HOOK_TIMEOUT_MS = 10000,  /* of a whole POST                      */
	HOOK_ANSWER_MAX = 65536,  /* bytes of an answer that are read     */
};

/** @param loopback  The own machine may be sent to. @param hp  Owned. */
int hook_http_alloc(struct hook_http **hp, struct uv_loop_s *uv,
		    bool loopback);

/**
 * What came of it.
 *
 * @param status  0: no answer.
 * @param error   "" or one line; borrowed.
 */
typedef void(hook_sent_h)(unsigned status, const char *error, void *arg);

struct hook_post {
	const char *url;
	const char *const *headv;  /* "name: value"                       */
	size_t headc;
	const void *body;          /* copied                              */
	size_t len;
};

/**
 * Send.
 *
 * @param h  Called once, never from within this call; not when h_http goes
 *           first.
 */
int hook_send(struct hook_http *http, const struct hook_post *post,
	      hook_sent_h *h, void *arg);

/** NULL, or a static text that says why an address is not sent to. */
const char *hook_refuse(const struct sockaddr *sa, bool loopback);

/** NULL, or a static text that says why something is no URL of a webhook. */
const char *hook_url_refuse(const char *url, bool loopback);

#define HOOK_URL_ALLOWED                                                      \
	"https:// or http://, a host, up to 2000 characters, no user in it"

#endif
