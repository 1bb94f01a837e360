/* SPDX-License-Identifier: MIT */
/* NOTIFYs of one subscription: see notify.h. */

#include <string.h>
#include "proto/dialplan.h"
#include "proto/log.h"
#include "proto/store_sub.h"
#include "router/notify.h"
#include "router/notify_body.h"
#include "router/uac.h"
#include "router/way.h"

enum { GAP_MS = 200, WAIT_MS = 20, RETRY_MS = 2000, HEADERS_MAX = 1024, NAME_MAX_LEN = 256 };

struct sub {
	struct le le;            /* in subs->table */
	struct le of;            /* in subs->of */
	struct worker *w;        /* borrowed */
	struct calls *calls;
	Sy__Subscription *rec;
	enum subs_event event;
	struct tmr tmr;          /* next NOTIFY */
	struct tmr expiry;
	struct uac *uac;         /* its NOTIFY is under way */
	uint64_t sent_ms;
	uint32_t sum;            /* of what was told last */
	bool told;               /* anything, since the last SUBSCRIBE */
	bool busy;               /* from the question for its CSeq to the
				    answer of the peer */
	bool dirty;
	bool over;               /* its last NOTIFY is due */
	bool last;               /* ... and is under way */
	bool registered;         /* presence: of its resource */
	uint32_t fresh, old;     /* messages */
	sub_end_h *endh;
	void *arg;
};

static void leave_tables(struct sub *sub)
{
	hash_unlink(&sub->le);
	hash_unlink(&sub->of);
}

static void destructor(void *data)
{
	struct sub *sub = data;

	tmr_cancel(&sub->tmr);
	tmr_cancel(&sub->expiry);
	mem_deref(sub->uac);
	leave_tables(sub);
	if (sub->rec)
		sy__subscription__free_unpacked(sub->rec, NULL);
}

const char *sub_id(const struct sub *sub)
{
	return sub->rec->id;
}

const char *sub_resource(const struct sub *sub)
{
	return sub->rec->resource;
}

enum subs_event sub_event(const struct sub *sub)
{
	return sub->event;
}

struct le *sub_le(struct sub *sub)
{
	return &sub->le;
}

struct le *sub_of_le(struct sub *sub)
{
	return &sub->of;
}

void sub_drop(struct sub *sub)
{
	leave_tables(sub);
	tmr_cancel(&sub->tmr);
	tmr_cancel(&sub->expiry);
	/* a question to Redis may be under way: it finds nobody then */
	if (sub->busy && !sub->uac) {
		sub->over = true;
		sub->w = NULL;
		return;
	}
	sub->endh(sub, sub->arg);
}

static void gone(struct sub *sub)
{
	sub->busy = false;
	sub_drop(sub);
}

static struct redis *redis(const struct sub *sub)
{
	return bus_redis(sub->w->bus);
}

static void later(struct sub *sub, uint32_t ms);

/* ----------------------------------------------------------------- sending */

static void forgotten(int err, uint32_t cseq, void *arg)
{
	(void)err;
	(void)cseq;
	(void)arg;
}

/* RFC 6665 4.2.2: who does not know it, or cannot be reached, is told no
 * more. */
static void answered(uint16_t code, const struct view *v, void *arg)
{
	struct sub *sub = arg;

	(void)v;
	sub->uac = mem_deref(sub->uac);
	sub->busy = false;
	if (sub->last) {
		gone(sub);
		return;
	}
	if (code >= 300 && code != 500) {
		log_info("subscription ended by its phone",
			 LOG_S("device", sub->rec->device),
			 LOG_U("code", code));
		(void)store_sub_next(redis(sub), sub->rec->id,
				     sub->w->router->wires.instance, true,
				     forgotten, NULL);
		gone(sub);
		return;
	}
	if (sub->dirty)
		later(sub, GAP_MS);
}

static const char *type_of(enum subs_event ev)
{
	static const char *const types[SUBS_EVENTS] = {
		"application/dialog-info+xml", "application/pidf+xml",
		"application/simple-message-summary",
	};

	return types[ev];
}

static uint32_t left_s(const struct sub *sub)
{
	const uint64_t now = timestamp_now_ms();
	const uint64_t at = timestamp_ms(sub->rec->expires_at);

	return at > now ? (uint32_t)((at - now + 999) / 1000) : 0;
}

