/* SPDX-License-Identifier: MIT */
/*
 * What must hold, seen from outside.
 *
 *   - A hub's writes and claims have rising epochs, and an epoch belongs to one
 *     process: nobody acts for a hub that another has.
 *   - What has ended is written and claimed no more.
 *   - A process that lives is not robbed because Redis was away.
 *   - A hub whose owner died has another within the bound.
 *   - At rest each hub has one owner, that knows it, and its record is there.
 *   - When all have ended nothing is left in Redis, and each has left its
 *     record, once.
 *
 * After Redis lost data the first three begin anew for each hub: what was
 * forgotten cannot be fenced.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/owner/sim.h"

enum { PREFIX = 8 /* "sy:hub:{" */ };

void truth_fail(struct sim *s, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	if (*s->failure)
		return;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(s->failure, sizeof(s->failure), "at %.3f s: %s",
		 (double)s->now_us / 1e6, text);
}

/* ------------------------------------------------------------------ table */

static bool is_truth(struct le *le, void *arg)
{
	return !strcmp(((struct truth *)le->data)->id, arg);
}

struct truth *truth_find(struct sim *s, const char *hub)
{
	struct le *le =
	    hash_lookup(s->truths, hash_joaat_str(hub), is_truth, (void *)hub);

	return le ? le->data : NULL;
}

static void truth_destructor(void *arg)
{
	hash_unlink(&((struct truth *)arg)->le);
}

struct truth *truth_add(struct sim *s, const char *hub)
{
	struct truth *t = mem_zalloc(sizeof(*t), truth_destructor);

	if (s->truthc == s->truthmax) {
		s->truthmax = s->truthmax ? 2 * s->truthmax : 64;
		s->truthv =
		    realloc(s->truthv, s->truthmax * sizeof(*s->truthv));
	}
	if (!t || !s->truthv)
		abort();

	str_ncpy(t->id, hub, sizeof(t->id));
	t->s = s;
	hash_append(s->truths, hash_joaat_str(hub), &t->le, t);
	s->truthv[s->truthc++] = t;

	return t;
}

/* ------------------------------------------------------------ at the server */

static void forgiven(struct truth *t, uint32_t epoch, uint32_t instance)
{
	t->unsafe = false;
	if (t->ended) {
		t->ended = false;
		t->hung = true;
	}
	t->epoch = epoch;
	t->owner = instance;
}

/* A write or a claim was let through. */
static void accepted(struct truth *t, uint32_t epoch, uint32_t instance)
{
	t->exists = true;
	t->over = false;
	t->orphan_us = 0;
	if (t->unsafe) {
		forgiven(t, epoch, instance);
		return;
	}
	if (t->ended)
		truth_fail(t->s, "%s has ended, and %u acts for it at %u",
			   t->id, instance, epoch);
	else if (epoch < t->epoch)
		truth_fail(t->s, "%s is at epoch %u, and %u acts at %u", t->id,
			   t->epoch, instance, epoch);
	else if (epoch == t->epoch && instance != t->owner)
		truth_fail(t->s, "%s at epoch %u: both %u and %u act", t->id,
			   epoch, t->owner, instance);
	t->epoch = epoch;
	t->owner = instance;
}

static uint32_t number(const char *s)
{
	return (uint32_t)strtoul(s, NULL, 10);
}

static void claim_granted(struct truth *t, const struct cmd *cmd,
			  const struct val *all)
{
	const uint32_t from = number(cmd->argv[3]);
	const uint32_t by = number(cmd->argv[5]);
	uint32_t epoch = 0;

	for (size_t i = 0; i + 1 < all->c; i += 2) {
		if (!strcmp(all->v[i]->s, "epoch"))
			epoch = number(all->v[i + 1]->s);
	}
	if (from != by && sim_by_instance(t->s, from)) {
		t->s->needless++;
		if (t->s->plan.only_redis)
			truth_fail(t->s, "%u lives, and lost %s to %u", from,
				   t->id, by);
	}
	t->claimed_us = t->s->now_us;
	accepted(t, epoch, by);
}

