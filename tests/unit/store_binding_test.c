/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Contacts of devices: order, expiry, CSeq, flows, pages. */
#include "store_client.h"

static void print_contacts(struct client *c, const Sy__Registration *reg)
{
	c->contacts[0] = '\0';
	for (size_t i = 0; reg && i < reg->n_bindings; i++) {
		size_t n = strlen(c->contacts);

		snprintf(c->contacts + n, sizeof(c->contacts) - n, "%s ",
			 reg->bindings[i]->contact);
	}
}

static void reg_handler(int err, const Sy__Registration *reg, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	print_contacts(c, reg);
}

static void regs_handler(int err, Sy__Registration *const *regv, size_t regc,
			 const char *next, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
	c->ids[0] = '\0';
	for (size_t i = 0; i < regc; i++) {
		size_t n = strlen(c->ids);

		snprintf(c->ids + n, sizeof(c->ids) - n, "%s:%zu ",
			 regv[i]->device, regv[i]->n_bindings);
	}
	snprintf(c->next, sizeof(c->next), "%s", next ? next : "");
}

struct reg {
	const char *device, *call_id;
	uint32_t cseq;
	const char *add[4];      /* contacts              */
	uint32_t ms;             /* that they live        */
	uint32_t q;              /* of the first, descending */
	const char *drop[4];
	bool drop_all;
	uint32_t max;
	const char *instance;
	uint32_t reg_id;
};

static int reg_put(struct client *c, const struct reg *rg)
{
	Google__Protobuf__Timestamp ts;
	Sy__Binding b[4], *bv[4];
	struct store_reg_put put = {
		.device = rg->device,
		.bindv = (const Sy__Binding *const *)bv,
		.dropv = rg->drop,
		.drop_all = rg->drop_all,
		.call_id = rg->call_id,
		.cseq = rg->cseq,
		.max_contacts = rg->max ? rg->max : 3,
	};

	timestamp_set_ms(&ts, timestamp_now_ms() + (rg->ms ? rg->ms : 60000));
	while (put.bindc < 4 && rg->add[put.bindc]) {
		size_t i = put.bindc++;

		sy__binding__init(&b[i]);
		b[i].contact = (char *)rg->add[i];
		b[i].call_id = (char *)rg->call_id;
		b[i].cseq = rg->cseq;
		b[i].expires_at = &ts;
		b[i].q_permille = rg->q;
		b[i].instance_id = (char *)(rg->instance ? rg->instance : "");
		b[i].reg_id = rg->reg_id;
		bv[i] = &b[i];
	}
	while (put.dropc < 4 && rg->drop[put.dropc])
		put.dropc++;

	return answered(c, store_reg_put(c->r, &put, reg_handler, c));
}

static void assert_contacts(struct client *c, const char *device,
			    const char *contacts)
{
	assert_int_equal(answered(c, store_reg_get(c->r, device, reg_handler,
						   c)), 0);
	assert_string_equal(c->contacts, contacts);
}

#define REG(dev_, id_, n_, ...)                                               \
	(&(const struct reg){.device = dev_, .call_id = id_, .cseq = n_,      \
			     __VA_ARGS__})

static void test_reg(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_contacts(&c, "1001", "");
	assert_int_equal(reg_put(&c, REG("1001", "id1", 5, .add = {"sip:a"},
					 .q = 100)), 0);
	assert_string_equal(c.contacts, "sip:a ");
	/* another phone; best q first */
	assert_int_equal(reg_put(&c, REG("1001", "id2", 1, .add = {"sip:b"},
					 .q = 900)), 0);
	assert_string_equal(c.contacts, "sip:b sip:a ");
	assert_contacts(&c, "1001", "sip:b sip:a ");
	assert_contacts(&c, "1002", "");

	/* refreshed, with a new q; then removed */
	assert_int_equal(reg_put(&c, REG("1001", "id1", 6, .add = {"sip:a"},
					 .q = 1000)), 0);
	assert_string_equal(c.contacts, "sip:a sip:b ");
	assert_int_equal(reg_put(&c, REG("1001", "id1", 7,
					 .drop = {"sip:a"})), 0);
	assert_string_equal(c.contacts, "sip:b ");
	/* what is not there is removed without a word */
	assert_int_equal(reg_put(&c, REG("1001", "id1", 8,
					 .drop = {"sip:a"})), 0);
	assert_int_equal(reg_put(&c, REG("1001", "id2", 2,
					 .drop_all = true)), 0);
	assert_string_equal(c.contacts, "");
	run_until(c.f, fixture_always, NULL);
	assert_int_equal(answered(&c, store_reg_count(c.r, count_handler,
						      &c)), 0);
	assert_int_equal(c.count, 0);
	/* all but what was removed just now */
	assert_int_equal(server_ask(c.f, "DBSIZE"), 1);
	client_close(&c);
}

/* RFC 3261 10.3, 7: the same Call-ID must count up; all or nothing. */
static void test_reg_cseq(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(reg_put(&c, REG("1", "id", 5,
					 .add = {"sip:a", "sip:b"})),
			 0);
	assert_int_equal(reg_put(&c, REG("1", "id", 4, .add = {"sip:a"})), ESTALE);
	assert_int_equal(reg_put(&c, REG("1", "id", 4, .add = {"sip:c", "sip:b"})),
			 ESTALE);
	assert_int_equal(reg_put(&c, REG("1", "id", 4, .drop = {"sip:a"})),
			 ESTALE);
	assert_int_equal(reg_put(&c, REG("1", "id", 4, .drop_all = true)),
			 ESTALE);
	assert_contacts(&c, "1", "sip:a sip:b ");
	/* a retransmission: routers keep no transactions */
	assert_int_equal(reg_put(&c, REG("1", "id", 5,
					 .add = {"sip:a", "sip:b"})),
			 0);
	assert_string_equal(c.contacts, "sip:a sip:b ");
	/* another Call-ID (the phone was restarted) counts anew */
	assert_int_equal(reg_put(&c, REG("1", "new", 1, .add = {"sip:a"})), 0);
	assert_int_equal(reg_put(&c, REG("1", "new", 2, .drop_all = true)),
			 0);
	assert_string_equal(c.contacts, "");
	client_close(&c);
}