static const char *domain(const struct sub *sub)
{
	const Sy__Config *conf = config_get(sub->w->config);

	return conf && conf->settings && conf->settings->realm[0] ?
		       conf->settings->realm : "switchyard";
}

static const Sy__Device *device(const struct sub *sub, const char *id)
{
	return config_device(sub->w->config, id, strlen(id));
}

/* Who is in the same group, or whom the dial plan lets do so by a number. */
static bool may_pick_up(const struct sub *sub)
{
	const Sy__Device *who = device(sub, sub->rec->device);
	const Sy__Device *whom = device(sub, sub->rec->resource);

	if (!who || !whom)
		return false;

	return (who->pickup_group[0] &&
		!strcmp(who->pickup_group, whom->pickup_group)) ||
	       dialplan_may_pick_up(config_get(sub->w->config), who->id,
				    whom->id);
}

static int make_body(struct mbuf *mb, const struct sub *sub, uint32_t version)
{
	switch (sub->event) {

	case SUBS_DIALOG:
		return notify_body_dialog(mb, sub->calls, sub->rec->resource,
					  domain(sub), version,
					  may_pick_up(sub));
	case SUBS_PRESENCE:
		return notify_body_presence(mb, sub->calls,
					    sub->rec->resource, domain(sub),
					    sub->registered);
	default:
		return notify_body_messages(mb, sub->rec->resource,
					    domain(sub), sub->fresh, sub->old);
	}
}

static int notify_send(struct sub *sub, uint32_t cseq, struct mbuf *mb)
{
	const Sy__Subscription *rec = sub->rec;
	char headers[HEADERS_MAX], from[NAME_MAX_LEN], to[NAME_MAX_LEN];
	char state[64] = "terminated;reason=timeout";
	struct uac_request r = {
		.method = "NOTIFY",
		.uri = rec->contact,
		.from = from,
		.to = to,
		.call_id = rec->call_id,
		.cseq = cseq,
		.headers = headers,
		.body = (char *)mb->buf,
		.bodylen = mb->end,
	};
	struct flow flow;
	int err;

	if (!sub->last)
		(void)re_snprintf(state, sizeof(state), "active;expires=%u",
				  left_s(sub));
	if (re_snprintf(headers, sizeof(headers),
			"Contact: <%s>\r\nEvent: %s\r\n"
			"Subscription-State: %s\r\nContent-Type: %s\r\n",
			rec->local_contact, rec->event_header, state,
			type_of(sub->event)) < 0 ||
	    re_snprintf(from, sizeof(from), "<%s>;tag=s-%s", rec->local_uri,
			rec->id) < 0 ||
	    re_snprintf(to, sizeof(to), "<%s>;tag=%s", rec->remote_uri,
			rec->remote_tag) < 0)
		return EOVERFLOW;

	err = way_by_path(&flow, sub->w, rec->path);
	if (err)
		return err;
	r.to_flow = &flow;
	err = uac_send(&sub->uac, sub->w->uacs, &r, answered, sub);
	if (!err)
		stat_inc(&sub->w->stats, STAT_NOTIFY);

	return err;
}

/* What was told last is not told again, but for a new SUBSCRIBE. */
static bool is_news(struct sub *sub)
{
	struct mbuf *mb = mbuf_alloc(512);
	uint32_t sum = 0;
	bool news;

	if (mb && !make_body(mb, sub, 0))
		sum = hash_joaat(mb->buf, mb->end);
	mem_deref(mb);
	news = !sub->told || sub->over || sum != sub->sum;
	sub->sum = sum;

	return news;
}

static void numbered(int err, uint32_t cseq, void *arg)
{
	struct sub *sub = arg;
	struct mbuf *mb;

	if (!sub->w || (!err && !cseq)) { /* it is another router's */
		sub->busy = false;
		if (sub->w)
			leave_tables(sub);
		sub->endh(sub, sub->arg);
		return;
	}
	if (err) {
		sub->busy = sub->last = false;
		later(sub, RETRY_MS);
		return;
	}
	mb = mbuf_alloc(1024);
	err = mb ? make_body(mb, sub, cseq - 1) : ENOMEM;
	if (!err)
		err = notify_send(sub, cseq, mb);
	mem_deref(mb);
	if (!err) {
		sub->told = true;
		sub->sent_ms = tmr_jiffies();
		return;
	}
	if (sub->last || err != ENOBUFS) {
		log_info("NOTIFY not sent", LOG_S("device", sub->rec->device),
			 LOG_E(err));
		answered(503, NULL, sub);
		return;
	}
	sub->busy = false;
	later(sub, RETRY_MS);
}

