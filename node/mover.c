/* SPDX-License-Identifier: MIT */
/* What moves of hubs share: see mover.h. */

#include <string.h>
#include "node/merge.h"
#include "node/mover.h"
#include "node/transfer.h"

/* Where a hub went: who asks for it here is not to make a second one. */
struct gone {
	struct le le;
	char hub[ULID_LEN + 1];
	char node[64];
	uint64_t until_ms;
};

static void gone_destructor(void *data)
{
	struct gone *g = data;

	list_unlink(&g->le);
}

static void forget_old(struct mover *m)
{
	const uint64_t now = tmr_jiffies();

	while (m->gone.head) {
		struct gone *g = m->gone.head->data;

		if (g->until_ms > now)
			break;
		mem_deref(g);
	}
}

void mover_remember(struct mover *m, const char *hub, const char *node)
{
	struct gone *g = mem_zalloc(sizeof(*g), gone_destructor);

	forget_old(m);
	if (!g)
		return;

	str_ncpy(g->hub, hub, sizeof(g->hub));
	str_ncpy(g->node, node, sizeof(g->node));
	g->until_ms = tmr_jiffies() + MOVE_REMEMBER_MS;
	list_append(&m->gone, &g->le, g);
}

const char *mover_went(struct mover *m, const char *hub)
{
	const struct le *le;

	forget_old(m);
	for (le = list_head(&m->gone); le; le = le->next) {
		const struct gone *g = le->data;

		if (!strcmp(g->hub, hub))
			return g->node;
	}

	return NULL;
}

static bool is_live(uint32_t instance, void *arg)
{
	const struct mover *m = arg;

	return member_by_instance(m->node->members, instance) != NULL;
}

static void destructor(void *data)
{
	struct mover *m = data;

	mover_close(m);
	list_flush(&m->tellings);
}

void mover_close(struct mover *m)
{
	m->drain = mem_deref(m->drain);
	transfers_close(m->node);
	merges_close(m->node);
	moves_close(m);
	arrivals_close(m);
	departures_close(&m->departures);
	list_flush(&m->gone);
}

int mover_alloc(struct mover **mp, struct node *n)
{
	struct mover *m = mem_zalloc(sizeof(*m), destructor);

	if (!m)
		return ENOMEM;

	m->node = n;
	m->departures.alarms = &n->alarms;
	m->departures.liveh = is_live;
	m->departures.arg = m;
	*mp = m;

	return 0;
}

void mover_drain(struct mover *m, bool drain)
{
	if (!drain)
		m->drain = mem_deref(m->drain);
	else if (!m->drain)
		(void)drain_alloc(&m->drain, m);
}

uint64_t mover_drain_started_ms(const struct mover *m)
{
	return m->drain ? drain_started_ms(m->drain) : 0;
}

bool mover_is_idle(const struct mover *m)
{
	return !m->moves.head && !m->departures.list.head && !m->arrivals.head;
}
