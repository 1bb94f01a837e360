/* SPDX-License-Identifier: MIT */
/* This node's end of the ownership protocol: see adopt.h. */

#include <string.h>
#include "node/adopt_impl.h"
#include "node/checkpoint.h"
#include "node/control.h"
#include "node/leg_sip.h"
#include "node/unsure.h"
#include "proto/log.h"
#include "proto/random.h"

enum {
	SELF_MS = 20, /* until our instance is known */
	NAMES_MAX = 64,
};

static void asked_destructor(void *data)
{
	struct asked *q = data;

	list_unlink(&q->le);
}

struct asked *adopt_ask(struct adopt *a, const char *hub, uint32_t instance)
{
	struct asked *q = mem_zalloc(sizeof(*q), asked_destructor);

	if (!q)
		return NULL;

	q->a = a;
	q->instance = instance;
	if (hub)
		str_ncpy(q->hub, hub, sizeof(q->hub));
	list_append(&a->asked, &q->le, q);

	return q;
}

static struct redis *redis(const struct adopt *a)
{
	return bus_redis(a->node->bus);
}

/* ------------------------------------------------------------------- time */

static void run_handler(void *arg)
{
	struct adopt *a = arg;
	const uint32_t me = member_instance(a->node->members);
	uint32_t wait_ms;

	if (me && !a->self) {
		a->self = true;
		owner_self(a->owner, me);
	}

	wait_ms = owner_run(a->owner, tmr_jiffies());
	tmr_start(&a->tmr, a->self ? wait_ms : SELF_MS, run_handler, a);
}

void adopt_kick(struct adopt *a)
{
	tmr_start(&a->tmr, 0, run_handler, a);
}

/* ------------------------------------------------------------- letting go */

static bool sip_address(const struct node *n, const char *node, struct sa *sa)
{
	const Sy__Member *m = node ? member_find(n->members, node) : NULL;

	return m && m->instance != member_instance(n->members) &&
	       !sa_decode(sa, m->address, strlen(m->address));
}

void adopt_let_go(struct adopt *a, struct hub *hub, const char *node)
{
	struct node *n = a->node;
	struct sa to;
	struct le *le;

	log_warn("call is another node's", LOG_S("call", hub->id),
		 LOG_S("node", node ? node : ""), LOG_U("epoch", hub->epoch));
	metric_inc(n->met.stale);
	if (sip_address(n, node, &to)) {
		for (le = list_head(&hub->legs); le; le = le->next)
			leg_sip_depart(le->data, &to);
	}
	hub_abandon(hub);
	node_hub_close(n, hub);
}

static void who_handler(int err, Sy__Call *call, void *arg)
{
	struct asked *q = arg;
	const struct node *n = q->a->node;
	struct hub *hub = node_hub(n, q->hub);
	const Sy__Member *m =
	    err ? NULL : member_by_instance(n->members, call->instance);

	/* Its name in the record may be the last owner's.  Who claimed it
	 * again meanwhile has another one. */
	if (hub && hub->epoch == q->epoch)
		adopt_let_go(q->a, hub, m ? m->id : NULL);
	if (call)
		sy__call__free_unpacked(call, NULL);
	mem_deref(q);
}

/* Until we know whose it is, what comes for it is held. */
static void let_go(const char *id, void *arg)
{
	struct adopt *a = arg;
	struct hub *hub = node_hub(a->node, id);
	struct asked *q;
	struct le *le;

	if (!hub)
		return;

	q = a->taker ? NULL : adopt_ask(a, id, 0);
	if (!q || store_hub_get(redis(a), id, who_handler, q)) {
		mem_deref(q);
		adopt_let_go(a, hub, a->taker);
		return;
	}

	q->epoch = hub->epoch;
	for (le = list_head(&hub->legs); le; le = le->next)
		(void)leg_sip_freeze(le->data);
}

/* ---------------------------------------------------------- what is asked */

static bool is_live(uint32_t instance, void *arg)
{
	const struct adopt *a = arg;

	return member_by_instance(a->node->members, instance) != NULL;
}

static bool is_settled(void *arg)
{
	const struct adopt *a = arg;

	return member_is_settled(a->node->members);
}

