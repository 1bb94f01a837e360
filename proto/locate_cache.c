/* SPDX-License-Identifier: MIT */
/* What DNS answered, by name and type; see locate_impl.h. */

#include <ctype.h>
#include <string.h>
#include "proto/locate_impl.h"

enum { CNAMES_MAX = 8 };

struct locate_cache {
	struct hash *hash;
	struct list lru; /* least lately used first */
	size_t n, max;
};

static void entry_destructor(void *arg)
{
	struct locate_entry *e = arg;

	hash_unlink(&e->he);
	list_unlink(&e->le);
	mem_deref(e->name);
	mem_deref(e->cname);
	mem_deref(e->u.v);
}

static void cache_destructor(void *arg)
{
	struct locate_cache *c = arg;

	list_flush(&c->lru);
	mem_deref(c->hash);
}

int locate_cache_alloc(struct locate_cache **cp, size_t max)
{
	struct locate_cache *c = mem_zalloc(sizeof(*c), cache_destructor);
	int err;

	if (!c)
		return ENOMEM;
	c->max = max;
	err = hash_alloc(&c->hash, 256);
	if (err)
		mem_deref(c);
	else
		*cp = c;

	return err;
}

size_t locate_cache_count(const struct locate_cache *c)
{
	return c->n;
}

struct key {
	const char *name;
	uint16_t type;
};

static bool is_same(struct le *le, void *arg)
{
	const struct locate_entry *e = le->data;
	const struct key *k = arg;

	return e->type == k->type && !str_casecmp(e->name, k->name);
}

static struct locate_entry *find(struct locate_cache *c, const char *name,
				 uint16_t type)
{
	struct key k = {name, type};

	return list_ledata(
	    hash_lookup(c->hash, hash_joaat_str_ci(name), is_same, &k));
}

struct locate_entry *locate_cache_get(struct locate_cache *c, const char *name,
				      uint16_t type, uint64_t now_ms)
{
	struct locate_entry *e = find(c, name, type);

	if (!e || e->until_ms <= now_ms)
		return NULL;
	list_unlink(&e->le);
	list_append(&c->lru, &e->le, e);

	return e;
}

/* ------------------------------------------------------------ from records */

struct reading {
	struct locate_entry *e;
	const char *name;   /* whose records count: cname after cname */
	int64_t ttl_s;
};

static bool is_of(const struct dnsrr *rr, const char *name, uint16_t type)
{
	return rr->type == type && rr->dnsclass == DNS_CLASS_IN &&
	       !str_casecmp(rr->name, name);
}

static size_t width(uint16_t type)
{
	return type == DNS_TYPE_SRV	? sizeof(struct locate_srv)
	       : type == DNS_TYPE_NAPTR ? sizeof(struct locate_naptr)
					: sizeof(struct sa);
}

static void name_copy(char dst[LOCATE_NAME_SIZE], const char *src)
{
	size_t len = str_len(src);

	if (len && src[len - 1] == '.')
		--len;
	if (len >= LOCATE_NAME_SIZE)
		len = 0;
	memcpy(dst, len ? src : "", len);
	dst[len] = '\0';
}

static bool take_srv(struct locate_srv *s, const struct dnsrr *rr)
{
	s->pri = rr->rdata.srv.pri;
	s->weight = rr->rdata.srv.weight;
	s->port = rr->rdata.srv.port;
	name_copy(s->target, rr->rdata.srv.target);

	return true;
}

/* Only those that lead to SRV records (flag s) of a service that we know. */
static bool take_naptr(struct locate_naptr *n, const struct dnsrr *rr)
{
	if (str_casecmp(rr->rdata.naptr.flags, "s"))
		return false;
	n->transport = locate_service(rr->rdata.naptr.services);
	n->order = rr->rdata.naptr.order;
	n->pref = rr->rdata.naptr.pref;
	name_copy(n->replace, rr->rdata.naptr.replace);

	return n->transport != LOCATE_NONE && n->replace[0];
}

static bool take(struct locate_entry *e, const struct dnsrr *rr)
{
	switch (e->type) {
	case DNS_TYPE_SRV:
		return take_srv(&e->u.srvv[e->n], rr);
	case DNS_TYPE_NAPTR:
		return take_naptr(&e->u.naptrv[e->n], rr);
	case DNS_TYPE_A:
		sa_set_in(&e->u.sav[e->n], rr->rdata.a.addr, 0);
		return true;
	case DNS_TYPE_AAAA:
		sa_set_in6(&e->u.sav[e->n], rr->rdata.aaaa.addr, 0);
		return true;
	default:
		return false;
	}
}