static void number(struct sub *sub)
{
	int err;

	if (!is_news(sub)) {
		sub->busy = false;
		if (sub->dirty)
			later(sub, GAP_MS);
		return;
	}
	sub->last = sub->over;
	err = store_sub_next(redis(sub), sub->rec->id,
			     sub->w->router->wires.instance, sub->last,
			     numbered, sub);
	if (err) {
		sub->busy = sub->last = false;
		later(sub, RETRY_MS);
	}
}

static bool is_dead(struct sub *sub)
{
	if (sub->w)
		return false;
	sub->endh(sub, sub->arg); /* dropped while Redis was asked */

	return true;
}

static void regs(int err, const Sy__Registration *reg, void *arg)
{
	const uint64_t now_ms = timestamp_now_ms();
	struct sub *sub = arg;

	if (is_dead(sub))
		return;
	if (!err)
		sub->registered = false;
	for (size_t i = 0; !err && reg && i < reg->n_bindings; i++)
		sub->registered |=
		    timestamp_ms(reg->bindings[i]->expires_at) > now_ms &&
		    store_reg_is_reachable(reg->bindings[i]);
	number(sub);
}

static void mwi(int err, uint32_t fresh, uint32_t old, void *arg)
{
	struct sub *sub = arg;

	if (is_dead(sub))
		return;
	if (!err) {
		sub->fresh = fresh;
		sub->old = old;
	}
	number(sub);
}

static void begin(void *arg)
{
	struct sub *sub = arg;
	int err = 0;

	if (sub->busy)
		return;
	if (sub->event != SUBS_MESSAGES && !calls_is_ready(sub->calls)) {
		calls_follow(sub->calls);
		calls_again(sub->calls); /* unless it is being read */
		later(sub, WAIT_MS);
		return;
	}
	sub->dirty = false;
	sub->busy = true;
	if (sub->event == SUBS_PRESENCE)
		err = store_reg_get(redis(sub), sub->rec->resource, regs, sub);
	else if (sub->event == SUBS_MESSAGES)
		err = store_mwi_get(redis(sub), sub->rec->resource, mwi, sub);
	else
		number(sub);
	if (err) {
		sub->busy = false;
		later(sub, RETRY_MS);
	}
}

static void later(struct sub *sub, uint32_t ms)
{
	sub->dirty = true;
	if (!sub->busy && !tmr_isrunning(&sub->tmr))
		tmr_start(&sub->tmr, ms, begin, sub);
}

void sub_touch(struct sub *sub)
{
	const uint64_t since = tmr_jiffies() - sub->sent_ms;

	later(sub, sub->told && since < GAP_MS ? (uint32_t)(GAP_MS - since) :
						 0);
}

/* ------------------------------------------------------------ set up and end */

static void expired(void *arg)
{
	struct sub *sub = arg;

	sub->over = true;
	tmr_cancel(&sub->tmr);
	later(sub, 0);
}

static void limit(struct sub *sub)
{
	const uint32_t s = left_s(sub);

	sub->told = false;
	tmr_cancel(&sub->expiry);
	if (s)
		tmr_start(&sub->expiry, (uint64_t)s * 1000, expired, sub);
	else
		sub->over = true; /* a fetch, or unsubscribed */
}

void sub_refresh(struct sub *sub, Sy__Subscription *rec)
{
	sy__subscription__free_unpacked(sub->rec, NULL);
	sub->rec = rec;
	limit(sub);
	sub_touch(sub);
}

int sub_alloc(struct sub **sp, struct worker *w, struct calls *calls,
	      Sy__Subscription *rec, sub_end_h *h, void *arg)
{
	struct sub *sub = mem_zalloc(sizeof(*sub), destructor);

	if (!sub) {
		sy__subscription__free_unpacked(rec, NULL);
		return ENOMEM;
	}
	sub->rec = rec;
	sub->w = w;
	sub->calls = calls;
	sub->endh = h;
	sub->arg = arg;
	tmr_init(&sub->tmr);
	tmr_init(&sub->expiry);
	while (sub->event < SUBS_EVENTS &&
	       strcmp(subs_event_names[sub->event], rec->event))
		sub->event++;
	if (sub->event == SUBS_EVENTS) {
		mem_deref(sub);
		return EINVAL;
	}
	limit(sub);
	*sp = sub;

	return 0;
}
