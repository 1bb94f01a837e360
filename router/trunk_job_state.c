/* SPDX-License-Identifier: MIT */
/* How a trunk is: written down, told, logged; see trunk_job.h. */

#include <string.h>
#include "proto/log.h"
#include "proto/store.h"
#include "proto/store_trunk.h"
#include "router/core.h"
#include "router/trunk_job_impl.h"
#include "router/trunk_stat.h"

enum { ADDRESS_SIZE = 80 };

/* The message, with what it points to. */
struct trunk_job_state {
	Sy__TrunkState msg;
	Google__Protobuf__Timestamp expires, since, checked, refresh;
	Sy__TrunkTarget targetv[TRUNK_JOB_TARGETS_MAX];
	Sy__TrunkTarget *targetpv[TRUNK_JOB_TARGETS_MAX];
	char address[TRUNK_JOB_TARGETS_MAX][ADDRESS_SIZE];
	char reason[2 * TRUNK_REG_REASON_SIZE];
};

void trunk_job_close_state(struct trunk_job *j)
{
	mem_deref(j->state);
}

/* From this machine's clock since it was started to one that others know. */
static uint64_t wall_ms(uint64_t ms)
{
	return timestamp_now_ms() + ms - tmr_jiffies();
}

static void fill_reg(struct trunk_job_state *s, const struct trunk_job *j)
{
	struct trunk_reg_stat st;

	trunk_reg_stat(j->reg, &st);
	s->msg.registers = !j->retired;
	s->msg.registered = st.registered;
	s->msg.last_code = st.last_code;
	s->msg.call_id = (char *)(uintptr_t)st.call_id;
	s->msg.cseq = st.cseq;
	s->msg.service_route = (char **)(uintptr_t)st.routev;
	s->msg.n_service_route = st.routec;
	(void)re_snprintf(s->reason, sizeof(s->reason), "%s", st.reason);
	if (!st.registered)
		return;
	s->msg.contact = (char *)(uintptr_t)st.contact;
	timestamp_set_ms(&s->expires, wall_ms(st.expires_ms));
	timestamp_set_ms(&s->refresh, wall_ms(st.refresh_ms));
	s->msg.expires_at = &s->expires;
	s->msg.refresh_at = &s->refresh;
}

static void fill_target(struct trunk_job_state *s, size_t i,
			const struct trunk_job_check *c)
{
	Sy__TrunkTarget *t = &s->targetv[i];

	sy__trunk_target__init(t);
	(void)re_snprintf(s->address[i], ADDRESS_SIZE, "%s:%J",
			  locate_transport_name(c->target.transport),
			  &c->target.sa);
	t->address = s->address[i];
	t->reachable = c->check.up;
	t->rtt_ms = c->check.rtt_ms;
	t->last_code = c->check.code;
	s->targetpv[i] = t;
	if (c->check.up && !s->msg.rtt_ms)
		s->msg.rtt_ms = c->check.rtt_ms;
}

static void fill_checks(struct trunk_job_state *s, const struct trunk_job *j)
{
	s->msg.checked = j->known;
	s->msg.reachable = j->up;
	for (size_t i = 0; i < j->checkc; i++)
		fill_target(s, i, &j->checkv[i]);
	s->msg.targets = s->targetpv;
	s->msg.n_targets = j->checkc;
	if (j->since_ms) {
		timestamp_set_ms(&s->since, j->since_ms);
		s->msg.since = &s->since;
	}
	if (j->checked_ms) {
		timestamp_set_ms(&s->checked, j->checked_ms);
		s->msg.checked_at = &s->checked;
	}
	if (j->known && !j->up && !s->reason[0])
		(void)re_snprintf(s->reason, sizeof(s->reason),
				  "it does not answer OPTIONS");
}

const Sy__TrunkState *trunk_job_state(struct trunk_job *j)
{
	struct trunk_job_state *s = j->state;

	if (!s)
		s = j->state = mem_zalloc(sizeof(*s), NULL);
	if (!s)
		return NULL;
	memset(s, 0, sizeof(*s));
	sy__trunk_state__init(&s->msg);
	google__protobuf__timestamp__init(&s->expires);
	google__protobuf__timestamp__init(&s->since);
	google__protobuf__timestamp__init(&s->checked);
	google__protobuf__timestamp__init(&s->refresh);
	s->msg.trunk = j->conf->id;
	s->msg.router = (char *)(uintptr_t)j->w->router->conf.id;
	s->msg.instance = j->w->router->wires.instance;
	if (j->reg)
		fill_reg(s, j);
	fill_checks(s, j);
	s->msg.reason = s->reason;

	return &s->msg;
}

void trunk_job_write(struct trunk_job *j)
{
	const Sy__TrunkState *ts = trunk_job_state(j);

	j->put_ms = tmr_jiffies();
	if (ts && !j->retired)
		trunk_stat_set(ts);
	if (ts)
		(void)store_trunk_put(j->w->bus, ts);
}

/* ------------------------------------------------------------------ events */

static void event(const struct trunk_job *j, Sy__EventType type, uint32_t code,
		  const char *reason)
{
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__Event ev = SY__EVENT__INIT;

	timestamp_set_ms(&at, timestamp_now_ms());
	ev.at = &at;
	ev.type = type;
	ev.member = (char *)(uintptr_t)j->w->router->conf.id;
	ev.trunk = j->conf->id;
	ev.code = code;
	ev.reason = (char *)(uintptr_t)reason;
	(void)store_event(bus_redis(j->w->bus), &ev);
}

void trunk_job_tell_reg(struct trunk_job *j, enum trunk_reg_out out)
{
	struct trunk_reg_stat st;

	if (out == TRUNK_REG_SAME)
		return;
	trunk_reg_stat(j->reg, &st);
	if (out == TRUNK_REG_UP) {
		log_info("registered at trunk", LOG_S("trunk", j->conf->id));
		event(j, SY__EVENT_TYPE__TRUNK_REGISTERED, st.last_code, "");
		return;
	}
	if (j->retired)
		log_info("unregistered at trunk",
			 LOG_S("trunk", j->conf->id));
	else
		log_warn("not registered at trunk any more",
			 LOG_S("trunk", j->conf->id),
			 LOG_S("reason", st.reason));
	event(j, SY__EVENT_TYPE__TRUNK_UNREGISTERED, st.last_code, st.reason);
	trunk_job_write(j);
}

/* One target that lives will do. */
void trunk_job_tell_checks(struct trunk_job *j)
{
	bool up = false, known = j->checkc > 0;
	uint16_t code = 0;

	for (size_t i = 0; i < j->checkc; i++) {
		const struct trunk_check *c = &j->checkv[i].check;

		up |= c->up;
		known &= c->known;
		code = c->code;
	}
	if ((!known && !up) || (j->known && j->up == up))
		return;

	j->known = true;
	j->up = up;
	j->since_ms = timestamp_now_ms();
	j->put_ms = 0;
	if (up) {
		log_info("trunk answers", LOG_S("trunk", j->conf->id));
		event(j, SY__EVENT_TYPE__TRUNK_UP, code, "");
	} else {
		log_warn("trunk does not answer",
			 LOG_S("trunk", j->conf->id), LOG_U("code", code));
		event(j, SY__EVENT_TYPE__TRUNK_DOWN, code,
		      "it does not answer OPTIONS");
	}
}