static void dropped(struct truth *t, uint32_t epoch)
{
	if (epoch < t->epoch && !t->unsafe)
		truth_fail(t->s, "%s is at epoch %u, and ended at %u", t->id,
			   t->epoch, epoch);
	t->ended = true;
	t->orphan_us = 0;
}

static void recorded(struct sim *s, const char *hub)
{
	struct truth *t = truth_find(s, hub);

	if (t->records++ && !t->lost)
		truth_fail(s, "%s has left two records", t->id);
}

void truth_executed(struct sim *s, const struct cmd *cmd, const struct val *v)
{
	char hub[ULID_LEN + 1];
	struct truth *t;

	if (cmd->script == SCRIPT_CDR_PUT && v->n == 1)
		recorded(s, cmd->argv[2]);
	if (cmd->script != SCRIPT_HUB_PUT && cmd->script != SCRIPT_HUB_CLAIM &&
	    cmd->script != SCRIPT_HUB_DROP)
		return;

	str_ncpy(hub, cmd->argv[0] + PREFIX, sizeof(hub));
	t = truth_find(s, hub);
	if (cmd->script == SCRIPT_HUB_PUT && (v->n == 1 || v->type == VAL_STR))
		accepted(t, number(cmd->argv[2]), number(cmd->argv[4]));
	else if (cmd->script == SCRIPT_HUB_CLAIM && v->v[0]->n == 1)
		claim_granted(t, cmd, v->v[1]);
	else if (cmd->script == SCRIPT_HUB_DROP &&
		 (v->n == 1 || v->type == VAL_STR))
		dropped(t, number(cmd->argv[3]));
}

/* ------------------------------------------------------------- who has it */

/* By the truth's owner; NULL: nobody who runs. */
static struct snode *holder(const struct truth *t)
{
	struct snode *n = sim_by_instance(t->s, t->owner);

	return n && node_find(n, t->id) ? n : NULL;
}

/* What nobody who lives has written cannot come back. */
void truth_lost_data(struct sim *s)
{
	for (size_t i = 0; i < s->truthc; i++) {
		struct truth *t = s->truthv[i];

		t->unsafe = true;
		t->lost = true;
		if (!holder(t))
			t->may_be_lost = true;
	}
}

void truth_node_died(struct sim *s)
{
	for (size_t i = 0; i < s->truthc; i++) {
		struct truth *t = s->truthv[i];

		t->orphan_us = 0;
		if (t->unsafe && !holder(t))
			t->may_be_lost = true;
	}
}

/* Somebody could take a hub over now. */
static bool is_calm(const struct sim *s)
{
	if (!s->server.up || s->server.stalled)
		return false;
	for (unsigned i = 0; i < s->nodec; i++) {
		const struct snode *n = &s->nodev[i];

		if (node_runs(n) && n->cut_us <= s->now_us && !n->draining &&
		    n->self.instance && member_settled(n))
			return true;
	}

	return false;
}

static void watch(struct sim *s, struct truth *t, bool calm)
{
	if (holder(t) || !calm) {
		t->orphan_us = 0;
		return;
	}
	if (!t->orphan_us)
		t->orphan_us = s->now_us;
	if (s->now_us - t->orphan_us > s->worst_orphan_us)
		s->worst_orphan_us = s->now_us - t->orphan_us;
	if (s->plan.orphan_max_us &&
	    s->now_us - t->orphan_us > s->plan.orphan_max_us)
		truth_fail(s, "%s has had no owner for %.1f s", t->id,
			   (double)(s->now_us - t->orphan_us) / 1e6);
}

/* Whoever has a hub whose peers are gone ends it. */
static void hang_up(struct sim *s, struct truth *t)
{
	bool had = false;

	for (unsigned i = 0; i < s->nodec; i++) {
		struct snode *n = &s->nodev[i];
		struct nhub *h = node_lives(n) ? node_find(n, t->id) : NULL;

		if (!h)
			continue;
		had = true;
		if (node_runs(n) && !h->moving)
			node_end(n, h);
	}
	t->over = t->ended && !had;
}