static void shorten(struct reading *r, const struct dnsrr *rr)
{
	if (rr->ttl < r->ttl_s)
		r->ttl_s = rr->ttl;
}

/* Follow the other names as far as the answer tells them. */
static void follow(struct reading *r, const struct list *ansl)
{
	for (int i = 0; i < CNAMES_MAX; i++) {
		const struct dnsrr *found = NULL;

		for (struct le *le = list_head(ansl); le; le = le->next) {
			const struct dnsrr *rr = le->data;

			if (is_of(rr, r->name, DNS_TYPE_CNAME))
				found = rr;
		}
		if (!found)
			return;
		shorten(r, found);
		r->name = found->rdata.cname.cname;
	}
}

static int read_records(struct reading *r, const struct list *ansl)
{
	struct locate_entry *e = r->e;
	const char *asked = r->name;

	e->u.v = mem_zalloc(LOCATE_RECORDS_MAX * width(e->type), NULL);
	if (!e->u.v)
		return ENOMEM;
	follow(r, ansl);
	for (struct le *le = list_head(ansl);
	     le && e->n < LOCATE_RECORDS_MAX; le = le->next) {
		const struct dnsrr *rr = le->data;

		if (!is_of(rr, r->name, e->type) || !take(e, rr))
			continue;
		++e->n;
		shorten(r, rr);
	}
	if (!e->n && r->name != asked)
		return str_dup(&e->cname, r->name);

	return 0;
}

static uint64_t clamp(int64_t ttl_s, uint64_t max_ms)
{
	const uint64_t ms = ttl_s > 0 ? (uint64_t)ttl_s * 1000 : 0;

	return ms < LOCATE_TTL_MIN_MS ? LOCATE_TTL_MIN_MS
	       : ms > max_ms	      ? max_ms
				      : ms;
}

/* How long there is nothing, RFC 2308 5. */
static uint64_t nothing_ms(const struct list *authl)
{
	for (struct le *le = list_head(authl); le; le = le->next) {
		const struct dnsrr *rr = le->data;
		int64_t ttl;

		if (rr->type != DNS_TYPE_SOA)
			continue;
		ttl = rr->rdata.soa.ttlmin;
		return clamp(rr->ttl < ttl ? rr->ttl : ttl,
			     LOCATE_NONE_MAX_MS);
	}

	return LOCATE_NONE_MS;
}

static int entry_alloc(struct locate_entry **ep, const char *name,
		       uint16_t type)
{
	struct locate_entry *e = mem_zalloc(sizeof(*e), entry_destructor);
	int err;

	if (!e)
		return ENOMEM;
	e->type = type;
	err = str_dup(&e->name, name);
	if (err)
		mem_deref(e);
	else
		*ep = e;

	return err;
}

static void insert(struct locate_cache *c, struct locate_entry *e)
{
	if (c->n >= c->max)
		mem_deref(list_ledata(list_head(&c->lru)));
	else
		++c->n;
	hash_append(c->hash, hash_joaat_str_ci(e->name), &e->he, e);
	list_append(&c->lru, &e->le, e);
}

int locate_cache_put(struct locate_cache *c, const char *name, uint16_t type,
		     enum locate_answer answer, const struct list *ansl,
		     const struct list *authl, uint64_t now_ms)
{
	struct locate_entry *e, *old = find(c, name, type);
	struct reading r = {.name = name, .ttl_s = INT32_MAX};
	int err;

	if (answer == LOCATE_MUTE && old && old->answer == LOCATE_SOME) {
		old->until_ms = now_ms + LOCATE_MUTE_MS;
		return 0;
	}
	err = entry_alloc(&e, name, type);
	if (err)
		return err;
	r.e = e;
	e->answer = answer;
	if (answer == LOCATE_SOME)
		err = read_records(&r, ansl);
	if (err) {
		mem_deref(e);
		return err;
	}
	if (answer == LOCATE_SOME && !e->n && !e->cname)
		e->answer = LOCATE_NOTHING;
	e->until_ms = now_ms + (e->answer == LOCATE_MUTE ? LOCATE_MUTE_MS
				: e->answer == LOCATE_NOTHING
				    ? nothing_ms(authl)
				    : clamp(r.ttl_s, LOCATE_TTL_MAX_MS));
	if (old) {
		mem_deref(old);
		--c->n;
	}
	insert(c, e);

	return 0;
}