static size_t peers(struct owner_peer *peerv, size_t max, void *arg)
{
	const struct adopt *a = arg;

	return member_peers(a->node->members, peerv, max);
}

static void owned_handler(int err, const char *const *hubv, size_t hubc,
			  void *arg)
{
	struct asked *q = arg;
	struct adopt *a = q->a;

	owner_owned(a->owner, q->instance, err, hubv, hubc);
	mem_deref(q);
	adopt_kick(a);
}

static int list_owned(uint32_t instance, void *arg)
{
	struct adopt *a = arg;
	struct asked *q = adopt_ask(a, NULL, instance);
	int err =
	    q ? store_owned_list(redis(a), instance, owned_handler, q) : ENOMEM;

	if (err)
		mem_deref(q);

	return err;
}

/* --------------------------------------------------- names of the dead */

static struct named *name_find(const struct adopt *a, uint32_t instance)
{
	const struct le *le;

	for (le = list_head(&a->names); le; le = le->next) {
		struct named *nm = le->data;

		if (nm->instance == instance)
			return nm;
	}

	return NULL;
}

/* Until nothing is left of it. */
static void name_note(struct adopt *a, uint32_t instance, const char *node)
{
	struct named *nm;

	if (name_find(a, instance) || list_count(&a->names) >= NAMES_MAX)
		return;

	nm = mem_zalloc(sizeof(*nm), NULL);
	if (!nm)
		return;

	nm->instance = instance;
	str_ncpy(nm->node, node, sizeof(nm->node));
	list_append(&a->names, &nm->le, nm);
}

static void name_drop(struct adopt *a, uint32_t instance)
{
	struct named *nm = name_find(a, instance);

	if (!nm)
		return;

	list_unlink(&nm->le);
	mem_deref(nm);
}

static void owners_handler(int err, const struct store_owner *ownerv,
			   size_t ownerc, void *arg)
{
	struct asked *q = arg;
	struct adopt *a = q->a;
	uint32_t *iv = mem_alloc((ownerc + 1) * sizeof(*iv), NULL);

	for (size_t i = 0; iv && i < ownerc; i++) {
		iv[i] = ownerv[i].instance;
		if (!is_live(iv[i], a))
			name_note(a, iv[i], ownerv[i].node);
	}
	owner_owners(a->owner, iv ? err : ENOMEM, iv, iv ? ownerc : 0);
	mem_deref(iv);
	mem_deref(q);
	adopt_kick(a);
}

static int list_owners(void *arg)
{
	struct adopt *a = arg;
	struct asked *q = adopt_ask(a, NULL, 0);
	int err = q ? store_owners_list(redis(a), owners_handler, q) : ENOMEM;

	if (err)
		mem_deref(q);

	return err;
}

/* ------------------------------------------------------------- what is done */

static void write(const char *id, void *arg)
{
	struct adopt *a = arg;
	struct hub *hub = id ? node_hub(a->node, id) : NULL;

	if (!id)
		checkpoint_whole(a->node->checkpoint);
	else if (hub)
		checkpoint_hub_whole(a->node->checkpoint, hub);
}

static void drop(const char *hub, uint32_t epoch, void *arg)
{
	struct adopt *a = arg;

	(void)store_hub_drop(redis(a), hub, epoch, a->node->conf.id,
			     member_instance(a->node->members), NULL, NULL,
			     NULL);
}

static void forget(uint32_t instance, const char *hub, void *arg)
{
	struct adopt *a = arg;

	(void)store_owned_remove(redis(a), instance, hub);
}

static void announce(void *arg)
{
	struct adopt *a = arg;
	const struct node *n = a->node;

	(void)store_owners_put(redis(a), member_instance(n->members),
			       n->conf.id);
}

static void forget_owner(uint32_t instance, void *arg)
{
	(void)store_owners_drop(redis(arg), instance);
}

static void estate(uint32_t instance, size_t hubs, bool done, void *arg)
{
	struct adopt *a = arg;
	const struct named *nm = name_find(a, instance);
	const char *node = nm ? nm->node : "";

	if (!done && hubs)
		log_warn("calls of a node that died are taken over",
			 LOG_S("node", node), LOG_U("instance", instance),
			 LOG_U("calls", (uint32_t)hubs));
	if (!done)
		return;

	log_info("nothing is left of a node that is gone",
		 LOG_S("node", node), LOG_U("instance", instance));
	name_drop(a, instance);
}

