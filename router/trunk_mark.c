/* SPDX-License-Identifier: MIT */
/* Which trunk an INVITE comes from; see trunk_mark.h. */

#include <string.h>
#include <strings.h>
#include "router/core.h"
#include "router/trunk_mark.h"

enum { MAC_BYTES = 9 }; /* 12 characters */

struct mark {
	char str[TRUNK_MARK_LEN + 1];
	char *trunk;        /* id; owned */
};

struct trunk_marks {
	size_t n;           /* trunks that we register at            */
	bool certificates;  /* some are known by theirs              */
	struct mark v[];
};

void trunk_mark(char str[TRUNK_MARK_LEN + 1], const struct token_key *key,
		const char *trunk)
{
	uint8_t mac[32];
	size_t n = 0;

	token_mac(mac, key, 'M', trunk, strlen(trunk));
	str[n++] = 's';
	str[n++] = 'y';
	n += base64url_print(str + n, mac, MAC_BYTES);
	str[n] = '\0';
}

static void destructor(void *arg)
{
	struct trunk_marks *m = arg;

	while (m->n)
		mem_deref(m->v[--m->n].trunk);
}

int trunk_marks_alloc(struct trunk_marks **mp, const struct token_key *key,
		      const Sy__Config *conf)
{
	struct trunk_marks *m;
	int err;

	m = mem_zalloc(sizeof(*m) + conf->n_trunks * sizeof(m->v[0]),
		       destructor);
	if (!m)
		return ENOMEM;
	for (size_t i = 0; i < conf->n_trunks; i++) {
		const Sy__Trunk *t = conf->trunks[i];

		if (!t->enabled)
			continue;
		m->certificates |= t->n_certificates > 0;
		if (!t->registration)
			continue;
		err = str_dup(&m->v[m->n].trunk, t->id);
		if (err) {
			mem_deref(m);
			return err;
		}
		trunk_mark(m->v[m->n++].str, key, t->id);
	}
	*mp = m;

	return 0;
}

/* The mark in a URI: its user, or parameter "sy". */
static bool uri_mark(struct pl *mark, bool *user, const struct pl *uri)
{
	struct view_uri u;

	if (view_uri_read(&u, uri))
		return false;
	*user = u.user.l == TRUNK_MARK_LEN;
	if (*user)
		*mark = u.user;

	return *user || (view_param(&u.params, "sy", mark) &&
			 mark->l == TRUNK_MARK_LEN);
}

static const struct mark *find(const struct msg *m, bool *user)
{
	const struct trunk_marks *tm = m->w->marks;
	struct pl mark;

	if (!tm || !tm->n || !uri_mark(&mark, user, &m->v->uri))
		return NULL;
	for (size_t i = 0; i < tm->n; i++) {
		if (!token_memcmp(tm->v[i].str, mark.p, TRUNK_MARK_LEN))
			return &tm->v[i];
	}

	return NULL;
}

struct named {
	const Sy__Config *conf;
	const Sy__Trunk *trunk;
};

static bool on_name(const char *name, void *arg)
{
	struct named *n = arg;

	for (size_t i = 0; i < n->conf->n_trunks; i++) {
		const Sy__Trunk *t = n->conf->trunks[i];

		for (size_t k = 0; t->enabled && k < t->n_certificates; k++) {
			if (strcasecmp(name, t->certificates[k]))
				continue;
			n->trunk = t;
			return true;
		}
	}

	return false;
}

static const Sy__Trunk *by_certificate(const struct msg *m)
{
	struct named n = {.conf = config_get(m->w->config)};

	if (n.conf)
		(void)wire_peer_names(m->w->wire, &m->from, on_name, &n);

	return n.trunk;
}

const Sy__Trunk *trunk_of(const struct msg *m)
{
	const struct trunk_marks *tm = m->w->marks;
	const Sy__Trunk *t = NULL;
	const struct mark *mark;
	bool user;

	if (tm && tm->certificates && m->from.tcp)
		t = by_certificate(m);
	if (t)
		return t;
	mark = find(m, &user);
	if (mark)
		return config_trunk(m->w->config, mark->trunk);

	return config_trunk_by_source(m->w->config, &m->from.peer);
}

const struct pl *trunk_called(const struct msg *m)
{
	bool user;

	return find(m, &user) && user ? &m->v->to.uri : &m->v->uri;
}
