/* SPDX-License-Identifier: MIT */
/* Trying trunks out: see trials.h. */

#include <errno.h>
#include <string.h>
#include "proto/log.h"
#include "proto/schema_copy.h"
#include "router/core.h"
#include "router/trial_impl.h"
#include "router/trials.h"
#include "router/trunk_ask.h"
#include "router/trunk_job_impl.h"

enum {
	TRIALS_MAX = 8,     /* at a time                                   */
	TRIAL_MS = 24000,   /* then it is answered, as far as it came      */
};

struct trials {
	struct worker *w;   /* borrowed */
	struct list l;
};

/* ------------------------------------------------------------------ answer */

static void destructor(void *arg)
{
	struct trial *t = arg;

	list_unlink(&t->le);
	tmr_cancel(&t->tmr);
	tmr_cancel(&t->end);
	mem_deref(t->conn);
	mem_deref(t->uac);
	mem_deref(t->digest);
	trunk_where_close(&t->at);
	trunk_where_close(&t->reg_at);
	if (t->req)
		bus_replyf(t->req, SY__RESULT_CODE__UNAVAILABLE,
			   "the router ends");
	if (t->conf)
		sy__trunk__free_unpacked(t->conf, NULL);
}

static void answer(struct trial *t)
{
	Sy__TrunkTest out = SY__TRUNK_TEST__INIT;
	Sy__Result res = SY__RESULT__INIT;

	out.ok = t->stepc > 0;
	for (size_t i = 0; i < t->stepc; i++) {
		out.ok &= t->stepv[i].ok;
		t->steppv[i] = &t->stepv[i];
	}
	out.router = (char *)(uintptr_t)t->w->router->conf.id;
	out.steps = t->steppv;
	out.n_steps = t->stepc;
	res.trunk_test = &out;
	bus_reply(t->req, &res);
	t->req = NULL;
	mem_deref(t);
}

static void too_long(void *arg)
{
	struct trial *t = arg;

	if (t->stepc == TRIAL_STEPS)
		return;
	if (!t->stepv[t->stepc].name)
		trial_begin(t, "end");
	trial_done(t, false, "", NULL, "not done within %d s",
		   TRIAL_MS / 1000);
	t->over = true;
}

/* ------------------------------------------------------------------- steps */

void trial_begin(struct trial *t, const char *name)
{
	Sy__TrunkTestStep *s = &t->stepv[t->stepc];

	sy__trunk_test_step__init(s);
	s->name = (char *)(uintptr_t)name;
	t->begun_ms = tmr_jiffies();
}

static void turn(void *arg)
{
	struct trial *t = arg;

	if (t->next && t->stepc < TRIAL_STEPS)
		t->next(t);
	else
		answer(t);
}

void trial_done(struct trial *t, bool ok, const char *advice,
		void (*next)(struct trial *t), const char *detail, ...)
{
	Sy__TrunkTestStep *s = &t->stepv[t->stepc];
	char(*text)[TRIAL_TEXT] = t->text[t->stepc];
	va_list ap;

	if (t->over)
		return;
	t->stepc++;
	va_start(ap, detail);
	(void)re_vsnprintf(text[0], TRIAL_TEXT, detail, ap);
	va_end(ap);
	(void)re_snprintf(text[1], TRIAL_TEXT, "%s", advice);
	s->ok = ok;
	s->detail = text[0];
	s->advice = text[1];
	s->ms = (uint32_t)(tmr_jiffies() - t->begun_ms);
	t->next = next;
	t->uac = mem_deref(t->uac);
	t->conn = mem_deref(t->conn);
	tmr_start(&t->tmr, 0, turn, t);
}

/* ----------------------------------------------------------------- options */

static void ask_options(struct trial *t);

/* What follows: the account, if there is one. */
static void (*after_options(const struct trial *t))(struct trial *)
{
	return t->conf->registration ? trial_register : NULL;
}

static bool ask_next_target(struct trial *t)
{
	if (++t->target >= t->at.found.n || t->target >= TRIAL_TARGETS_MAX)
		return false;
	t->next = ask_options;
	tmr_start(&t->tmr, 0, turn, t);

	return true;
}

static void on_options(uint16_t code, const struct view *v, void *arg)
{
	struct trial *t = arg;

	t->uac = mem_deref(t->uac);
	if (v && code != 408 && code != 503) {
		trial_done(t, true, "", after_options(t),
			   "it answers OPTIONS with %u", code);
		return;
	}
	if (ask_next_target(t))
		return;
	if (v)
		trial_done(t, false, "it is there, but takes no calls now: "
			   "ask the carrier", after_options(t),
			   "it answers OPTIONS with %u", code);
	else
		trial_done(t, false, "check host, port and transport; a "
			   "firewall may drop it; some carriers answer only "
			   "addresses that they know",
			   after_options(t), "it does not answer OPTIONS");
}

static void ask_options(struct trial *t)
{
	const struct trunk_ask ask = {
		.conf = t->conf,
		.text = t->at.text,
		.target = &t->at.found.v[t->target],
		.cseq = ++t->cseq,
		.timeout_ms = TRIAL_OPTIONS_MS,
	};

	if (!t->target)
		trial_begin(t, "options");
	if (trunk_ask_options(&t->uac, t->w, &ask, on_options, t))
		on_options(503, NULL, t);
}

static void start_options(struct trial *t)
{
	t->target = 0;
	ask_options(t);
}

/* ----------------------------------------------------------------- connect */

