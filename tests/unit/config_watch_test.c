/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* The configuration in Redis: put, watched, kept. */
#include "redis_fixture.h"
#include "proto/config.h"
#include "proto/schema_copy.h"

enum { MANY = 10000 };

/* A process with a bus and a watcher, and what it saw. */
struct watcher {
	struct bus *bus;
	struct config *config;
	int loads;
	uint64_t revision;
	struct config **drop_in_handler;
};

struct putter {
	struct redis *redis;
	int up, answers;
	int err;
	uint64_t revision;
	struct redis **drop_in_handler;
};

static void check_handler(const Sy__Config *conf, void *arg)
{
	struct watcher *w = arg;

	w->loads++;
	w->revision = conf->revision;
	assert_ptr_equal(conf, config_get(w->config));
	if (w->drop_in_handler)
		*w->drop_in_handler = mem_deref(*w->drop_in_handler);
}

static void watcher_start(struct watcher *w, struct fixture *f)
{
	const struct bus_conf bc = {.loop = f->loop, .url = f->url};

	memset(w, 0, sizeof(*w));
	assert_int_equal(0, bus_alloc(&w->bus, &bc));
	assert_int_equal(0, config_alloc(&w->config, f->loop, w->bus,
					 check_handler, w));
	assert_null(config_get(w->config));
	assert_null(config_device(w->config, "1", 1));
	assert_null(config_trunk(w->config, "loop"));
}

static void watcher_stop(struct watcher *w)
{
	w->config = mem_deref(w->config);
	w->bus = mem_deref(w->bus);
}

static void up_handler(bool up, int err, void *arg)
{
	(void)err;
	((struct putter *)arg)->up = up;
}

static void putter_start(struct putter *p, struct fixture *f)
{
	memset(p, 0, sizeof(*p));
	assert_int_equal(0, redis_alloc(&p->redis, f->loop, f->url,
					up_handler, p));
	run_until(f, is_nonzero, &p->up);
}

static void put_handler(int err, uint64_t revision, void *arg)
{
	struct putter *p = arg;

	p->answers++;
	p->err = err;
	p->revision = revision;
	if (p->drop_in_handler)
		*p->drop_in_handler = mem_deref(*p->drop_in_handler);
}

static Sy__Config *make(const char *json)
{
	Sy__Config *conf = NULL;
	char errbuf[512];

	if (config_read(&conf, "test", json, strlen(json), errbuf,
			sizeof(errbuf)))
		fail_msg("%s", errbuf);

	return conf;
}

static void put(struct putter *p, struct fixture *f, const Sy__Config *conf,
		uint64_t expected)
{
	p->answers = 0;
	assert_int_equal(0, config_put(p->redis, conf, expected, put_handler,
				       p));
	run_until(f, is_nonzero, &p->answers);
	assert_int_equal(1, p->answers);
}

struct wanted {
	const struct watcher *w;
	uint64_t revision;
};

static bool has_revision(void *arg)
{
	const struct wanted *v = arg;

	return v->w->revision == v->revision;
}

#define run_until_revision(f, watcher, rev)                                   \
	run_until(f, has_revision, &((struct wanted){watcher, rev}))

static const char small[] =
	"{\"settings\":{\"realm\":\"switchyard\"},"
	"\"devices\":[{\"id\":\"1002\",\"password\":\"b\"},"
	"{\"id\":\"1001\",\"password\":\"a\",\"displayName\":\"A\"}],"
	"\"trunks\":[{\"id\":\"loop\",\"enabled\":true,"
	"\"sources\":[\"127.0.0.1:5090\"]}],"
	"\"routes\":[{\"id\":\"a\",\"order\":30,\"pattern\":\"2\","
	"\"target\":{\"echo\":true}},{\"id\":\"b\",\"order\":4,"
	"\"pattern\":\"1\",\"target\":{\"echo\":true}}]}";

static const char other[] =
	"{\"settings\":{\"realm\":\"switchyard\"},"
	"\"devices\":[{\"id\":\"1003\",\"password\":\"c\"}]}";

/* A watcher that has what was put, revision 1, and looks no more: one that was
 * there before might look twice. */
static void start_with(struct watcher *w, struct putter *p, struct fixture *f,
		       const Sy__Config *conf)
{
	putter_start(p, f);
	put(p, f, conf, UINT64_MAX);
	assert_int_equal(0, p->err);
	assert_int_equal(1, p->revision);
	watcher_start(w, f);
	run_until_revision(f, w, 1);
}