static void test_reg_max(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(reg_put(&c, REG("1", "x", 1, .add = {"a", "b"}, .max = 2)),
			 0);
	assert_int_equal(reg_put(&c, REG("1", "x", 2, .add = {"c"}, .max = 2)),
			 ENOSPC);
	assert_contacts(&c, "1", "a b ");
	/* refreshing is no more; one for another neither */
	assert_int_equal(reg_put(&c, REG("1", "x", 3, .add = {"a", "b"}, .max = 2)),
			 0);
	assert_int_equal(reg_put(&c, REG("1", "x", 4, .add = {"c"}, .max = 2,
					 .drop = {"a"})), 0);
	assert_string_equal(c.contacts, "b c ");
	/* naming one twice makes no room for two */
	assert_int_equal(reg_put(&c, REG("1", "x", 5, .add = {"d", "e"}, .max = 2,
					 .drop = {"b", "b"})), ENOSPC);
	assert_int_equal(reg_put(&c, REG("1", "x", 6, .add = {"d", "d"}, .max = 2,
					 .drop = {"b"})), 0);
	assert_string_equal(c.contacts, "c d ");
	client_close(&c);
}

/* RFC 5626: a flow is its instance and reg-id, whatever its Contact. */
static void test_reg_flows(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(reg_put(&c, REG("1", "x", 1, .add = {"a"},
					 .instance = "<i>", .reg_id = 1)), 0);
	assert_int_equal(reg_put(&c, REG("1", "y", 1, .add = {"b"},
					 .instance = "<i>", .reg_id = 2)), 0);
	assert_string_equal(c.contacts, "a b ");
	/* the first flow again, from elsewhere; the same Contact is no clash */
	assert_int_equal(reg_put(&c, REG("1", "z", 1, .add = {"c"},
					 .instance = "<i>", .reg_id = 1)), 0);
	assert_string_equal(c.contacts, "b c ");
	assert_int_equal(reg_put(&c, REG("1", "w", 1, .add = {"c"},
					 .instance = "<j>", .reg_id = 1)), 0);
	assert_string_equal(c.contacts, "b c c ");
	assert_int_equal(reg_put(&c, REG("1", "z", 2,
					 .drop = {"<i>;reg-id=1"})), 0);
	assert_string_equal(c.contacts, "b c ");
	client_close(&c);
}

static bool is_past(void *arg)
{
	return timestamp_now_ms() > *(uint64_t *)arg;
}

static void test_reg_expiry(void **state)
{
	struct client c;
	uint64_t until;

	client_open(&c, *state);
	assert_int_equal(reg_put(&c, REG("1", "x", 1, .add = {"a"}, .ms = 200)), 0);
	assert_int_equal(reg_put(&c, REG("2", "x", 1, .add = {"b"}, .ms = 200)), 0);
	assert_int_equal(reg_put(&c, REG("1", "y", 1, .add = {"c"})), 0);
	until = timestamp_now_ms() + 205;
	run_until(c.f, is_past, &until);
	assert_contacts(&c, "1", "c ");
	assert_contacts(&c, "2", "");

	/* room again, for what has lapsed does not count */
	assert_int_equal(reg_put(&c, REG("1", "z", 1, .add = {"d"}, .max = 2)), 0);
	assert_string_equal(c.contacts, "c d ");

	assert_int_equal(answered(&c, store_reg_list(c.r, NULL, 10,
						     regs_handler, &c)), 0);
	assert_string_equal(c.ids, "1:2 ");
	run_until(c.f, fixture_always, NULL);
	assert_int_equal(answered(&c, store_reg_list(c.r, NULL, 10,
						     regs_handler, &c)), 0);
	assert_int_equal(server_ask(c.f, "ZCARD sy:regs"), 1);
	assert_true(server_ask(c.f, "TTL sy:reg:{1}") > 50);
	client_close(&c);
}

static void test_reg_list(void **state)
{
	static const char *const dev[] = {"1003", "1001", "1002"};
	struct client c;

	client_open(&c, *state);
	for (int i = 0; i < 3; i++)
		assert_int_equal(reg_put(&c, REG(dev[i], "x", 1, .add = {"a"})), 0);
	assert_int_equal(answered(&c, store_reg_list(c.r, NULL, 2,
						     regs_handler, &c)), 0);
	assert_string_equal(c.ids, "1001:1 1002:1 ");
	assert_string_equal(c.next, "1002");
	assert_int_equal(answered(&c, store_reg_list(c.r, c.next, 2,
						     regs_handler, &c)), 0);
	assert_string_equal(c.ids, "1003:1 ");
	assert_string_equal(c.next, "");
	client_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_reg),
		fixture_test_re(test_reg_cseq),
		fixture_test_re(test_reg_max),
		fixture_test_re(test_reg_flows),
		fixture_test_re(test_reg_expiry),
		fixture_test_re(test_reg_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
