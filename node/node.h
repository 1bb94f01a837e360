/* SPDX-License-Identifier: MIT */
/*
 * A node: what its parts share.  One per process as a rule; nothing here is
 * global, so two can live in one test.
 *
 *   main -> node -> control ------> hub/ <--- leg_sip (dialog, session, RTP)
 *                -> incoming -----> app/ ---> leg_player
 *                <- checkpoint, log, metrics: observe the hubs
 *
 * All on the signalling thread.
 */

#ifndef SY_NODE_NODE_H
#define SY_NODE_NODE_H

#include <re.h>
#include "node/hub/hub.h"
#include "node/media/media.h"
#include "node/sip/dialog.h"
#include "proto/local_net.h"
#include "proto/bus.h"
#include "proto/config.h"
#include "proto/member.h"
#include "proto/metrics.h"
#include "proto/token.h"
#include "proto/trunk_state.h"

struct checkpoint;
struct door;
struct dtls_identity;
struct mover;
struct quality;
struct adopt;
struct restores;

enum {
	NODE_OVERLOAD_PERCENT = 80, /* of the tick: takes no new hub above */
	NODE_RELIEF_PERCENT = 70,   /* ... until it is below this          */
	NODE_FAMILIES = 2,          /* IPv4, IPv6                          */
	NODE_DOORS_MAX = 64,        /* ports that browsers share           */
	NODE_RING_S = 60,           /* default of Settings.ring_seconds    */
	NODE_SESSION_S = 1800,      /* ... of Settings.session_expires_s   */
};

struct node_conf {
	const char *id;          /* member id; borrowed, as all strings    */
	const char *redis_url;
	const char *cluster_key;
	const char *sip_addr;    /* "host:port"; port 0: any               */
	const char *metrics_addr; /* "host:port" or NULL                   */
	const char *sounds;      /* directory of relative file names       */
	struct sa media_addrv[NODE_FAMILIES]; /* where RTP is received, ports
				    unused; one a family, the first is
				    for who does not say which he has    */
	size_t media_addrc;
	struct sa media_publicv[NODE_FAMILIES]; /* ... as peers outside are
				    told; none: the same                 */
	size_t media_publicc;
	struct local_nets locals; /* whose peers are inside              */
	uint16_t webrtc_port_min; /* ports that browser legs share; 0: each
				    has one of media's                   */
	uint16_t webrtc_port_max;
	struct media_conf media;
	uint32_t capacity;       /* legs; 0: no limit but the machine's    */
	uint32_t probe_s;        /* ask silent peers so often; 0: never     */
	uint32_t adopt_rate;     /* legs resumed a second; 0: the default   */
};

struct node_metrics {
	struct metric *placed, *refused, *incoming_unknown;
	struct metric *calls_answered, *calls_unanswered;
	struct metric *puts, *put_errors, *stale;
	struct metric *adopted_calls, *adopted_legs;
	struct metric *lost_silent, *lost_refused, *lost_no_room;
	struct histogram *adoption_gap, *move_gap;
	struct metric *moved_calls, *moved_legs;
	struct metric *tolls_refused;
};

struct node {
	struct node_conf conf;       /* RO after start                     */
	struct loop *loop;
	struct bus *bus;
	struct config *config;
	struct members *members;
	struct trunk_states *trunks; /* which are there, as routers say   */
	struct token_key *key;
	struct media *media;
	struct dtls_identity *identity; /* of WebRTC legs             */
	struct door *doorv[NODE_DOORS_MAX]; /* owned                 */
	size_t doorc, door_last;
	struct sipua *ua;
	struct http_sock *http;
	struct checkpoint *checkpoint;
	struct quality *quality;
	struct adopt *adopt;
	struct restores *restores;
	struct mover *mover;
	struct list merges;          /* struct merge: see merge.h          */
	struct list transfers;       /* struct joining                     */
	struct sweep *sweep;
	struct hub_env env;
	struct hash *hubs;           /* struct hub, by id                  */
	struct hash *pages;          /* struct page, by phone: page.h      */
	uint32_t hubc;
	struct list lookups;         /* struct dial_lookup, or who waits for
				        room (app/limit.c): asked Redis    */
	struct tmr limit_tmr;        /* room is renewed                    */
	struct alarms alarms;
	struct tmr tick;             /* drives the wheel                   */
	struct node_metrics met;
	uint32_t placed_total;
	uint32_t adopted_total;      /* hubs                               */
	uint32_t lost_legs_total;
	bool draining;
	bool overloaded;
	bool workers_told;         /* logged what the media workers are       */
	uint32_t shed;             /* as last logged: media_load.shed         */
};

/**
 * Start a node: SIP, media, the bus; it takes calls once Redis answered.
 *
 * @param np    Set on success; owned by the caller; mem_deref() drops every
 *              call without a word: node_drain() and node_stop() come first.
 * @param conf  Copied.
 *
 * @return 0 or errno; what was wrong is logged.
 */
int node_alloc(struct node **np, const struct node_conf *conf);

/** Take no more hubs and give those that are here to other nodes, or take
 * them again. */
void node_drain(struct node *n, bool drain);

/** End every call; node_is_idle() tells when the last word was said. */
void node_hangup_all(struct node *n, const char *reason);

/** True when no hub, no dialog that has something to say, nothing of a hub that moved, and nothing to
 * write is left. */
bool node_is_idle(const struct node *n);

/** Leave the cluster. */
void node_leave(struct node *n);

/** The same, with calls left behind: others adopt them as after a death. */
void node_resign(struct node *n);

/** Let go of all calls without a word; before mem_deref(). */
void node_abandon_all(struct node *n);

/** Ready: Redis answers, and the node has its instance number. */
bool node_is_ready(const struct node *n);

/** By id; NULL: none. */
struct hub *node_hub(const struct node *n, const char *id);

/** Make a hub and put it into the table, which owns it. */
int node_hub_alloc(struct hub **hp, struct node *n,
		   const struct hub_conf *conf);

/** Remove a hub from the table and free it. */
void node_hub_close(struct node *n, struct hub *hub);

/** The mix of a hub, made when it is first asked for. */
int node_mix(struct mix **mp, struct node *n, struct hub *hub);

/** A port for a browser's leg: those of a family in turn; NULL: there are
 * none. */
struct door *node_door(struct node *n, int af);

/** Settings of the cluster; NULL: not read yet. */
const Sy__Settings *node_settings(const struct node *n);

/** How long to ring [ms]. @param ring_s  As asked; 0: the default. */
uint32_t node_ring_ms(const struct node *n, uint32_t ring_s);

/* incoming.c */
sipua_incoming_h node_incoming;

/* control.c */
bus_command_h node_command;

/* observe.c */
extern const struct hub_observer node_observer;

/* metrics.c */
int node_metrics_init(struct node *n);
int node_http_listen(struct node *n, const char *addr);

#endif