static void stop(struct watcher *w, struct putter *p, Sy__Config *conf)
{
	watcher_stop(w);
	mem_deref(p->redis);
	sy__config__free_unpacked(conf, NULL);
}

/* What was put is what every watcher has, in one order. */
static void test_put_and_watch(void **state)
{
	struct fixture *f = *state;
	Sy__Config *a = make(small), *b = make(other);
	const Sy__Config *got;
	struct watcher w;
	struct putter p;
	struct sa sa;

	start_with(&w, &p, f, a);

	got = config_get(w.config);
	assert_string_equal("switchyard", got->settings->realm);
	assert_int_equal(2, got->n_devices);
	assert_string_equal("1001", got->devices[0]->id);
	assert_string_equal(a->devices[1]->ha1_sha256,
			    got->devices[0]->ha1_sha256);
	assert_string_equal("", got->devices[0]->password);
	assert_string_equal("b", got->routes[0]->id);
	assert_string_equal("a", got->routes[1]->id);
	assert_ptr_equal(got->devices[1], config_device(w.config, "1002x", 4));
	assert_ptr_equal(got->trunks[0], config_trunk(w.config, "loop"));
	assert_int_equal(0, sa_set_str(&sa, "127.0.0.1", 5090));
	assert_ptr_equal(got->trunks[0], config_trunk_by_source(w.config,
								&sa));

	/* Replaced as a whole: nothing of the first one stays. */
	put(&p, f, b, 1);
	assert_int_equal(0, p.err);
	run_until_revision(f, &w, 2);
	got = config_get(w.config);
	assert_int_equal(1, got->n_devices);
	assert_int_equal(0, got->n_trunks + got->n_routes);
	assert_null(config_device(w.config, "1001", 4));
	assert_null(config_trunk(w.config, "loop"));
	assert_null(config_trunk_by_source(w.config, &sa));
	assert_int_equal(0, server_ask(f, "EXISTS sy:{config}:routes"));

	stop(&w, &p, a);
	sy__config__free_unpacked(b, NULL);
}

static void test_expected(void **state)
{
	struct fixture *f = *state;
	Sy__Config *a = make(small);
	struct putter p;

	putter_start(&p, f);
	put(&p, f, a, 5);
	assert_int_equal(ESTALE, p.err);
	assert_int_equal(0, p.revision);
	assert_int_equal(0, server_ask(f, "EXISTS sy:{config}"));
	put(&p, f, a, 0);
	assert_int_equal(0, p.err);
	assert_int_equal(1, p.revision);
	put(&p, f, a, 0);
	assert_int_equal(ESTALE, p.err);
	assert_int_equal(1, p.revision);
	put(&p, f, a, 1);
	assert_int_equal(0, p.err);
	put(&p, f, a, UINT64_MAX);
	assert_int_equal(3, p.revision);
	mem_deref(p.redis);
	sy__config__free_unpacked(a, NULL);
}

static void test_no_password_in_redis(void **state)
{
	struct fixture *f = *state;
	Sy__Config conf = SY__CONFIG__INIT;
	Sy__Device dev = SY__DEVICE__INIT, *devv[] = {&dev};
	struct putter p;

	putter_start(&p, f);
	dev.id = "1";
	dev.password = "plain";
	conf.devices = devv;
	conf.n_devices = 1;
	assert_int_equal(EINVAL, config_put(p.redis, &conf, UINT64_MAX, NULL,
					    NULL));
	mem_deref(p.redis);
}

/* Also one that starts later, and one whose message was lost. */
static void test_late_and_lost(void **state)
{
	struct fixture *f = *state;
	Sy__Config *a = make(small);
	struct watcher w;
	struct putter p;

	putter_start(&p, f);
	put(&p, f, a, UINT64_MAX);
	watcher_start(&w, f);
	run_until_revision(f, &w, 1);
	/* A change that nobody announced. */
	assert_int_equal(2, server_ask(f, "HINCRBY sy:{config} revision 1"));
	run_until_revision(f, &w, 2);
	stop(&w, &p, a);
}

static bool bus_is_down(void *arg)
{
	return !bus_is_up(arg);
}

static bool bus_is_back(void *arg)
{
	return bus_is_up(arg);
}

static bool has_1003(void *arg)
{
	return config_device(arg, "1003", 4) != NULL;
}