static const struct owner_ops ops = {
    .peers = peers,
    .is_live = is_live,
    .is_settled = is_settled,
    .list_owned = list_owned,
    .list_owners = list_owners,
    .claim = adopt_claim,
    .let_go = let_go,
    .write = write,
    .drop = drop,
    .forget = forget,
    .announce = announce,
    .forget_owner = forget_owner,
    .estate = estate,
};

/* -------------------------------------------------------------------- news */

void adopt_redis(struct adopt *a, bool up)
{
	owner_redis(a->owner, up);
	adopt_kick(a);
}

void adopt_member(struct adopt *a, const Sy__Member *m, bool gone)
{
	if (!gone || m->kind != SY__MEMBER_KIND__NODE)
		return;

	adopt_note_death(a, m->instance);
	name_note(a, m->instance, m->id);
	owner_died(a->owner, m->instance);
	adopt_kick(a);
}

void adopt_forgotten(struct adopt *a)
{
	owner_forgotten(a->owner);
	adopt_kick(a);
}

void adopt_written(struct adopt *a, const char *hub, uint32_t epoch, int err)
{
	owner_written(a->owner, hub, epoch, err);
	if (err)
		adopt_kick(a);
}

void adopt_replaced(struct adopt *a, const char *hub, uint32_t epoch,
		    uint32_t instance)
{
	const Sy__Member *m = member_by_instance(a->node->members, instance);

	if (m)
		adopt_say_taken(a, hub, epoch, m->id);
}

void adopt_begun(struct adopt *a, const struct hub *hub)
{
	if (owner_begun(a->owner, hub->id, hub->epoch))
		log_error("no memory for a call's ownership",
			  LOG_S("call", hub->id));
}

void adopt_ended(struct adopt *a, const char *hub)
{
	owner_ended(a->owner, hub);
}

bool adopt_has_ended(const struct adopt *a, const char *hub)
{
	return owner_has_ended(a->owner, hub);
}

void control_hub_taken(struct node *n, struct bus_request *req,
		       const Sy__Envelope *env)
{
	const Sy__HubTaken *msg = env->hub_taken;
	struct adopt *a = n->adopt;

	if (msg->instance != member_instance(n->members)) {
		a->taker = msg->node;
		owner_taken(a->owner, msg->hub, msg->epoch);
		a->taker = NULL;
		adopt_kick(a);
	}
	bus_replyf(req, SY__RESULT_CODE__OK, "%s", "");
}

bool adopt_owns(const uint8_t hub[ULID_BYTES], uint32_t epoch, void *arg)
{
	const struct node *n = arg;
	const struct hub *h;
	char id[ULID_LEN + 1];

	ulid_print(id, hub);
	h = node_hub(n, id);

	if (h)
		return h->epoch >= epoch;

	/* What a phone said as it ended here is answered here. */
	return adopt_has_ended(n->adopt, id);
}

uint32_t adopt_pending(const struct adopt *a)
{
	struct owner_stat st;

	owner_stat(a->owner, &st);
	return (uint32_t)st.claiming;
}

struct owner *adopt_owner(const struct adopt *a)
{
	return a->owner;
}

/* -------------------------------------------------------------------- life */

static void destructor(void *data)
{
	struct adopt *a = data;

	tmr_cancel(&a->tmr);
	list_flush(&a->asked);
	list_flush(&a->deaths);
	list_flush(&a->names);
	mem_deref(a->owner);
	mem_deref(a->unsure);
}

int adopt_alloc(struct adopt **ap, struct node *n)
{
	struct adopt *a = mem_zalloc(sizeof(*a), destructor);
	struct owner_conf conf = {.ops = &ops};
	int err;

	if (!a)
		return ENOMEM;

	a->node = n;
	tmr_init(&a->tmr);
	conf.arg = a;
	random_bytes(&conf.seed, sizeof(conf.seed));
	err = owner_alloc(&a->owner, &conf);
	if (!err)
		err = unsure_alloc(&a->unsure, n);
	if (err) {
		mem_deref(a);
		return err;
	}

	adopt_kick(a);
	*ap = a;
	return 0;
}
