/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Whose hubs are whose, and claims of those whose owner died. */
#include "store_client.h"

static int letter_cmp(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

static void owned_handler(int err, const char *const *hubv, size_t hubc,
			  void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	memset(c->owned, 0, sizeof(c->owned));
	for (size_t i = 0; i < hubc; i++)
		c->owned[i] = hubv[i][ULID_LEN - 1];
	qsort(c->owned, hubc, 1, letter_cmp);
}

static const char *owned(struct client *c, uint32_t instance)
{
	assert_int_equal(answered(c, store_owned_list(c->r, instance,
						      owned_handler, c)), 0);

	return c->owned;
}

static void owners_handler(int err, const struct store_owner *ownerv,
			   size_t ownerc, void *arg)
{
	struct client *c = arg;
	size_t n = 0;

	c->done++;
	c->err = err;
	c->owners[0] = '\0';
	for (size_t i = 0; i < ownerc; i++)
		n += (size_t)snprintf(c->owners + n, sizeof(c->owners) - n,
				      "%u=%s ", ownerv[i].instance,
				      ownerv[i].node);
}

static const char *owners(struct client *c)
{
	assert_int_equal(answered(c, store_owners_list(c->r, owners_handler,
						       c)), 0);

	return c->owners;
}

static void claim_handler(int err, const struct store_claim *cl, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	memset(&c->claim, 0, sizeof(c->claim));
	if (!cl)
		return;

	c->claim.epoch = cl->epoch;
	c->claim.owner = cl->owner;
	c->claim.dlgs = cl->dlgc;
	if (cl->call) {
		c->claim.readable = true;
		c->claim.legs = cl->call->n_legs;
		strcpy(c->claim.node, cl->call->node);
	}
	if (cl->dlgc)
		strcpy(c->claim.tag, cl->dlgv[0]->local_tag);
	if (cl->state) {
		c->claim.state = true;
		c->claim.ref_last = cl->state->ref_last;
	}
}

static int claim(struct client *c, const char *hub, uint32_t from,
		 const char *node, uint32_t instance)
{
	return answered(c, store_hub_claim(c->r, hub, from, from != instance, node,
					   instance, claim_handler, c));
}

/* A hub as its owner, node-1 of instance 7, writes it first. */
static int whole_put(struct client *c, const char *hub, uint32_t epoch)
{
	Sy__Call call = SY__CALL__INIT;
	Sy__HubState hs = SY__HUB_STATE__INIT;
	Sy__Leg leg = SY__LEG__INIT;
	Sy__DialogState dlg = SY__DIALOG_STATE__INIT;
	const Sy__Leg *legv[] = {&leg};
	const Sy__DialogState *dlgv[] = {&dlg};
	const struct store_hub_put put = {
		.hub = hub, .epoch = epoch, .node = "node-1", .instance = 7,
		.first = true, .call = &call, .state = &hs,
		.legv = legv, .legc = 1, .dlgv = dlgv, .dlgc = 1,
	};

	call.id = (char *)hub;
	call.node = (char *)"node-1";
	hs.ref_last = 42;
	leg.id = dlg.leg = (char *)"leg-1";
	dlg.local_tag = (char *)"ltag";

	return answered(c, store_hub_put(c->r, &put, write_handler, c));
}

/* Of two that claim from the same process one gets it, with all that was
 * written; who had it writes no more. */
static void test_claim(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(whole_put(&c, HUB_A, 4), 0);
	assert_int_equal(claim(&c, HUB_A, 7, "node-2", 8), 0);
	assert_int_equal(c.claim.epoch, 5);
	assert_int_equal(c.claim.legs, 1);
	assert_int_equal(c.claim.dlgs, 1);
	assert_string_equal(c.claim.tag, "ltag");
	assert_string_equal(c.claim.node, "node-1");
	assert_true(c.claim.state);
	assert_int_equal(c.claim.ref_last, 42);
	assert_int_equal(server_ask(c.f, "HGET sy:hub:{%s} node", HUB_A), 6);

	/* who asks hears at once whose it is */
	assert_int_equal(hub_get(&c, HUB_A), 0);
	assert_string_equal(c.call->node, "node-2");
	assert_int_equal(c.call->epoch, 5);
	assert_int_equal(c.call->instance, 8);

	assert_int_equal(claim(&c, HUB_A, 7, "node-3", 9), ESTALE);
	assert_int_equal(c.claim.owner, 8);
	assert_false(c.claim.readable);
	assert_int_equal(whole_put(&c, HUB_A, 4), ESTALE);
	assert_int_equal(hub_drop(&c, HUB_A, 4, true), ESTALE);

	/* the reply was lost: from ourselves */
	assert_int_equal(claim(&c, HUB_A, 8, "node-2", 8), 0);
	assert_int_equal(c.claim.epoch, 6);
	/* ... and back */
	assert_int_equal(claim(&c, HUB_A, 8, "node-1", 7), 0);
	assert_int_equal(c.claim.epoch, 7);
	assert_int_equal(whole_put(&c, HUB_A, 7), 0);
	client_close(&c);
}

/* The owner of a hub dies as it ends it: all that it left undone is done by
 * who claims the hub, once. */
static void test_claim_ended(void **state)
{
	struct store_place pl = {.hub = HUB_A, .node = "node-1", .instance = 7,
				 .epoch = 1, .leg = 1};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(store_place_put(c.r, "call-1@phone", &pl), 0);
	assert_int_equal(store_room_put(c.r, "lobby", HUB_A, "node-1", 7, 1),
			 0);
	assert_int_equal(whole_put(&c, HUB_A, 1), 0);
	/* no history can be written: as far as it comes */
	(void)server_ask(c.f, "SET sy:cdr blocked");
	assert_int_not_equal(hub_drop(&c, HUB_A, 1, true), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:end:{%s}", HUB_A), 1);
	assert_int_equal(server_ask(c.f, "SISMEMBER sy:owned:{7} %s", HUB_A),
			 1);
	assert_int_equal(server_ask(c.f, "ZCARD sy:hubs"), 1);

	/* it is over for all who ask */
	assert_int_equal(hub_get(&c, HUB_A), ENOENT);
	assert_int_equal(whole_put(&c, HUB_A, 1), ENOENT);
	assert_int_not_equal(claim(&c, HUB_A, 7, "node-2", 8), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:end:{%s}", HUB_A), 1);

	assert_int_equal(server_ask(c.f, "DEL sy:cdr"), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(claim(&c, HUB_A, 7, "node-2", 8), ENOENT);
		assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
	}
	assert_int_equal(server_ask(c.f, "EXISTS sy:end:{%s}", HUB_A), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:hub:{%s}", HUB_A), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:hubs"), 0);
	assert_int_equal(server_ask(c.f, "EXISTS sy:room:{lobby}"), 0);
	assert_int_equal(answered(&c, store_place_get(c.r, "call-1@phone",
						      place_handler, &c)),
			 ENOENT);

	/* its owner lived after all, and goes on; or ends it as one that
	 * knows nothing more of it */
	assert_int_equal(hub_drop(&c, HUB_A, 1, true), 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
	assert_int_equal(server_ask(c.f, "EXISTS sy:end:{%s}", HUB_A), 0);
	assert_int_equal(whole_put(&c, HUB_B, 1), 0);
	(void)server_ask(c.f, "RENAME sy:cdr away");
	(void)server_ask(c.f, "SET sy:cdr blocked");
	assert_int_not_equal(hub_drop(&c, HUB_B, 1, true), 0);
	assert_int_equal(server_ask(c.f, "DEL sy:cdr"), 1);
	assert_int_equal(hub_drop(&c, HUB_B, 1, false), 0);
	assert_int_equal(server_ask(c.f, "XLEN sy:cdr"), 1);
	assert_int_equal(server_ask(c.f, "EXISTS sy:end:{%s}", HUB_B), 0);
	client_close(&c);
}

static void test_claim_gone(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(claim(&c, HUB_C, 7, "node-2", 8), ENOENT);
	/* the first write that comes after it comes too late */
	assert_int_equal(whole_put(&c, HUB_C, 1), ENOENT);
	/* ... but not where its owner may live, and Redis has lost it */
	assert_int_equal(claim(&c, HUB_A, 8, "node-2", 8), ENOENT);
	assert_int_equal(whole_put(&c, HUB_A, 1), 0);
	assert_int_equal(hub_drop(&c, HUB_A, 1, false), 0);
	assert_int_equal(claim(&c, HUB_A, 7, "node-2", 8), ENOENT);
	assert_int_equal(server_ask(c.f, "EXISTS sy:hub:{%s}", HUB_A), 0);

	/* a record that cannot be read is ours, to be dropped */
	assert_int_equal(whole_put(&c, HUB_B, 1), 0);
	assert_int_equal(server_ask(c.f, "HSET sy:hub:{%s} state %s", HUB_B,
				    "\377junk"), 0);
	assert_int_equal(claim(&c, HUB_B, 7, "node-2", 8), EBADMSG);
	assert_int_equal(c.claim.epoch, 2);
	assert_int_equal(server_ask(c.f, "HDEL sy:hub:{%s} call", HUB_B), 1);
	assert_int_equal(claim(&c, HUB_B, 8, "node-2", 8), EBADMSG);
	assert_int_equal(c.claim.epoch, 3);
	assert_false(c.claim.readable);
	client_close(&c);
}

/* Redis had lost a claim, and the former owner wrote the hub again: who claimed
 * it writes, and the former owner's set does not name it any more. */
static void test_owned_replaced(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(whole_put(&c, HUB_A, 1), 0);
	assert_string_equal(owned(&c, 7), "A");
	assert_int_equal(hub_put(&c, HUB_A, 2, 8, NULL, 0, NULL, 0), 0);
	assert_string_equal(owned(&c, 7), "");
	assert_int_equal(whole_put(&c, HUB_A, 1), ESTALE);
	client_close(&c);
}

/* The set of a process names a hub from before its record is there until
 * after it is gone. */
static void test_owned(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_string_equal(owned(&c, 7), "");
	assert_int_equal(whole_put(&c, HUB_A, 1), 0);
	assert_int_equal(whole_put(&c, HUB_C, 1), 0);
	assert_string_equal(owned(&c, 7), "AC");
	assert_int_equal(claim(&c, HUB_A, 7, "node-2", 8), 0);
	assert_int_equal(whole_put(&c, HUB_B, 1), 0);
	assert_int_equal(claim(&c, HUB_B, 9, "node-2", 8), ESTALE);
	assert_string_equal(owned(&c, 7), "BC"); /* A was taken, B was not */
	assert_string_equal(owned(&c, 8), "AB");
	assert_int_equal(store_owned_remove(c.r, 8, HUB_B), 0);
	assert_int_equal(hub_drop(&c, HUB_C, 1, false), 0);
	assert_int_equal(hub_drop(&c, HUB_B, 1, false), 0);
	assert_string_equal(owned(&c, 7), "");
	assert_int_equal(server_ask(c.f, "EXISTS sy:owned:{7}"), 0);

	/* a name that is none is nobody's hub */
	assert_int_equal(server_ask(c.f, "SADD sy:owned:{8} junk"), 1);
	assert_int_equal(store_owned_add(c.r, 8, "node-2", HUB_C), 0);
	assert_string_equal(owned(&c, 8), "AC");
	assert_int_equal(server_ask(c.f, "HLEN sy:owners"), 2);
	client_close(&c);
}

static void test_owners(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_string_equal(owners(&c), "");
	assert_int_equal(store_owners_put(c.r, 4100000000u, "node-1"), 0);
	assert_string_equal(owners(&c), "4100000000=node-1 ");
	assert_int_equal(store_owners_put(c.r, 8, "node-2"), 0);
	assert_int_equal(store_owners_drop(c.r, 4100000000u), 0);
	assert_int_equal(store_owners_drop(c.r, 4100000000u), 0);
	assert_string_equal(owners(&c), "8=node-2 ");
	assert_int_equal(store_owners_put(c.r, 0, "node-3"), EINVAL);
	client_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_claim),
		fixture_test_re(test_claim_gone),
		fixture_test(test_claim_ended),
		fixture_test_re(test_owned),
		fixture_test_re(test_owned_replaced),
		fixture_test_re(test_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