static bool has_1002_in_redis(void *arg)
{
	return server_ask(arg, "HEXISTS sy:{config}:devices 1002") == 1;
}

/* Redis goes: the last state stays.  It comes back empty: it gets that, with
 * its revision.  It gets another configuration: that. */
static void test_redis_restart(void **state)
{
	struct fixture *f = *state;
	Sy__Config *a = make(small), *b = make(other);
	struct watcher w;
	struct putter p;

	start_with(&w, &p, f, a);

	server_kill(f);
	run_until(f, bus_is_down, w.bus);
	assert_non_null(config_device(w.config, "1001", 4));
	server_start(f);
	run_until(f, bus_is_back, w.bus);
	assert_non_null(config_device(w.config, "1001", 4));
	run_until(f, has_1002_in_redis, f);
	assert_int_equal(5, server_ask(f, "EXISTS sy:{config} "
				       "sy:{config}:settings "
				       "sy:{config}:devices "
				       "sy:{config}:trunks "
				       "sy:{config}:routes"));

	run_until(f, is_nonzero, &p.up);
	put(&p, f, b, UINT64_MAX);
	assert_int_equal(2, p.revision);
	run_until(f, has_1003, w.config);
	assert_null(config_device(w.config, "1001", 4));

	stop(&w, &p, a);
	sy__config__free_unpacked(b, NULL);
}

/* What comes back is the newest that anybody remembers, and never in place of
 * what an operator put. */
static void test_again(void **state)
{
	static const struct {
		uint64_t ours;      /* 0: an operator puts */
		uint64_t there;     /* afterwards          */
	} v[] = {{5, 5}, {4, 5}, {5, 5}, {7, 7}, {0, 8}, {9, 8}};
	struct fixture *f = *state;
	Sy__Config *a = make(small);
	struct watcher w;
	struct putter p;

	putter_start(&p, f);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		a->revision = v[i].ours;
		if (!v[i].ours)
			put(&p, f, a, UINT64_MAX);
		else
			assert_int_equal(0, config_put_again(p.redis, a));
		watcher_start(&w, f);
		run_until_revision(f, &w, v[i].there);
		watcher_stop(&w);
	}
	mem_deref(p.redis);
	sy__config__free_unpacked(a, NULL);
}

static bool has_1003_in_redis(void *arg)
{
	return server_ask(arg, "HEXISTS sy:{config}:devices 1003") == 1;
}

/* Of two that remember, one of them the last change but one: the newer wins,
 * whoever was first. */
static void test_newest_wins(void **state)
{
	struct fixture *f = *state;
	Sy__Config *a = make(small), *b = make(other);
	struct watcher w;
	struct putter p;

	start_with(&w, &p, f, a);
	put(&p, f, b, UINT64_MAX);
	run_until_revision(f, &w, 2);

	server_kill(f);
	run_until(f, bus_is_down, w.bus);
	server_start(f);
	run_until(f, is_nonzero, &p.up);
	a->revision = 1;
	assert_int_equal(0, config_put_again(p.redis, a));
	run_until(f, bus_is_back, w.bus);
	run_until(f, has_1003_in_redis, f);
	assert_int_equal(2, w.revision);
	assert_int_equal(0, server_ask(f, "HEXISTS sy:{config}:devices 1001"));
	stop(&w, &p, a);
	sy__config__free_unpacked(b, NULL);
}

/* ------------------------------------------------------------- one item */

static void put_item(struct putter *p, struct fixture *f,
		     enum config_section s, const char *id,
		     const ProtobufCMessage *item)
{
	const uint64_t before = p->revision;

	p->answers = 0;
	assert_int_equal(0, config_item_put(p->redis, s, id, item, before,
					    put_handler, p));
	run_until(f, is_nonzero, &p->answers);
	assert_int_equal(0, p->err);
	assert_int_equal(before + 1, p->revision);
}

/* A device is changed, a new one comes, one goes: nothing else is read.  What
 * was taken out of Redis behind our back shows that. */