static const char *advice_of(enum trial_connected out)
{
	switch (out) {
	case TRIAL_CONN_REFUSED:
		return "nobody listens at this port: check port and transport";
	case TRIAL_CONN_SILENT:
		return "check host and port; a firewall may drop it";
	case TRIAL_CONN_UNREACHABLE:
		return "check the address, and this machine's network";
	case TRIAL_CONN_CERTIFICATE:
		return "its certificate must be for the name in the "
		       "configuration, valid now, and signed by one of the "
		       "router's --tls-ca";
	case TRIAL_CONN_TLS:
		return "check that this port speaks TLS";
	default:
		return "";
	}
}

static void connect_to(struct trial *t);

static void on_connected(enum trial_connected out, const char *detail,
			 void *arg)
{
	struct trial *t = arg;
	char text[TRIAL_TEXT];

	(void)re_snprintf(text, sizeof(text), "%J: %s",
			  &t->at.found.v[t->target].sa, detail);
	t->conn = mem_deref(t->conn);
	if (out != TRIAL_CONN_OK && t->target + 1 < t->at.found.n &&
	    t->target + 1 < TRIAL_TARGETS_MAX) {
		t->target++;
		t->next = connect_to;
		tmr_start(&t->tmr, 0, turn, t);
		return;
	}
	trial_done(t, out == TRIAL_CONN_OK, advice_of(out),
		   out == TRIAL_CONN_OK ? start_options : NULL, "%s", text);
}

static void connect_to(struct trial *t)
{
	const struct locate_target *target = &t->at.found.v[t->target];
	char buf[320], name[256];
	struct pl host;
	struct sa sa;
	bool named;
	int err;

	if (!t->target)
		trial_begin(t, "connect");
	if (target->transport == LOCATE_UDP) {
		trial_done(t, true, "", start_options,
			   "by UDP: there is nothing to connect");
		return;
	}
	named = trunk_where_sa(&sa, t->at.text) &&
		!trunk_where_host(&host, buf, sizeof(buf), t->at.text) &&
		!pl_strcpy(&host, name, sizeof(name));
	err = trial_conn_open(&t->conn, t->w->router->wires.certs, target,
			      named ? name : NULL, on_connected, t);
	if (err == ENOTSUP)
		trial_done(t, false, "start the routers with --tls", NULL,
			   "this router has no TLS");
	else if (err)
		trial_done(t, false, "", NULL, "%m", err);
}

/* --------------------------------------------------------------------- dns */

static void print_targets(char *buf, size_t size,
			  const struct locate_found *f)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < f->n && n + 80 < size; i++) {
		const int len = re_snprintf(
			buf + n, size - n, "%s%s:%J", i ? ", " : "",
			locate_transport_name(f->v[i].transport), &f->v[i].sa);

		if (len < 0)
			return;
		n += (size_t)len;
	}
}

static void on_located(void *arg)
{
	struct trial *t = arg;
	char text[TRIAL_TEXT];
	struct sa sa;

	print_targets(text, sizeof(text), &t->at.found);
	if (t->at.found.n && !trunk_where_sa(&sa, t->at.text))
		trial_done(t, true, "", connect_to,
			   "%s is an address: there is nothing to look up",
			   t->at.text);
	else if (t->at.found.n)
		trial_done(t, true, "", connect_to, "%s is %s", t->at.text,
			   text);
	else if (t->at.err == ETIMEDOUT)
		trial_done(t, false, "check the DNS servers of the routers",
			   NULL, "no DNS server answers for %s", t->at.text);
	else if (t->at.err == EPROTONOSUPPORT)
		trial_done(t, false, "start the routers with a port for this "
			   "transport, or choose another one", NULL,
			   "the routers have no port of the transport of %s",
			   t->at.text);
	else
		trial_done(t, false, "check how it is written", NULL,
			   "there is no host of the name %s", t->at.text);
}

static void look_up(struct trial *t)
{
	trial_begin(t, "dns");
	if (trunk_where_find(&t->at, on_located, t) != EINPROGRESS)
		on_located(t);
}

/* -------------------------------------------------------------------- life */

static int make(struct trial **tp, struct trials *ts, const Sy__Trunk *conf)
{
	struct trial *t = mem_zalloc(sizeof(*t), destructor);
	int err;

	if (!t)
		return ENOMEM;

	tmr_init(&t->tmr);
	tmr_init(&t->end);
	t->conf = schema_copy(&conf->base);
	t->w = ts->w;
	err = t->conf ? trunk_where_init(&t->at, ts->w,
					 trunk_job_hop(t->conf))
		      : ENOMEM;
	if (err)
		mem_deref(t);
	else
		*tp = t;

	return err;
}

void trials_start(struct trials *ts, struct bus_request *req,
		  const Sy__Trunk *conf)
{
	struct trial *t;

	if (!ts || !ts->w->wire || list_count(&ts->l) >= TRIALS_MAX) {
		bus_replyf(req, SY__RESULT_CODE__UNAVAILABLE,
			   "the router tries %d trunks already", TRIALS_MAX);
		return;
	}
	if (!trunk_job_hop(conf)[0]) {
		bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST,
			   "there is no target: this trunk only calls us");
		return;
	}
	if (make(&t, ts, conf)) {
		bus_replyf(req, SY__RESULT_CODE__INTERNAL, "out of memory");
		return;
	}
	log_info("a trunk is tried out", LOG_S("trunk", conf->id));
	t->req = req;
	list_append(&ts->l, &t->le, t);
	t->next = look_up;
	tmr_start(&t->tmr, 0, turn, t);
	tmr_start(&t->end, TRIAL_MS, too_long, t);
}

static void trials_destructor(void *arg)
{
	struct trials *ts = arg;

	list_flush(&ts->l);
}

int trials_alloc(struct trials **tp, struct worker *w)
{
	struct trials *ts = mem_zalloc(sizeof(*ts), trials_destructor);

	if (!ts)
		return ENOMEM;
	ts->w = w;
	*tp = ts;

	return 0;
}
