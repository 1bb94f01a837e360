/* SPDX-License-Identifier: MIT */
/* Calls by trunks, counted; see trunk_load.h. */

#include <stdlib.h>
#include <string.h>
#include "node/trunk_load.h"

enum { BUCKETS = 64, LABELS_MAX = 160 };

struct count {
	struct le le; /* in the census, by trunk */
	const char *trunk; /* borrowed of a leg */
	uint32_t in, out;
};

static void count_destructor(void *data)
{
	struct count *c = data;

	hash_unlink(&c->le);
}

static bool is_trunk(struct le *le, void *arg)
{
	const struct count *c = le->data;

	return !strcmp(c->trunk, arg);
}

static struct count *find(const struct hash *census, const char *trunk)
{
	return list_ledata(hash_lookup(census, hash_joaat_str(trunk), is_trunk,
				       (void *)(uintptr_t)trunk));
}

static struct count *get(struct hash *census, const char *trunk)
{
	struct count *c = find(census, trunk);

	if (c)
		return c;
	c = mem_zalloc(sizeof(*c), count_destructor);
	if (c) {
		c->trunk = trunk;
		hash_append(census, hash_joaat_str(trunk), &c->le, c);
	}

	return c;
}

static bool count_hub(struct le *le, void *arg)
{
	const struct hub *hub = le->data;

	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;
		struct count *c;

		if (!leg->info.trunk[0] ||
		    leg_is(leg, SY__LEG_STATE__LEG_ENDED))
			continue;
		c = get(arg, leg->info.trunk);
		if (!c)
			continue;
		if (leg->info.direction == SY__DIRECTION__INBOUND)
			++c->in;
		else
			++c->out;
	}

	return false;
}

/* @param censusp  To be flushed and freed; NULL: no memory. */
static void take_census(struct hash **censusp, const struct node *n)
{
	*censusp = NULL;
	if (!hash_alloc(censusp, BUCKETS))
		(void)hash_apply(n->hubs, count_hub, *censusp);
}

static void end_census(struct hash *census)
{
	if (census)
		hash_flush(census);
	mem_deref(census);
}

/* ------------------------------------------------------------------ heartbeat */

/* As protobuf-c frees it. */
static void clear(Sy__Load *load)
{
	while (load->n_trunks)
		sy__trunk_load__free_unpacked(load->trunks[--load->n_trunks],
					      NULL);
	free(load->trunks);
	load->trunks = NULL;
}

static bool add(struct le *le, void *arg)
{
	const struct count *c = le->data;
	Sy__Load *load = arg;
	Sy__TrunkLoad *t = malloc(sizeof(*t));
	char *trunk = strdup(c->trunk);

	if (!t || !trunk) {
		free(t);
		free(trunk);
		return true;
	}
	sy__trunk_load__init(t);
	t->trunk = trunk;
	t->in = c->in;
	t->out = c->out;
	load->trunks[load->n_trunks++] = t;

	return false;
}

static bool count_one(struct le *le, void *arg)
{
	(void)le;
	++*(size_t *)arg;

	return false;
}

void trunk_load_fill(Sy__Load *load, const struct node *n)
{
	struct hash *census;
	size_t c = 0;

	clear(load);
	take_census(&census, n);
	if (census)
		(void)hash_apply(census, count_one, &c);
	if (c)
		load->trunks = calloc(c, sizeof(*load->trunks));
	if (load->trunks)
		(void)hash_apply(census, add, load);
	end_census(census);
}

/* ------------------------------------------------------------------- gauges */

static void gauge(const char *trunk, const char *direction, uint32_t calls)
{
	char labels[LABELS_MAX];

	if (re_snprintf(labels, sizeof(labels),
			"trunk=\"%s\",direction=\"%s\"", trunk, direction) > 0)
		metric_set(metric_add(METRIC_GAUGE, "sy_trunk_calls",
				      "Calls by trunks now", labels),
			   calls);
}

void trunk_load_gauges(const struct node *n)
{
	const Sy__Config *conf = config_get(n->config);
	struct hash *census;

	take_census(&census, n);
	for (size_t i = 0; census && conf && i < conf->n_trunks; i++) {
		const char *id = conf->trunks[i]->id;
		const struct count *c = find(census, id);

		gauge(id, "in", c ? c->in : 0);
		gauge(id, "out", c ? c->out : 0);
	}
	end_census(census);
}
