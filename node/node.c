/* SPDX-License-Identifier: MIT */
/* Setting a node up, its table of hubs, its settings, and its end: see
 * node.h. */

#include <string.h>
#include <unistd.h>
#include "node/adopt.h"
#include "node/app/account.h"
#include "node/app/limit.h"
#include "node/checkpoint.h"
#include "node/load.h"
#include "node/mover.h"
#include "node/quality.h"
#include "node/node.h"
#include "node/restore.h"
#include "node/webrtc/door.h"
#include "node/webrtc/dtls.h"
#include "proto/log.h"
#include "proto/loop.h"

enum {
	TICK_MS = ALARM_SLOT_MS,
	HUB_BUCKETS = 8192,
	PORT_TRIES = 8,        /* for a port that the system chooses */
};

/* --------------------------------------------------------------------- hubs */

static bool hub_is(struct le *le, void *arg)
{
	const struct hub *hub = le->data;

	return !strcmp(hub->id, arg);
}

struct hub *node_hub(const struct node *n, const char *id)
{
	return list_ledata(hash_lookup(n->hubs, hash_joaat_str(id), hub_is,
				       (void *)id));
}

int node_hub_alloc(struct hub **hp, struct node *n,
		   const struct hub_conf *conf)
{
	struct hub *hub;
	int err = hub_alloc(&hub, &n->env, conf);

	if (err)
		return err;

	hash_append(n->hubs, hash_joaat_str(hub->id), &hub->le, hub);
	n->hubc++;
	*hp = hub;

	return 0;
}

void node_hub_close(struct node *n, struct hub *hub)
{
	mover_hub_closed(n->mover, hub);
	hash_unlink(&hub->le);
	n->hubc--;
	mem_deref(hub);
}

int node_mix(struct mix **mp, struct node *n, struct hub *hub)
{
	struct mix *mix = hub->mix;
	int err = 0;

	if (!mix)
		err = mix_alloc(&mix, n->media);
	if (err)
		return err;

	*mp = hub->mix = mix;
	return 0;
}

const Sy__Settings *node_settings(const struct node *n)
{
	const Sy__Config *conf = config_get(n->config);

	return conf ? conf->settings : NULL;
}

static enum sip_prack prack_mode(const char *name)
{
	if (!strcmp(name, "off"))
		return SIP_PRACK_OFF;

	return strcmp(name, "required") ? SIP_PRACK_SUPPORTED
					: SIP_PRACK_REQUIRED;
}

/* What is sent from now on; calls keep what they have agreed on. */
static void apply_session(const struct node *n)
{
	const Sy__Settings *set = node_settings(n);
	uint32_t expires_s = NODE_SESSION_S;

	if (set && set->set_session_expires_case ==
		       SY__SETTINGS__SET_SESSION_EXPIRES_SESSION_EXPIRES_S)
		expires_s = set->session_expires_s;
	sipua_set_session(n->ua, expires_s, set ? set->session_min_s : 0);
	sipua_set_prack(n->ua, prack_mode(set ? set->prack : ""));
}

static void config_handler(const Sy__Config *conf, void *arg)
{
	(void)conf;
	apply_session(arg);
}

uint32_t node_ring_ms(const struct node *n, uint32_t ring_s)
{
	const Sy__Settings *set = node_settings(n);

	if (!ring_s && set)
		ring_s = set->ring_seconds;
	if (!ring_s)
		ring_s = NODE_RING_S;

	return ring_s < 3600 ? ring_s * 1000 : 3600 * 1000;
}

/* -------------------------------------------------------------------- events */

static void bus_state_handler(bool up, int err, void *arg)
{
	struct node *n = arg;

	if (up)
		log_info("Redis is there", LOG_U("hubs", n->hubc));
	else
		log_warn("Redis is away: calls go on",
			 LOG_U("hubs", n->hubc), LOG_E(err));

	if (up && n->checkpoint)
		checkpoint_whole(n->checkpoint);
	if (up)
		trunk_states_redis_up(n->trunks);
	if (n->adopt)
		adopt_redis(n->adopt, up);
}

static void tick_handler(void *arg)
{
	struct node *n = arg;

	tmr_start(&n->tick, TICK_MS, tick_handler, n);
	alarms_run(&n->alarms, tmr_jiffies());
}

/* ------------------------------------------------------------------ set-up */

