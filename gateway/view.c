/* SPDX-License-Identifier: MIT */
/* The gateway's view of the cluster: see view.h. */

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <re.h>

#include "gateway/config_wait.h"
#include "gateway/view.h"
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/store.h"

struct view {
	struct loop *loop;   /* borrowed */
	struct bus *bus;
	struct members *members;
	struct config *config;
	struct config_waits *waits;
	char *id;
	bus_command_h *commandh;
	void *command_arg;
	uint64_t seen_ms;    /* Redis */
	uint32_t regs;       /* devices registered then */
	bool listening;
	bool leaving;
	bool told_ready;     /* so that the log says it once a change */
};

static void tell(struct view *v)
{
	const char *why;
	bool is = view_is_ready(v, &why);

	if (is == v->told_ready || v->leaving)
		return;

	v->told_ready = is;
	if (is)
		log_info("ready", LOG_S("id", v->id));
	else
		log_warn("not ready", LOG_S("why", why));
}

static void on_state(bool up, int err, void *arg)
{
	struct view *v = arg;

	if (up) {
		v->seen_ms = timestamp_now_ms();
		log_info("redis is there", LOG_S("id", v->id));
	}
	else {
		log_warn("redis is away, not ready", LOG_E(err));
		v->told_ready = false;
	}
	tell(v);
}

static void on_command(struct bus_request *req, const Sy__Envelope *env,
		       void *arg)
{
	struct view *v = arg;

	v->commandh(req, env, v->command_arg);
}

static void on_config(const Sy__Config *conf, void *arg)
{
	struct view *v = arg;

	config_waits_loaded(v->waits, conf->revision);
	tell(v);
}

static void on_regs(int err, uint64_t count, void *arg)
{
	struct view *v = arg;

	if (!err)
		v->regs = (uint32_t)count;
}

/* Before each heartbeat. */
static void on_load(Sy__Member *self, void *arg)
{
	struct view *v = arg;

	if (view_has_redis(v)) {
		v->seen_ms = timestamp_now_ms();
		(void)store_reg_count(view_redis(v), on_regs, v);
	}
	self->state = v->leaving ? SY__MEMBER_STATE__DRAINING :
		      v->listening ? SY__MEMBER_STATE__LIVE :
		      SY__MEMBER_STATE__STARTING;
	tell(v);
}

static void on_change(const Sy__Member *m, bool gone, void *arg)
{
	(void)arg;

	log_debug(gone ? "member left" : "member changed",
		  LOG_S("member", m->id), LOG_U("state", m->state));
}

static void destructor(void *arg)
{
	struct view *v = arg;

	mem_deref(v->config);
	mem_deref(v->waits);
	mem_deref(v->members);
	mem_deref(v->bus);
	mem_deref(v->id);
}

static int join(struct view *v, const struct view_conf *conf)
{
	Google__Protobuf__Timestamp started =
		GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__Member self = SY__MEMBER__INIT;
	const struct member_conf mconf = {
		.loop = conf->loop,
		.bus = v->bus,
		.self = &self,
		.loadh = on_load,
		.changeh = on_change,
		.arg = v,
	};
	const char *first;

	timestamp_set_ms(&started, timestamp_now_ms());
	self.id = v->id;
	self.kind = SY__MEMBER_KIND__GATEWAY;
	self.state = SY__MEMBER_STATE__STARTING;
	self.version = SY_VERSION;
	self.started_at = &started;
	self.pid = (uint32_t)getpid();
	self.addresses = (char **)conf->addressv;
	self.n_addresses = conf->addressc;
	if (conf->addressc) {
		first = strchr(conf->addressv[0], ':');
		self.address = (char *)(first ? first + 1 : "");
	}

	return member_alloc(&v->members, &mconf);
}

int view_alloc(struct view **vp, const struct view_conf *conf)
{
	struct bus_conf bconf = {0};
	struct view *v;
	int err;

	if (!vp || !conf || !conf->loop || !conf->redis_url || !conf->id)
		return EINVAL;

	v = mem_zalloc(sizeof(*v), destructor);
	if (!v)
		return ENOMEM;

	v->loop = conf->loop;
	v->commandh = conf->commandh;
	v->command_arg = conf->arg;
	bconf.loop = conf->loop;
	bconf.url = conf->redis_url;
	bconf.id = conf->id;
	bconf.stateh = on_state;
	bconf.commandh = conf->commandh ? on_command : NULL;
	bconf.arg = v;

	err = str_dup(&v->id, conf->id);
	if (!err)
		err = config_waits_alloc(&v->waits, conf->loop);
	if (!err)
		err = bus_alloc(&v->bus, &bconf);
	if (!err)
		err = config_alloc(&v->config, conf->loop, v->bus, on_config,
				   v);
	if (!err)
		err = join(v, conf);

	if (err)
		mem_deref(v);
	else
		*vp = v;

	return err;
}

void view_listening(struct view *v)
{
	if (!v)
		return;

	v->listening = true;
	member_beat(v->members);
	tell(v);
}

void view_leave(struct view *v)
{
	if (!v || v->leaving)
		return;

	v->leaving = true;
	member_leave(v->members);
}

bool view_is_ready(const struct view *v, const char **whyp)
{
	const char *why = NULL;

	if (!v || v->leaving)
		why = "the gateway is shutting down";
	else if (!v->listening)
		why = "the ports do not listen yet";
	else if (!view_has_redis(v))
		why = "Redis is not reachable, or takes no writes";
	else if (!v->members || !member_is_ready(v->members))
		why = "the member table was not read yet";
	else if (!view_config(v))
		why = "no configuration was loaded yet";

	if (whyp)
		*whyp = why ? why : "";

	return !why;
}

bool view_has_redis(const struct view *v)
{
	return v && v->bus && bus_is_up(v->bus) &&
	       member_redis_is_well(v->members);
}

bool view_serves(const struct view *v, const Sy__Call *call)
{
	/* Not stored with its owner, or we know nobody yet: take its word. */
	if (!call->instance || !member_is_ready(v->members))
		return true;

	return member_by_instance(v->members, call->instance) != NULL;
}

uint64_t view_seen_ms(const struct view *v)
{
	return v->seen_ms;
}

uint32_t view_registrations(const struct view *v)
{
	return v->regs;
}

const char *view_id(const struct view *v)
{
	return v->id;
}

struct loop *view_loop(const struct view *v)
{
	return v->loop;
}

struct bus *view_bus(const struct view *v)
{
	return v->bus;
}

struct redis *view_redis(const struct view *v)
{
	return bus_redis(v->bus);
}

struct members *view_members(const struct view *v)
{
	return v->members;
}

const Sy__Config *view_config(const struct view *v)
{
	return v && v->config ? config_get(v->config) : NULL;
}

struct config *view_config_table(const struct view *v)
{
	return v->config;
}

struct config_waits *view_config_waits(const struct view *v)
{
	return v->waits;
}
