/* SPDX-License-Identifier: MIT */
/* The work for one trunk; see trunk_job.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "proto/config_secret.h"
#include "proto/log.h"
#include "proto/random.h"
#include "proto/schema_copy.h"
#include "router/core.h"
#include "router/trunk_job_impl.h"
#include "router/trunk_mark.h"

enum {
	EXPIRES_S = 600,
	OPTIONS_S = 30,
	REGISTER_TIMEOUT_MS = 8000, /* then the next target's turn  */
	WRITE_MS = 60000,           /* also if nothing changed     */
};

static void run(void *arg);

static uint32_t options_s(const Sy__Trunk *t)
{
	return t->set_options_case == SY__TRUNK__SET_OPTIONS_OPTIONS_S
		       ? t->options_s
		       : OPTIONS_S;
}

/* Where its calls go first. */
const char *trunk_job_hop(const Sy__Trunk *t)
{
	if (t->proxy[0])
		return t->proxy;
	if (t->target[0])
		return t->target;

	return t->registration ? t->registration->registrar : "";
}

bool trunk_job_is_wanted(const Sy__Trunk *t)
{
	return t->enabled && (t->registration ||
			      (options_s(t) && trunk_job_hop(t)[0]));
}

/* --------------------------------------------------------- configuration */

bool trunk_job_is_for(const struct trunk_job *j, const Sy__Trunk *t)
{
	return schema_equal(&t->base, &j->conf->base);
}

static const char *user_of(const Sy__Trunk *t)
{
	return t->registration->user[0] ? t->registration->user : t->username;
}

bool trunk_job_same_account(const struct trunk_job *j, const Sy__Trunk *t)
{
	const Sy__Trunk *o = j->conf;

	if (!o->registration || !t->registration)
		return o->registration == t->registration;

	return !strcmp(o->registration->registrar,
		       t->registration->registrar) &&
	       !strcmp(o->registration->contact_user,
		       t->registration->contact_user) &&
	       !strcmp(user_of(o), user_of(t)) && !strcmp(o->proxy, t->proxy);
}

/* --------------------------------------------------------- registration */

/* Where calls shall come to: by the transport and family that we register by.
 * A registrar that is a name is outside, wherever it is. */
static int print_contact(char *buf, size_t size, const struct trunk_job *j,
			 const char *mark)
{
	const struct wire_set *set = &j->w->router->wires;
	const Sy__TrunkRegistration *r = j->conf->registration;
	const char *hop = j->conf->proxy[0] ? j->conf->proxy : r->registrar;
	enum wire_kind kind = trunk_where_kind(hop);
	struct flow peer = {.tcp = false};
	struct pl told;
	int port, af;

	af = trunk_where_sa(&peer.peer, hop) ? AF_INET : sa_af(&peer.peer);
	port = wire_port_find(set, kind, af);
	if (port < 0)
		port = wire_port_find(set, kind,
				      af == AF_INET ? AF_INET6 : AF_INET);
	if (port < 0) {
		kind = WIRE_UDP;
		port = 0;
	}
	told = wire_told(set, &set->portv[port], &peer);
	if (re_snprintf(buf, size, "sip:%s@%r%s%s%s",
			r->contact_user[0] ? r->contact_user : mark,
			&told, wire_kind_param(kind),
			r->contact_user[0] ? ";sy=" : "",
			r->contact_user[0] ? mark : "") < 0)
		return EINVAL;

	return 0;
}

/* "carrier.example:5070" of "carrier.example:5070;transport=tcp" */
static int print_domain(char *buf, size_t size, const char *text)
{
	return re_snprintf(buf, size, "%b", text, strcspn(text, ";")) < 0
		       ? EINVAL
		       : 0;
}

