/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Calls counted over a cluster, against a Redis. */
#include "redis_fixture.h"
#include "proto/script.h"
#include "proto/store_limit.h"

struct client {
	struct fixture *f;
	struct redis *r;
	int up;
	int done, err;
};

static void state_handler(bool up, int err, void *arg)
{
	(void)err;
	((struct client *)arg)->up = up;
}

static void client_open(struct client *c, struct fixture *f)
{
	memset(c, 0, sizeof(*c));
	c->f = f;
	assert_int_equal(redis_alloc(&c->r, f->loop, f->url, state_handler, c),
			 0);
	run_until(f, is_nonzero, &c->up);
}

static void limit_handler(int err, void *arg)
{
	struct client *c = arg;

	c->done++;
	c->err = err;
}

static int take(struct client *c, const char *name, const char *holder,
		uint32_t calls, uint32_t per_second)
{
	const struct store_limit l = {name, holder, calls, per_second};

	assert_int_equal(store_limit_take(c->r, &l, limit_handler, c), 0);
	run_until(c->f, is_nonzero, &c->done);
	assert_int_equal(c->done, 1);
	c->done = 0;

	return c->err;
}

static void test_calls(void **state)
{
	static const char *const late[] = {"c", "d"};
	struct client c;

	client_open(&c, *state);
	assert_int_equal(take(&c, "trunk:a", "1", 2, 0), 0);
	assert_int_equal(take(&c, "trunk:a", "2", 2, 0), 0);
	assert_int_equal(take(&c, "trunk:a", "3", 2, 0), EBUSY);
	assert_int_equal(take(&c, "trunk:a", "2", 2, 0), 0); /* has it */
	assert_int_equal(take(&c, "trunk:b", "3", 2, 0), 0); /* another */
	assert_int_equal(store_limit_give(c.r, "trunk:a", "1"), 0);
	assert_int_equal(take(&c, "trunk:a", "3", 2, 0), 0);
	assert_int_equal(take(&c, "trunk:a", "1", 2, 0), EBUSY);
	assert_int_equal(take(&c, "trunk:a", "1", 3, 0), 0); /* raised */

	/* Who renews has room, whatever Redis remembers. */
	assert_int_equal(store_limit_renew(c.r, "trunk:e", late, 2), 0);
	assert_int_equal(take(&c, "trunk:e", "x", 2, 0), EBUSY);
	assert_int_equal(take(&c, "trunk:e", "d", 2, 0), 0);

	assert_int_equal(store_limit_renew(c.r, "trunk:e", late, 0), 0);
	assert_int_equal(store_limit_renew(c.r, "trunk:e", late, 501), EINVAL);
	mem_deref(c.r);
}

static void test_lapse(void **state)
{
	struct client c;

	client_open(&c, *state);
	assert_int_equal(take(&c, "trunk:a", "dead", 1, 0), 0);
	assert_int_equal(take(&c, "trunk:a", "new", 1, 0), EBUSY);
	/* as if its lease had run out */
	assert_int_equal(redis_command(c.r, 0, NULL, NULL,
				       "ZADD sy:limit:{trunk:a} 1000 dead"),
			 0);
	assert_int_equal(take(&c, "trunk:a", "new", 1, 0), 0);
	mem_deref(c.r);
}

static void test_rate(void **state)
{
	struct client c;
	int ok = 0;

	client_open(&c, *state);
	/* A second's worth at once.  A slow machine may pay some off between
	 * two: of 30 in a row at least one is refused unless each takes 200 ms
	 * or more. */
	for (int i = 0; i < 30; i++) {
		char holder[8];

		(void)re_snprintf(holder, sizeof(holder), "%d", i);
		if (!take(&c, "trunk:r", holder, 0, 5))
			ok++;
		else
			assert_int_equal(c.err, EAGAIN);
		if (i == 4)
			assert_int_equal(ok, 5);
	}
	assert_in_range(ok, 5, 29);
	mem_deref(c.r);
}

static void test_wrong(void **state)
{
	const struct store_limit none = {NULL, "x", 1, 1};
	char far[300];
	struct client c;

	client_open(&c, *state);
	memset(far, 'x', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	assert_int_equal(store_limit_take(c.r, &none, limit_handler, &c),
			 EINVAL);
	assert_int_equal(store_limit_give(c.r, far, "x"), ENAMETOOLONG);
	assert_int_equal(store_limit_give(c.r, "x", NULL), EINVAL);
	mem_deref(c.r);
}

#define T(f, uv)                                                               \
	cmocka_unit_test_prestate_setup_teardown(f, fixture_setup,             \
						 fixture_teardown, uv)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_calls, &fixture_re),
	    T(test_lapse, &fixture_uv),
	    T(test_rate, &fixture_re),
	    T(test_wrong, &fixture_uv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
