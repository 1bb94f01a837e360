/* SPDX-License-Identifier: MIT */
/*
 * Asking DNS; see locate.h.  Queries wait for questions: each question that
 * is on its way is asked once, whoever waits for it, and when its answer is
 * in the cache all that wait are planned again.
 */

#include <string.h>
#include "proto/locate_impl.h"

enum {
	ANSWER_MS = 2000, /* for one question, of each server             */
	PLANS_MAX = 24,   /* of one query; then its names lead nowhere    */
};

struct locate {
	struct dnsc *dnsc;
	struct locate_conf conf;
	struct locate_cache *cache;
	struct locate_fails fails;
	struct locate_plan plan;   /* room for the one that is made        */
	struct list queries;
	struct list asks;
	struct tmr tmr;            /* plan again                           */
	uint32_t servers;
};

struct locate_query {
	struct le le;
	struct locate *l;          /* borrowed                             */
	struct locate_uri uri;     /* host is the text below               */
	char host[LOCATE_NAME_SIZE];
	bool again;                /* to be planned                        */
	unsigned plans;
	locate_h *h;
	void *arg;
};

/* a question on its way */
struct ask {
	struct le le;
	struct locate *l;          /* borrowed */
	struct locate_question q;
	struct dns_query *query;
	struct tmr tmr;
};

static uint32_t chance(void *arg)
{
	(void)arg;

	return rand_u32();
}

static const struct locate_rand by_chance = {chance, NULL};

static void locate_destructor(void *arg)
{
	struct locate *l = arg;
	struct le *le;

	tmr_cancel(&l->tmr);
	while ((le = list_head(&l->queries))) {
		struct locate_query *q = le->data;

		list_unlink(&q->le); /* its owner may keep it */
		q->l = NULL;
	}
	list_flush(&l->asks);
	mem_deref(l->dnsc);
	mem_deref(l->cache);
}

static void query_destructor(void *arg)
{
	struct locate_query *q = arg;

	list_unlink(&q->le);
}

static void ask_destructor(void *arg)
{
	struct ask *a = arg;

	list_unlink(&a->le);
	tmr_cancel(&a->tmr);
	mem_deref(a->query);
}

int locate_alloc(struct locate **lp, const struct locate_conf *conf)
{
	struct sa sav[LOCATE_SERVERS_MAX];
	uint32_t n = LOCATE_SERVERS_MAX;
	struct locate *l = mem_zalloc(sizeof(*l), locate_destructor);
	int err;

	if (!l)
		return ENOMEM;
	l->conf = *conf;
	tmr_init(&l->tmr);
	if (conf->serverc) {
		n = (uint32_t)conf->serverc;
		memcpy(sav, conf->serverv, n * sizeof(sav[0]));
	} else if (dns_srv_get(NULL, 0, sav, &n) || !n) {
		/* none: each question is answered by nobody */
		(void)sa_set_str(&sav[0], "127.0.0.1", DNS_PORT);
		n = 1;
	}
	l->servers = n;
	err = locate_cache_alloc(&l->cache, LOCATE_NAMES_MAX);
	if (!err)
		err = dnsc_alloc(&l->dnsc, NULL, sav, n);
	if (err)
		mem_deref(l);
	else
		*lp = l;

	return err;
}

static int plan(struct locate *l, const struct locate_uri *uri)
{
	const uint64_t now_ms = tmr_jiffies();
	int err;

	err = locate_plan(&l->plan, l->cache, l->conf.canv, uri, now_ms,
			  &by_chance);
	if (!err)
		locate_fail_order(&l->fails, &l->plan.found, now_ms);

	return err;
}

int locate_known(struct locate *l, const struct locate_uri *uri,
		 struct locate_found *f)
{
	int err = plan(l, uri);

	if (!err)
		*f = l->plan.found;

	return err;
}

/* ---------------------------------------------------------------- asking */

static void wake(struct locate *l);

static void answered(struct ask *a, enum locate_answer answer,
		     const struct list *ansl, const struct list *authl)
{
	struct locate *l = a->l;

	(void)locate_cache_put(l->cache, a->q.name, a->q.type, answer, ansl,
			       authl, tmr_jiffies());
	mem_deref(a);
	for (struct le *le = list_head(&l->queries); le; le = le->next) {
		struct locate_query *q = le->data;

		q->again = true;
	}
	wake(l);
}

static void dns_handler(int err, const struct dnshdr *hdr, struct list *ansl,
			struct list *authl, struct list *addl, void *arg)
{
	enum locate_answer answer = LOCATE_MUTE;
	(void)addl;

	if (!err && hdr && hdr->rcode == DNS_RCODE_OK)
		answer = LOCATE_SOME;
	else if (!err && hdr && hdr->rcode == DNS_RCODE_NAME_ERR)
		answer = LOCATE_NOTHING;
	answered(arg, answer, ansl, authl);
}

static void ask_timeout(void *arg)
{
	answered(arg, LOCATE_MUTE, NULL, NULL);
}