static int start_reg(struct trunk_job *j)
{
	char mark[TRUNK_MARK_LEN + 1], contact[256], domain[256], route[320];
	char password[CONFIG_PASSWORD_MAX + 1] = "";
	const Sy__TrunkRegistration *r = j->conf->registration;
	struct trunk_reg_conf conf = {
		.domain = domain,
		.user = user_of(j->conf),
		.contact = contact,
		.mark = mark,
		.expires_s = r->expires_s ? r->expires_s : EXPIRES_S,
	};
	int err;

	trunk_mark(mark, j->w->router->key, j->conf->id);
	err = print_contact(contact, sizeof(contact), j, mark);
	if (!err)
		err = print_domain(domain, sizeof(domain), r->registrar);
	if (err)
		return err;
	if (j->conf->proxy[0]) {
		if (re_snprintf(route, sizeof(route), "<sip:%s;lr>",
				j->conf->proxy) < 0)
			return EINVAL;
		conf.proxy = route;
	}
	if (j->conf->username[0]) {
		err = config_secret_trunk(password, j->w->router->key,
					  j->conf);
		if (err)
			log_error("password of trunk cannot be opened: it was "
				  "sealed with another cluster key",
				  LOG_S("trunk", j->conf->id), LOG_E(err));
		conf.username = j->conf->username;
		conf.password = err ? NULL : password;
	}
	err = trunk_reg_alloc(&j->reg, &conf, tmr_jiffies());
	explicit_bzero(password, sizeof(password));
	if (!err)
		err = trunk_where_init(&j->reg_at, j->w,
				       j->conf->proxy[0] ? j->conf->proxy
							 : r->registrar);

	return err;
}

static void reg_answered(struct trunk_job *j, uint16_t code,
			 const struct view *v)
{
	struct trunk_reg_answer a = {.code = code,
				     .v = v,
				     .targets = j->reg_at.found.n,
				     .now_ms = tmr_jiffies()};
	const size_t i = trunk_reg_target(j->reg);
	enum trunk_reg_out out;

	random_bytes(&a.random, sizeof(a.random));
	random_bytes(a.cnonce, sizeof(a.cnonce));
	out = trunk_reg_answer(j->reg, &a);
	if (i < j->reg_at.found.n)
		trunk_target_tell(j->w, &j->reg_at.found.v[i], v != NULL);
	trunk_job_tell_reg(j, out);
	trunk_job_write(j);
	trunk_job_soon(j);
}

static void on_reg(uint16_t code, const struct view *v, void *arg)
{
	struct trunk_job *j = arg;

	j->reg_uac = mem_deref(j->reg_uac);
	reg_answered(j, code, v);
}

static void send_reg(struct trunk_job *j)
{
	struct uac_request r = {.method = "REGISTER",
				.timeout_ms = REGISTER_TIMEOUT_MS};
	struct trunk_reg_msg m;
	struct flow f;
	int err = trunk_reg_print(j->reg, &m);

	if (err) {
		log_error("REGISTER", LOG_S("trunk", j->conf->id), LOG_E(err));
		return;
	}
	r.uri = m.uri;
	r.from = m.from;
	r.to = m.to;
	r.call_id = m.call_id;
	r.cseq = m.cseq;
	r.headers = m.headers;
	r.to_flow = &f;
	err = trunk_where_flow(&j->reg_at, trunk_reg_target(j->reg), &f);
	if (!err)
		err = uac_send(&j->reg_uac, j->w->uacs, &r, on_reg, j);
	if (err)
		reg_answered(j, 503, NULL);
}

static void located(void *arg)
{
	struct trunk_job *j = arg;

	j->located = true;
	trunk_job_soon(j);
}

/* A new round of tries begins with a new look at DNS; within one the list
 * stays, so that its indices do. */
static void work_reg(struct trunk_job *j, uint64_t now_ms)
{
	trunk_job_tell_reg(j, trunk_reg_tick(j->reg, now_ms));
	if (!trunk_reg_wants(j->reg, now_ms) || j->reg_at.query)
		return;
	if (!j->located && !trunk_reg_is_again(j->reg) &&
	    !trunk_reg_target(j->reg)) {
		if (trunk_where_find(&j->reg_at, located, j) == EINPROGRESS)
			return;
	}
	j->located = false;
	send_reg(j);
}