void truth_watch(struct sim *s)
{
	const bool calm = is_calm(s);

	for (size_t i = 0; i < s->truthc; i++) {
		struct truth *t = s->truthv[i];

		if (t->hung && !t->over)
			hang_up(s, t);
		if (t->exists && !t->ended && !t->may_be_lost)
			watch(s, t, calm);
	}
}

/* ---------------------------------------------------------------- at rest */

static unsigned holders(const struct truth *t)
{
	unsigned k = 0;

	for (unsigned i = 0; i < t->s->nodec; i++) {
		struct snode *n = &t->s->nodev[i];

		k += node_lives(n) && node_find(n, t->id);
	}

	return k;
}

static void check_record(struct sim *s, const struct truth *t)
{
	char key[64];
	const char *epoch, *owner;
	struct snode *n;
	struct nhub *h;

	(void)re_snprintf(key, sizeof(key), "sy:hub:{%s}", t->id);
	owner = db_field(s->server.db, key, "owner");
	if (!owner) {
		if (!t->may_be_lost || holders(t))
			truth_fail(s, "%s has no record", t->id);
		return;
	}
	epoch = db_field(s->server.db, key, "epoch");
	n = sim_by_instance(s, number(owner));
	h = n ? node_find(n, t->id) : NULL;
	if (!h || h->epoch != number(epoch)) {
		truth_fail(s, "%s: its owner by its record, %s at %s, %s",
			   t->id, owner, epoch,
			   h ? "is at another" : "does not have it");
		return;
	}
	(void)re_snprintf(key, sizeof(key), "sy:owned:{%s}", owner);
	if (!db_field(s->server.db, key, t->id))
		truth_fail(s, "%s: its owner's set does not name it", t->id);
}

void truth_at_rest(struct sim *s)
{
	for (size_t i = 0; i < s->truthc; i++) {
		struct truth *t = s->truthv[i];

		if (holders(t) > 1)
			truth_fail(s, "%s is had by %u", t->id, holders(t));
		if (t->hung && holders(t))
			truth_fail(s, "%s does not end", t->id);
		if (t->exists && !t->hung && !t->ended)
			check_record(s, t);
	}
}

static void check_node(struct sim *s, const struct snode *n)
{
	struct owner_stat st;

	if (!node_lives(n))
		return;

	owner_stat(n->o, &st);
	if (n->hubc || n->byes.head || st.ours || st.claiming || st.estates)
		truth_fail(s,
			   "%s has %zu of %zu hubs, %u ends, %zu claims, "
			   "%zu estates",
			   n->id, n->hubc, st.ours, list_count(&n->byes),
			   st.claiming, st.estates);
}

void truth_at_end(struct sim *s)
{
	char hub[64], set[64];
	const size_t hubs = db_count(s->server.db, "sy:hub:", hub, sizeof(hub));
	const size_t sets =
	    db_count(s->server.db, "sy:owned:", set, sizeof(set));
	const size_t ends =
	    db_count(s->server.db, "sy:end:", hub, *hub ? 0 : sizeof(hub));
	size_t owners = db_size(s->server.db, "sy:owners");

	for (size_t i = 0; i < s->truthc; i++) {
		const struct truth *t = s->truthv[i];

		if (t->ended && !t->lost && !t->records)
			truth_fail(s, "%s has left no record", t->id);
	}
	for (unsigned i = 0; i < s->nodec; i++) {
		struct snode *n = &s->nodev[i];
		char text[16];

		check_node(s, n);
		(void)re_snprintf(text, sizeof(text), "%u", n->self.instance);
		if (node_lives(n) && db_field(s->server.db, "sy:owners", text))
			owners--;
	}
	if (hubs || ends || sets || owners)
		truth_fail(s,
			   "left in Redis: %zu hubs and %zu ends (%s), "
			   "%zu sets (%s), %zu owners",
			   hubs, ends, hub, sets, set, owners);
}
