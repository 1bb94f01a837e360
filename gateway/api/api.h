/* SPDX-License-Identifier: MIT */
/*
 * The REST API: one file a resource, one table of routes (dispatch.c).
 *
 * A handler is called with a request that is complete, allowed and whose
 * body is parsed.  It answers now by api_reply*() or problem(); or later,
 * and then holds the request meanwhile: api_hold(), api_release().
 */

#ifndef SY_GATEWAY_API_API_H
#define SY_GATEWAY_API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/api/auth.h"
#include "gateway/api/request_id.h"
#include "gateway/api/route.h"
#include "gateway/http/problem.h"
#include "gateway/http/request.h"
#include "gateway/view.h"
#include "proto/metrics.h"
#include "proto/ulid.h"

enum { API_LIMIT_DEFAULT = 100, API_LIMIT_MAX = 1000 };

enum api_metrics { API_METRICS_OPEN, API_METRICS_TOKEN, API_METRICS_OFF };

struct token_key;
struct account;

struct api {
	struct view *view;        /* borrowed; NULL: the process ends     */
	struct account *account;  /* borrowed; likewise                   */
	bool hook_loopback;       /* webhooks may be of this machine      */
	struct auth auth;
	struct site *site;        /* borrowed: files for browsers         */
	struct feed *feed;        /* borrowed; NULL: nobody is told news  */
	const struct token_key *key; /* of the cluster; borrowed; or NULL */
	unsigned held;            /* requests that handlers hold now      */
	unsigned streams;         /* of these, event streams              */
	struct share_job *shares; /* of share.c                           */
	bool stopping;            /* event streams end                    */
	enum api_metrics metrics; /* who may read /metrics                */
	const char *cors;         /* see cors.h; or NULL                  */
	uint32_t per_s;           /* requests of one sender; 0: any number */
	struct rate *senders, *strangers; /* see limit.c                  */
	void (*sample)(void *arg); /* set gauges before /metrics; or NULL */
	void *arg;
	struct {
		struct metric *class[5]; /* 1xx to 5xx                    */
		struct metric *unauthorized;
		struct metric *forbidden;
		struct metric *limited, *audit_lost;
		struct metric *again, *unserved; /* commands to calls     */
	} met;
};

/** A request on its way. Lives as long as its web request. */
struct api_req {
	struct api *api;          /* borrowed                             */
	struct web_req *web;      /* borrowed: it owns this               */
	const struct api_route *route;
	struct route_params params;
	ProtobufCMessage *body;   /* as route->body says; owned           */
	struct principal who;     /* who asks; nobody where all may       */
	struct auth_ask *ask;     /* Redis is being asked who it is       */
	enum auth_out out;        /* what came of that                    */
	bool late;                /* it comes later than the header       */
	bool waits;               /* the request is complete, and waits
				     for it                               */
	char id[REQUEST_ID_SIZE]; /* its own                              */
	struct once *once;        /* see once.h; or NULL                  */
	bool counted;             /* in the metrics                       */
};

/** @param admin_token  NULL: none. */
int api_init(struct api *api, struct view *view, const char *admin_token);

/** Free what it holds. */
void api_close(struct api *api);

/** Handlers for the server; arg is the struct api. */
void api_head(struct web_req *req, void *arg);
void api_request(struct web_req *req, void *arg);

/** May who asks do what needs this scope?  For what depends on more than the
 * route. */
bool api_may(const struct api_req *a, const char *scope);

/** Keep the request beyond the handler. */
void api_hold(struct api_req *a);

/** The counterpart: after the answer. Counts it. */
void api_release(struct api_req *a);

/** Answer with a message of the schema as JSON. */
void api_reply(struct api_req *a, unsigned status,
	       const ProtobufCMessage *msg);

/** Answer with a list. @param next  Cursor of the next page, or NULL. */
void api_reply_list(struct api_req *a, const ProtobufCMessage *const *msgv,
		    size_t msgc, const char *next);

/** Answer 204. */
void api_reply_empty(struct api_req *a);

/** Answer 503 with Retry-After. */
void api_unavailable(struct api_req *a, const char *detail);

/** Answer for an error of the store or of Redis; ENOENT: 404 "no such
 * <what>". */
void api_reply_err(struct api_req *a, int err, const char *what);

/**
 * The end of a list that was asked for, or could not be: answers, and releases
 * the request.
 *
 * @param what  What it is a list of, for an error.
 * @param msgv  As api_reply_list(), with n and next; not looked at on error.
 */
void api_listed(struct api_req *a, int err, const char *what, const void *msgv,
		size_t n, const char *next);

/** Answer for a Result that is not OK. */
void api_reply_result(struct api_req *a, const Sy__Result *res);

/**
 * Read ?limit= and ?cursor=.
 *
 * @return true: go on; false: was answered.
 */
bool api_page(struct api_req *a, size_t *limitp, char *cursor, size_t size);

/** A path parameter that must be a ULID, in upper case; else 404 is
 * answered. @param what  "call". */
bool api_ulid(struct api_req *a, size_t i, char id[ULID_LEN + 1],
	      const char *what);

/* Handlers, one file a resource. */
api_h api_healthz, api_readyz;
api_h api_metrics_get;
api_h api_schema_messages, api_schema_services; /* in grpc/ */
api_h api_openapi_get;
api_h api_status_get;
api_h api_nodes_list, api_nodes_drain, api_nodes_undrain;
api_h api_registrations_list;
api_h api_subscriptions_list;
api_h api_parked_list;
api_h api_devices_list, api_devices_get, api_devices_update;
api_h api_providers_list, api_providers_get, api_providers_test;
api_h api_config_list, api_config_item, api_config_make, api_config_set;
api_h api_config_patch, api_config_remove;
api_h api_config_get, api_config_put, api_config_check;
api_h api_routes_probe;
api_h api_bans_list, api_bans_create, api_bans_lift;
api_h api_events_get, api_events_list, api_events_stream;
api_h api_cdr_list, api_cdr_get;
api_h api_audit_list;
api_h api_ws_get;
api_h api_calls_list, api_calls_get, api_calls_create, api_calls_hangup;
api_h api_calls_stats;
api_h api_calls_trace;
api_h api_calls_dtmf;
api_h api_calls_move, api_calls_transfer, api_transfer;
api_h api_session_get, api_session_create, api_session_delete;
api_h api_session_password, api_sessions_list, api_sessions_delete;
api_h api_users_list, api_users_get, api_users_create;
api_h api_users_update, api_users_delete;
api_h api_tokens_list, api_tokens_get, api_tokens_create;
api_h api_tokens_update, api_tokens_delete;
api_h api_webhooks_list, api_webhooks_get, api_webhooks_create;
api_h api_webhooks_update, api_webhooks_delete, api_webhooks_test;
api_h api_deliveries_list, api_deliveries_again;
api_h api_legs_list, api_legs_add, api_legs_update, api_legs_remove;

#endif