static void test_one_item(void **state)
{
	struct fixture *f = *state;
	Sy__Config *a = make(small);
	Sy__Device dev = SY__DEVICE__INIT;
	const Sy__Device *other_one;
	struct watcher w;
	struct putter p;

	start_with(&w, &p, f, a);
	other_one = config_device(w.config, "1002", 4);
	assert_int_equal(1, server_ask(f, "HDEL sy:{config}:devices 1002"));

	dev.id = "1001";
	dev.display_name = "Another";
	put_item(&p, f, CONFIG_DEVICES, "1001", &dev.base);
	run_until_revision(f, &w, 2);
	assert_string_equal("Another", config_device(w.config, "1001", 4)
					       ->display_name);
	dev.id = "1000";
	put_item(&p, f, CONFIG_DEVICES, "1000", &dev.base);
	run_until_revision(f, &w, 3);
	assert_int_equal(3, config_get(w.config)->n_devices);
	assert_string_equal("1000", config_get(w.config)->devices[0]->id);
	assert_non_null(config_device(w.config, "1000", 4));
	put_item(&p, f, CONFIG_DEVICES, "1001", NULL);
	run_until_revision(f, &w, 4);
	assert_null(config_device(w.config, "1001", 4));
	assert_ptr_equal(other_one, config_device(w.config, "1002", 4));

	/* One that says nothing of its origin is not believed. */
	assert_int_equal(0, server_ask(f, "HSET sy:{config} stamp another"));
	dev.display_name = "Third";
	put_item(&p, f, CONFIG_DEVICES, "1000", &dev.base);
	run_until_revision(f, &w, 5);
	assert_string_equal("Third", config_device(w.config, "1000", 4)
					     ->display_name);
	assert_null(config_device(w.config, "1002", 4));

	stop(&w, &p, a);
}

/* Who has missed a revision loads all. */
static void test_one_item_missed(void **state)
{
	struct fixture *f = *state;
	Sy__Config *a = make(small);
	Sy__Device dev = SY__DEVICE__INIT;
	struct watcher w;
	struct putter p;

	start_with(&w, &p, f, a);
	assert_int_equal(1, server_ask(f, "HDEL sy:{config}:devices 1002"));
	assert_int_equal(2, server_ask(f, "HINCRBY sy:{config} revision 1"));
	p.revision = 2;
	dev.id = "1001";
	put_item(&p, f, CONFIG_DEVICES, "1001", &dev.base);
	run_until_revision(f, &w, 3);
	assert_null(config_device(w.config, "1002", 4));
	stop(&w, &p, a);
}

/* One of any section, made or changed or removed. */
static void put_any(struct putter *p, struct fixture *f, unsigned rnd)
{
	char id[8], *name = (rnd & 1) ? "x" : "y", *source = "192.0.2.1";
	Sy__Destination echo = SY__DESTINATION__INIT;
	Sy__Settings set = SY__SETTINGS__INIT;
	Sy__Device dev = SY__DEVICE__INIT;
	Sy__Trunk trunk = SY__TRUNK__INIT;
	Sy__Route route = SY__ROUTE__INIT;
	Sy__Group group = SY__GROUP__INIT;
	Sy__ApiToken token = SY__API_TOKEN__INIT;
	ProtobufCMessage *const itemv[CONFIG_SECTIONS] = {
		&set.base, &dev.base, &trunk.base, &route.base, &group.base,
		&token.base,
	};
	const enum config_section s = rnd / 2 % CONFIG_SECTIONS;

	(void)snprintf(id, sizeof(id), "%u", rnd / 64 % 12);
	set.realm = "switchyard";
	set.ring_seconds = rnd % 50;
	dev.id = trunk.id = route.id = group.id = token.id = id;
	dev.display_name = name;
	trunk.sources = &source;
	trunk.n_sources = rnd & 1;
	trunk.enabled = true;
	route.order = rnd % 7;
	route.target = &echo;
	put_item(p, f, s, s == CONFIG_SETTINGS ? "" : id,
		 s != CONFIG_SETTINGS && rnd % 5 == 0 ? NULL : itemv[s]);
}