static void destructor(void *data)
{
	struct node *n = data;

	tmr_cancel(&n->tick);
	tmr_cancel(&n->limit_tmr);
	mem_deref(n->http);

	if (n->mover)
		mover_close(n->mover);

	/* Calls first: they use all else.  What they say on the bus while
	 * they go is still sent. */
	if (n->hubs)
		hash_flush(n->hubs);
	mem_deref(n->hubs);
	mem_deref(n->pages);
	mem_deref(n->ua);
	mem_deref(n->media);
	mem_deref(n->identity);
	for (size_t i = 0; i < n->doorc; i++)
		mem_deref(n->doorv[i]);
	mem_deref(n->config);
	mem_deref(n->members);
	mem_deref(n->trunks);
	mem_deref(n->bus);

	/* Replies that would still come point to what these hold. */
	list_flush(&n->lookups);
	mem_deref(n->quality);
	mem_deref(n->mover);
	mem_deref(n->checkpoint);
	mem_deref(n->adopt);
	mem_deref(n->restores);
	mem_deref(n->key);
	mem_deref(n->loop);
}

/* A port of the system's choice has to be known before the endpoint is
 * there: it stands in our membership, which the endpoint needs. */
static int choose_port(struct sa *sa)
{
	struct udp_sock *us;
	int err;

	if (sa_port(sa))
		return 0;

	err = udp_listen(&us, sa, NULL, NULL);
	if (err)
		return err;
	err = udp_local_get(us, sa);
	mem_deref(us);

	return err;
}

static void member_handler(const Sy__Member *m, bool gone, void *arg)
{
	struct node *n = arg;

	adopt_member(n->adopt, m, gone);
}

static void forgotten_handler(void *arg)
{
	struct node *n = arg;

	adopt_forgotten(n->adopt);
}

static int members_start(struct node *n, const char *addr)
{
	Sy__Load load = SY__LOAD__INIT;
	Sy__Member me = SY__MEMBER__INIT;
	Google__Protobuf__Timestamp started;
	const struct member_conf conf = {
		.loop = n->loop,
		.bus = n->bus,
		.self = &me,
		.loadh = load_tell,
		.changeh = member_handler,
		.forgottenh = forgotten_handler,
		.arg = n,
	};

	google__protobuf__timestamp__init(&started);
	timestamp_set_ms(&started, timestamp_now_ms());
	me.id = (char *)n->conf.id;
	me.kind = SY__MEMBER_KIND__NODE;
	me.state = SY__MEMBER_STATE__STARTING;
	me.version = (char *)SY_VERSION;
	me.started_at = &started;
	me.address = (char *)addr;
	me.load = &load;
	me.pid = (uint32_t)getpid();

	return member_alloc(&n->members, &conf);
}

static int sip_try(struct node *n, const struct sa *want)
{
	struct sa sa = *want;
	struct sipua_conf conf = {
		.key = n->key,
		.incomingh = node_incoming,
		.ownsh = adopt_owns,
		.accounth = account_of_trunk,
		.arg = n,
	};
	char addr[64];
	int err;

	err = choose_port(&sa);
	if (err)
		return err;
	if (re_snprintf(addr, sizeof(addr), "%J", &sa) < 0)
		return EINVAL;

	err = members_start(n, addr);
	if (err)
		return err;

	conf.addr = addr;
	conf.members = n->members;
	err = sipua_alloc(&n->ua, &conf);
	if (err)
		n->members = mem_deref(n->members);
	else {
		log_info("SIP", LOG_S("address", addr));
		apply_session(n);
	}

	return err;
}

static int sip_start(struct node *n)
{
	struct sa sa;
	int i, err;

	err = sa_decode(&sa, n->conf.sip_addr, strlen(n->conf.sip_addr));
	for (i = 0; !err && i < PORT_TRIES; i++) {
		err = sip_try(n, &sa);
		if (err != EADDRINUSE || sa_port(&sa))
			break;
		err = i + 1 < PORT_TRIES ? 0 : err;
	}
	if (err)
		log_error("SIP: cannot listen",
			  LOG_S("address", n->conf.sip_addr), LOG_E(err));

	return err;
}

static int bus_start(struct node *n)
{
	struct bus_conf conf = {
		.url = n->conf.redis_url,
		.id = n->conf.id,
		.commandh = node_command,
		.stateh = bus_state_handler,
		.arg = n,
	};
	int err;

	err = loop_re_alloc(&n->loop);
	if (err)
		return err;

	conf.loop = n->loop;
	return bus_alloc(&n->bus, &conf);
}

static int door_open(struct node *n, const struct sa *host, uint16_t port)
{
	struct sa addr = *host;
	int err;

	sa_set_port(&addr, port);
	err = n->doorc < NODE_DOORS_MAX ? door_alloc(&n->doorv[n->doorc], &addr)
					: EINVAL;
	if (err)
		log_error("WebRTC: cannot listen", LOG_U("port", port),
			  LOG_E(err));
	else
		n->doorc++;

	return err;
}