/* ------------------------------------------------------------------- time */

/* When there is something to do. */
static uint64_t due(const struct trunk_job *j)
{
	uint64_t ms = j->reg && !j->reg_at.query ? trunk_reg_due(j->reg)
						 : UINT64_MAX;

	for (size_t i = 0; i < j->checkc; i++) {
		const uint64_t at = trunk_check_due(&j->checkv[i].check);

		ms = at < ms ? at : ms;
	}
	if (j->look_ms && !j->at.query && j->look_ms < ms)
		ms = j->look_ms;

	return ms;
}

void trunk_job_soon(struct trunk_job *j)
{
	const uint64_t now_ms = tmr_jiffies(), ms = due(j);
	uint64_t wait_ms = ms > now_ms ? ms - now_ms : 0;

	if (wait_ms > WRITE_MS)
		wait_ms = WRITE_MS;
	tmr_start(&j->tmr, wait_ms, run, j);
}

static void run(void *arg)
{
	struct trunk_job *j = arg;

	if (j->w->wire) {
		if (j->reg)
			work_reg(j, tmr_jiffies());
		if (!j->retired)
			trunk_job_work_checks(j);
	}
	if (!j->retired && tmr_jiffies() - j->put_ms >= WRITE_MS)
		trunk_job_write(j);
	trunk_job_soon(j);
}

/* ----------------------------------------------------------------- life */

static void destructor(void *arg)
{
	struct trunk_job *j = arg;

	tmr_cancel(&j->tmr);
	mem_deref(j->reg_uac);
	mem_deref(j->reg);
	trunk_where_close(&j->reg_at);
	trunk_job_close_checks(j);
	trunk_job_close_state(j);
	if (j->conf)
		sy__trunk__free_unpacked(j->conf, NULL);
}

static int resume(struct trunk_job *j, const Sy__TrunkState *past)
{
	const uint64_t wall = timestamp_now_ms(), now_ms = tmr_jiffies();
	const uint64_t expires = timestamp_ms(past->expires_at);
	const uint64_t refresh = timestamp_ms(past->refresh_at);
	const struct trunk_reg_past p = {
		.call_id = past->call_id,
		.cseq = past->cseq,
		.contact = past->registered ? past->contact : "",
		.expires_ms = expires > wall ? now_ms + expires - wall : 0,
		.refresh_ms = refresh > wall ? now_ms + refresh - wall : 0,
	};

	return j->reg ? trunk_reg_resume(j->reg, &p, now_ms) : 0;
}

int trunk_job_alloc(struct trunk_job **jp, struct worker *w,
		    const Sy__Trunk *t, const Sy__TrunkState *past)
{
	struct trunk_job *j;
	int err = 0;

	if (!jp || !w || !t)
		return EINVAL;

	j = mem_zalloc(sizeof(*j), destructor);
	if (!j)
		return ENOMEM;
	tmr_init(&j->tmr);
	j->w = w;
	j->conf = schema_copy(&t->base);
	if (!j->conf)
		err = ENOMEM;
	if (!err && t->registration)
		err = start_reg(j);
	if (!err && past)
		err = resume(j, past);
	if (!err)
		err = trunk_job_start_checks(j, options_s(t) * 1000, past);

	if (err) {
		mem_deref(j);
		return err;
	}
	trunk_job_write(j);
	tmr_start(&j->tmr, 0, run, j);
	*jp = j;

	return 0;
}

void trunk_job_retire(struct trunk_job *j)
{
	j->retired = true;
	if (j->reg)
		trunk_reg_leave(j->reg, tmr_jiffies());
	trunk_job_soon(j);
}

bool trunk_job_is_done(const struct trunk_job *j)
{
	return j->retired && (!j->reg || trunk_reg_is_gone(j->reg));
}