/* After any changes it is what who comes later loads. */
static void test_items_as_whole(void **state)
{
	struct fixture *f = *state;
	Sy__Config *a = make(small);
	unsigned seed = (unsigned)getpid(), rnd = seed;
	struct watcher w, later;
	struct putter p;
	struct sa sa;

	print_message("seed %u\n", seed);
	assert_int_equal(0, sa_set_str(&sa, "192.0.2.1", 5060));
	start_with(&w, &p, f, a);
	for (unsigned i = 1; i <= 300; i++) {
		rnd = rnd * 1103515245 + 12345;
		put_any(&p, f, rnd >> 8 & 0xffff);
		run_until_revision(f, &w, p.revision);
		if (i % 60)
			continue;
		watcher_start(&later, f);
		run_until_revision(f, &later, p.revision);
		assert_true(schema_equal(&config_get(w.config)->base,
					 &config_get(later.config)->base));
		for (unsigned d = 0; d < 12; d++) {
			char id[8];
			const size_t n = (size_t)sprintf(id, "%u", d);

			assert_int_equal(!config_device(w.config, id, n),
					 !config_device(later.config, id, n));
		}
		assert_int_equal(!config_trunk_by_source(w.config, &sa),
				 !config_trunk_by_source(later.config, &sa));
		watcher_stop(&later);
	}
	stop(&w, &p, a);
}

static void test_many(void **state)
{
	struct fixture *f = *state;
	char *json = malloc(MANY * 64 + 256), *at = json;
	struct watcher w;
	struct putter p;
	Sy__Config *a;
	int i;

	at += sprintf(at, "{\"settings\":{\"realm\":\"r\"},\"devices\":[");
	for (i = 0; i < MANY; i++)
		at += sprintf(at, "%s{\"id\":\"%d\",\"password\":\"p\"}",
			      i ? "," : "", 100000 + i);
	(void)sprintf(at, "]}");
	a = make(json);
	free(json);

	start_with(&w, &p, f, a);
	assert_int_equal(MANY, config_get(w.config)->n_devices);
	assert_int_equal(MANY, server_ask(f, "HLEN sy:{config}:devices"));
	for (i = 0; i < MANY; i += 97)
		assert_non_null(config_device(w.config, a->devices[i]->id,
					      6));
	stop(&w, &p, a);
}

static void announce(struct fixture *f)
{
	/* An Envelope with an empty ConfigChanged (field 41). */
	assert_true(server_ask(f, "PUBLISH sy:bus:config %b", "\xca\x02\x00",
			       (size_t)3) > 0);
}

/* Records that are none are refused; what was there stays, and what comes
 * next is taken. */
static void test_garbage(void **state)
{
	struct fixture *f = *state;
	Sy__Config *a = make(small);
	struct watcher w;
	struct putter p;

	start_with(&w, &p, f, a);

	assert_int_equal(1, server_ask(f, "HSET sy:{config}:devices x %b",
				       "\x0a\xff\xff", (size_t)3));
	assert_int_equal(2, server_ask(f, "HINCRBY sy:{config} revision 1"));
	announce(f);
	assert_false(run_for(f, has_revision, &((struct wanted){&w, 2}),
			     300));
	assert_int_equal(1, config_get(w.config)->revision);
	assert_non_null(config_device(w.config, "1001", 4));

	assert_int_equal(1, server_ask(f, "HDEL sy:{config}:devices x"));
	announce(f);
	run_until_revision(f, &w, 2);
	stop(&w, &p, a);
}

/* Letting go from within a handler, and with an answer under way. */
static void test_let_go(void **state)
{
	struct fixture *f = *state;
	Sy__Config *a = make(small);
	struct watcher w;
	struct putter p;

	putter_start(&p, f);
	watcher_start(&w, f);
	w.drop_in_handler = &w.config;
	p.drop_in_handler = &p.redis;
	put(&p, f, a, UINT64_MAX);
	run_until_revision(f, &w, 1);
	assert_null(p.redis);
	assert_null(w.config);
	watcher_stop(&w);

	putter_start(&p, f);
	assert_int_equal(0, config_put(p.redis, a, 1, put_handler, &p));
	mem_deref(p.redis);
	assert_int_equal(0, p.answers);

	watcher_start(&w, f);
	run_until(f, bus_is_back, w.bus);
	run_until(f, fixture_always, NULL);
	w.config = mem_deref(w.config); /* its first look is under way */
	run_until(f, fixture_always, NULL);
	watcher_stop(&w);
	sy__config__free_unpacked(a, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(test_put_and_watch),
		fixture_test_re(test_expected),
		fixture_test_re(test_no_password_in_redis),
		fixture_test_re(test_late_and_lost),
		fixture_test(test_redis_restart),
		fixture_test(test_again),
		fixture_test(test_newest_wins),
		fixture_test(test_one_item),
		fixture_test(test_one_item_missed),
		fixture_test(test_items_as_whole),
		fixture_test_re(test_many),
		fixture_test_re(test_garbage),
		fixture_test(test_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