static int doors_open(struct node *n)
{
	const struct node_conf *conf = &n->conf;
	int err = 0;

	for (size_t i = 0; i < conf->media_addrc; i++) {
		for (uint32_t port = conf->webrtc_port_min;
		     port && port <= conf->webrtc_port_max && !err; port++)
			err = door_open(n, &conf->media_addrv[i],
					(uint16_t)port);
	}

	return err;
}

struct door *node_door(struct node *n, int af)
{
	for (size_t i = 0; i < n->doorc; i++) {
		struct door *d = n->doorv[++n->door_last % n->doorc];

		if (sa_af(door_laddr(d)) == af)
			return d;
	}

	return NULL;
}

static int start(struct node *n)
{
	int err;

	err = token_key_alloc(&n->key, n->conf.cluster_key,
			      str_len(n->conf.cluster_key));
	if (err) {
		log_error("cluster key: at least 16 bytes are wanted",
			  LOG_E(err));
		return err;
	}

	err = media_alloc(&n->media, &n->conf.media);
	if (err) {
		log_error("media: cannot start", LOG_E(err));
		return err;
	}

	err = dtls_identity_alloc(&n->identity);
	if (err) {
		log_error("WebRTC: no certificate", LOG_E(err));
		return err;
	}
	err = doors_open(n);
	if (err)
		return err;

	err = hash_alloc(&n->hubs, HUB_BUCKETS);
	err |= hash_alloc(&n->pages, HUB_BUCKETS);
	err |= node_metrics_init(n);
	if (err)
		return ENOMEM;
	err = bus_start(n);
	if (!err)
		err = trunk_states_alloc(&n->trunks, n->bus);
	if (!err)
		err = checkpoint_alloc(&n->checkpoint, n);
	if (!err)
		err = quality_alloc(&n->quality, n);
	if (!err)
		err = restores_alloc(&n->restores, n, n->conf.adopt_rate);
	if (!err)
		err = adopt_alloc(&n->adopt, n);
	if (!err)
		err = mover_alloc(&n->mover, n);
	if (!err)
		err = config_alloc(&n->config, n->loop, n->bus,
				   config_handler, n);
	if (!err)
		err = sip_start(n);
	if (!err && n->conf.metrics_addr)
		err = node_http_listen(n, n->conf.metrics_addr);

	return err;
}

int node_alloc(struct node **np, const struct node_conf *conf)
{
	struct node *n = mem_zalloc(sizeof(*n), destructor);
	int err;

	if (!n)
		return ENOMEM;

	n->conf = *conf;
	tmr_init(&n->tick);
	tmr_init(&n->limit_tmr);
	alarms_init(&n->alarms, tmr_jiffies());
	n->env.alarms = &n->alarms;
	n->env.wall_ms = timestamp_now_ms;
	n->env.observer = &node_observer;
	n->env.arg = n;

	err = start(n);
	if (err) {
		mem_deref(n);
		return err;
	}

	tmr_start(&n->tick, TICK_MS, tick_handler, n);
	limit_start(n);
	*np = n;

	return 0;
}

/* -------------------------------------------------------------------- end */

void node_drain(struct node *n, bool drain)
{
	if (n->draining == drain)
		return;

	n->draining = drain;
	log_info(drain ? "draining" : "takes calls again",
		 LOG_U("hubs", n->hubc));
	member_beat(n->members);
	mover_drain(n->mover, drain);
}

static bool end_hub(struct le *le, void *arg)
{
	hub_end(le->data, 503, arg);
	return false;
}

void node_hangup_all(struct node *n, const char *reason)
{
	hash_apply(n->hubs, end_hub, (void *)reason);
	checkpoint_flush(n->checkpoint);
}

bool node_is_idle(const struct node *n)
{
	struct sipua_stat st;

	sipua_stat(n->ua, &st);
	return !n->hubc && st.dialogs == st.abandoned && mover_is_idle(n->mover) &&
	       (!checkpoint_pending(n->checkpoint) ||
		!redis_is_up(bus_redis(n->bus)));
}

void node_leave(struct node *n)
{
	member_leave(n->members);
}

void node_resign(struct node *n)
{
	member_resign(n->members);
}

static bool abandon_hub(struct le *le, void *arg)
{
	(void)arg;
	hub_abandon(le->data);
	return false;
}

void node_abandon_all(struct node *n)
{
	hash_apply(n->hubs, abandon_hub, NULL);
}

bool node_is_ready(const struct node *n)
{
	return bus_is_up(n->bus) && member_instance(n->members) != 0 &&
	       member_redis_is_well(n->members);
}