static bool is_asked(const struct locate *l, const struct locate_question *q)
{
	for (struct le *le = list_head(&l->asks); le; le = le->next) {
		const struct ask *a = le->data;

		if (a->q.type == q->type && !str_casecmp(a->q.name, q->name))
			return true;
	}

	return false;
}

static int ask(struct locate *l, const struct locate_question *q)
{
	struct ask *a;
	int err;

	if (is_asked(l, q))
		return 0;
	a = mem_zalloc(sizeof(*a), ask_destructor);
	if (!a)
		return ENOMEM;
	a->l = l;
	a->q = *q;
	tmr_init(&a->tmr);
	list_append(&l->asks, &a->le, a);
	tmr_start(&a->tmr, (uint64_t)ANSWER_MS * l->servers, ask_timeout, a);
	err = dnsc_query(&a->query, l->dnsc, a->q.name, a->q.type,
			 DNS_CLASS_IN, true, dns_handler, a);
	if (err)
		tmr_start(&a->tmr, 0, ask_timeout, a);

	return 0;
}

/* ---------------------------------------------------------------- queries */

static void finish(struct locate_query *q, int err,
		   const struct locate_found *f)
{
	static const struct locate_found none;

	list_unlink(&q->le);
	q->l = NULL;
	q->h(err, err ? &none : f, q->arg);
}

static void advance(struct locate *l, struct locate_query *q)
{
	struct locate_found f;
	int err = plan(l, &q->uri);

	q->again = false;
	if (err == EAGAIN && ++q->plans <= PLANS_MAX) {
		for (size_t i = 0; i < l->plan.askc; i++) {
			if (ask(l, &l->plan.askv[i]))
				break;
		}
		return;
	}
	if (err == EAGAIN)
		err = ENOENT;
	f = l->plan.found; /* the handler may ask again */
	finish(q, err, &f);
}

static struct locate_query *next(const struct locate *l)
{
	for (struct le *le = list_head(&l->queries); le; le = le->next) {
		struct locate_query *q = le->data;

		if (q->again)
			return q;
	}

	return NULL;
}

/* Handlers may give up any query, and this locate: then ours is the last. */
static void run(void *arg)
{
	struct locate *l = mem_ref(arg);
	struct locate_query *q;

	while (mem_nrefs(l) > 1 && (q = next(l)))
		advance(l, q);
	mem_deref(l);
}

static void wake(struct locate *l)
{
	tmr_start(&l->tmr, 0, run, l);
}

int locate_query(struct locate_query **qp, struct locate *l,
		 const struct locate_uri *uri, locate_h *h, void *arg)
{
	struct locate_query *q;
	int err = plan(l, uri);

	if (err == EINVAL || err == EPROTONOSUPPORT)
		return err;
	if (list_count(&l->queries) >= LOCATE_QUERIES_MAX)
		return ENOBUFS;
	q = mem_zalloc(sizeof(*q), query_destructor);
	if (!q)
		return ENOMEM;
	err = pl_strcpy(&uri->host, q->host, sizeof(q->host));
	if (err) {
		mem_deref(q);
		return EINVAL;
	}
	q->l = l;
	q->uri = *uri;
	pl_set_str(&q->uri.host, q->host);
	q->h = h;
	q->arg = arg;
	q->again = true;
	list_append(&l->queries, &q->le, q);
	wake(l);
	*qp = q;

	return 0;
}

void locate_failed(struct locate *l, const struct locate_target *t)
{
	locate_fail_note(&l->fails, t, tmr_jiffies());
}

bool locate_has_failed(const struct locate *l, const struct locate_target *t)
{
	const struct locate_fail *f = locate_fail_find(&l->fails, t);

	return f && f->until_ms > tmr_jiffies();
}

bool locate_failed_since(const struct locate *l,
			 const struct locate_target *t, uint64_t since_ms)
{
	const struct locate_fail *f = locate_fail_find(&l->fails, t);

	return f && f->noted_ms >= since_ms;
}

void locate_worked(struct locate *l, const struct locate_target *t)
{
	locate_fail_clear(&l->fails, t);
}

/* ---------------------------------------------------------------- options */

int locate_servers_read(struct locate_conf *conf, const char *str,
			const char **errp)
{
	static const char want[] =
	    "up to four of ADDR, ADDR:PORT or [ADDR6]:PORT";
	struct sa sa;

	conf->serverc = 0;
	if (errp)
		*errp = want;
	while (*str) {
		const size_t len = strcspn(str, ",");
		const struct pl pl = {str, len};

		if (conf->serverc == LOCATE_SERVERS_MAX || !len)
			return EINVAL;
		if (sa_decode(&sa, str, len) && sa_set(&sa, &pl, DNS_PORT))
			return EINVAL;
		if (!sa_port(&sa))
			sa_set_port(&sa, DNS_PORT);
		conf->serverv[conf->serverc++] = sa;
		str += len + (str[len] == ',');
	}

	return 0;
}

int locate_servers_check(const char *val, const char **errp)
{
	struct locate_conf conf;

	return locate_servers_read(&conf, val, errp);
}
