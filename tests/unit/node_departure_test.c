/* libs: sy_node_core */
/* SPDX-License-Identifier: MIT */
/*
 * What is left of a hub that went to another node, with a real engine: a leg
 * whose peer is a socket of ours, a player, and the other end of the link in a
 * mix of its own.
 */

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node_hub_fake.h"
#include "node/departure.h"
#include "test_port.h"
#include "test_loop.h"

enum {
	STEP_MS = 10,
	DEADLINE_MS = 10000,
	SOUND_MS = 300,
	INSTANCE = 7,
};

/* A leg with media. */
struct sound {
	struct leg leg; /* first */
	struct media_leg *media;
	struct sa *sip; /* where it departed to */
	bool *abandoned;
};

static struct world world;
static struct media *engine;
static struct departures all;
static struct mix *mix, *far_mix;
static struct media_leg *far_link;
static uint8_t far_key[MEDIA_LINK_KEY_BYTES];
static struct hub *hub;
static struct sa local, peer, sip;
static int fd;
static unsigned packets;
static bool abandoned, live;
static uint64_t begin_ms;

/* ----------------------------------------------------------------- the legs */

static void sound_destructor(void *data)
{
	struct sound *s = data;

	leg_close(&s->leg);
	mem_deref(s->media);
}

static void op_depart(struct leg *leg, const struct sa *to)
{
	*((struct sound *)leg)->sip = *to;
}

static void op_abandon(struct leg *leg)
{
	*((struct sound *)leg)->abandoned = true;
}

static void *op_give_media(struct leg *leg)
{
	struct sound *s = (struct sound *)leg;
	struct media_leg *media = s->media;

	s->media = NULL;
	return media;
}

static const struct leg_ops party_ops = {
    .party = true,
    .depart = op_depart,
    .abandon = op_abandon,
    .give_media = op_give_media,
};

static const struct leg_ops player_ops = {
    .give_media = op_give_media,
};

static struct sound *sound_add(const struct leg_ops *ops, bool answered)
{
	const struct leg_conf conf = {
	    .ops = ops,
	    .kind = SY__LEG_KIND__DEVICE,
	    .direction = SY__DIRECTION__INBOUND,
	    .user = "1001",
	};
	struct sound *s = mem_zalloc(sizeof(*s), sound_destructor);

	assert_non_null(s);
	s->sip = &sip;
	s->abandoned = &abandoned;
	leg_init(&s->leg, hub, &conf);
	hub_add(hub, &s->leg);
	if (answered)
		assert_int_equal(leg_answer(&s->leg), 0);

	return s;
}

static struct sound *party_add(bool answered)
{
	const struct media_codec pcmu = {.id = MEDIA_PCMU, .clock_hz = 8000};
	const struct media_rtp_params prm = {
	    .raddr = peer,
	    .tx = pcmu,
	    .rxv = {pcmu},
	    .rxc = 1,
	    .event_pt_tx = -1,
	    .event_pt_rx = -1,
	    .send = true,
	    .recv = true,
	};
	struct sound *s = sound_add(&party_ops, answered);

	assert_int_equal(
	    media_leg_rtp_alloc(&s->media, mix, &local, NULL, NULL), 0);
	assert_int_equal(media_leg_rtp_set(s->media, &prm), 0);

	return s;
}

static struct sound *player_add(void)
{
	struct sound *s = sound_add(&player_ops, true);

	assert_int_equal(media_leg_echo_alloc(&s->media, mix), 0);
	return s;
}

/* ---------------------------------------------------------------- the world */

static void on_packet(int flags, void *arg)
{
	uint8_t buf[2048];

	(void)flags;
	(void)arg;
	if (recv(fd, buf, sizeof(buf), 0) > 0)
		++packets;
}

static void run(bool (*cond)(void))
{
	begin_ms = tmr_jiffies();
	packets = 0;
	test_loop_run(cond, STEP_MS, DEADLINE_MS);
}

static struct media_load load_now(void)
{
	struct media_load load;

	media_load(engine, &load);
	return load;
}

static bool sounds(void)
{
	return packets > 5;
}

static bool a_while(void)
{
	return tmr_jiffies() > begin_ms + SOUND_MS;
}

static bool is_live(uint32_t instance, void *arg)
{
	(void)arg;
	assert_int_equal(instance, INSTANCE);
	return live;
}

static void far_open(void)
{
	assert_int_equal(mix_alloc(&far_mix, engine), 0);
	assert_int_equal(
	    media_leg_link_alloc(&far_link, far_mix, &local, NULL, NULL), 0);
	rand_bytes(far_key, sizeof(far_key));
}

static int setup(void **state)
{
	const uint16_t port = (uint16_t)((test_port_base() + 1) & ~1);
	const struct media_conf conf = {
	    .workers = 1,
	    .rtp_port_min = port,
	    .rtp_port_max = (uint16_t)(port + 99),
	    .quarantine_ms = 1,
	};
	const struct hub_conf hc = {.epoch = 1};

	(void)state;
	if (libre_init() || media_alloc(&engine, &conf))
		return -1;

	world_init(&world);
	memset(&all, 0, sizeof(all));
	all.alarms = &world.alarms;
	all.liveh = is_live;
	live = true;
	abandoned = false;
	memset(&sip, 0, sizeof(sip));

	assert_int_equal(sa_set_str(&local, "127.0.0.1", 0), 0);
	peer = local;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &peer.u.sa, peer.len), 0);
	assert_int_equal(getsockname(fd, &peer.u.sa, &peer.len), 0);
	assert_int_equal(fd_listen(fd, FD_READ, on_packet, NULL), 0);

	far_open();
	assert_int_equal(hub_alloc(&hub, &world.env, &hc), 0);
	assert_int_equal(mix_alloc(&mix, engine), 0);
	hub->mix = mix;

	return 0;
}

static int teardown(void **state)
{
	(void)state;
	departures_close(&all);
	hub = mem_deref(hub);
	far_link = mem_deref(far_link);
	far_mix = mem_deref(far_mix);
	fd_close(fd);
	(void)close(fd);
	engine = mem_deref(engine);
	assert_int_equal(world.alarms.count, 0);
	libre_close();

	return 0;
}

static struct departure *go(bool far)
{
	struct sa addr, to;
	uint8_t key[MEDIA_LINK_KEY_BYTES];
	struct departure *d;

	assert_int_equal(departure_alloc(&d, &all, hub, &local), 0);
	assert_true(departure_link(d, &addr, key));
	if (far)
		assert_int_equal(
		    media_leg_link_set(far_link, &addr, far_key, key), 0);

	assert_int_equal(sa_set_str(&to, "127.0.0.9", 5070), 0);
	departure_go(d, hub, INSTANCE, &to, media_leg_laddr(far_link), far_key);
	assert_true(hub_is_over(hub));
	assert_true(abandoned);
	assert_true(sa_cmp(&sip, &to, SA_ALL));
	assert_null(hub->mix);

	return d;
}

/* ------------------------------------------------------------------ tests */

static bool one_port_less(void)
{
	return load_now().ports_used == 2; /* both ends of the link */
}

static bool only_far(void)
{
	return load_now().ports_used == 1 && load_now().mixes == 1;
}

/* The peer hears us until the other node does it, is heard until its media
 * is there, and a little longer. */
static void test_steps(void **state)
{
	struct departure *d;
	char id[ULID_LEN + 1];
	uint64_t at_ms;

	(void)state;

	str_ncpy(id, party_add(true)->leg.info.id, sizeof(id));
	d = go(true);
	hub = mem_deref(hub);
	assert_ptr_equal(list_head(&all.list)->data, d);
	run(sounds);

	departure_step(d, "01ARZ3NDEKTSV4RRFFQ69G5FAV",
		       SY__MOVE_STEP__MOVE_ANSWERED);
	run(sounds);

	departure_step(d, id, SY__MOVE_STEP__MOVE_ANSWERED);
	run(a_while);
	run(a_while);
	assert_int_equal(packets, 0);
	assert_int_equal(load_now().ports_used, 3);

	departure_step(d, id, SY__MOVE_STEP__MOVE_HEARD);
	at_ms = tmr_jiffies();
	run(one_port_less);
	assert_true(tmr_jiffies() >= at_ms + DEPARTURE_LINGER_MS);

	departure_step(d, "", SY__MOVE_STEP__MOVE_DONE);
	assert_null(all.list.head);
	run(only_far);
}

/* A hub that stays has lost nothing. */
static void test_undone(void **state)
{
	struct departure *d;

	(void)state;

	party_add(true);
	assert_int_equal(departure_alloc(&d, &all, hub, &local), 0);
	assert_null(departure_find(&all, hub->id));
	mem_deref(d);
	run(one_port_less);
	run(sounds);
	assert_false(hub_is_over(hub));
}

/* Nobody hears anything: nothing is left. */
static void test_no_link(void **state)
{
	struct departure *d;
	struct sa addr;
	uint8_t key[MEDIA_LINK_KEY_BYTES];
	struct fate mute;

	(void)state;

	fake_add(hub, &mute, &fake_party, IN); /* without any media */
	party_add(false);
	assert_int_equal(departure_alloc(&d, &all, hub, NULL), 0);
	assert_false(departure_link(d, &addr, key));
	departure_go(d, hub, INSTANCE, &local, NULL, NULL);
	assert_true(abandoned);
	assert_int_equal(mute.abandons, 1);
	assert_null(all.list.head);
	hub = mem_deref(hub);
	run(only_far);
}

static bool no_player(void)
{
	return load_now().legs == 3;
}

/* The other node's player is heard by the link: ours goes. */
static void test_players(void **state)
{
	(void)state;

	party_add(true);
	player_add();
	assert_int_equal(load_now().legs, 3); /* with the far link */
	go(false);
	assert_int_equal(load_now().legs, 4);
	run(a_while);
	assert_int_equal(load_now().legs, 4);

	departures_close(&all);
	hub = mem_deref(hub);
}

static void test_players_end(void **state)
{
	(void)state;

	party_add(true);
	player_add();
	go(true);
	run(no_player);
}

/* Whoever has the hub dies: it is adopted, and nothing here is of use. */
static void test_owner_dies(void **state)
{
	(void)state;

	party_add(true);
	go(true);
	world_pass(&world, 2000);
	assert_non_null(all.list.head);
	live = false;
	world_pass(&world, 2000);
	assert_null(all.list.head);
}

/* It does not last for ever; with early media it lasts longer. */
static void test_time_over(void **state)
{
	(void)state;

	party_add(true);
	go(true);
	for (int i = 0; i < DEPARTURE_MS / 1000 - 1; i++)
		world_pass(&world, 1000);
	assert_non_null(all.list.head);
	for (int i = 0; i < 3; i++)
		world_pass(&world, 1000);
	assert_null(all.list.head);
}

static void test_early(void **state)
{
	struct sound *s = party_add(false);
	struct departure *d;
	char id[ULID_LEN + 1];

	(void)state;

	assert_int_equal(leg_progress(&s->leg, 180), 0);
	s->leg.early = true;
	str_ncpy(id, s->leg.info.id, sizeof(id));
	d = go(true);
	for (int i = 0; i < DEPARTURE_EARLY_MS / 1000 - 1; i++)
		world_pass(&world, 1000);
	assert_ptr_equal(all.list.head->data, d);

	departure_step(d, id, SY__MOVE_STEP__MOVE_ANSWERED);
	for (int i = 0; i < DEPARTURE_MS / 1000 - 1; i++)
		world_pass(&world, 1000);
	assert_non_null(all.list.head);
	for (int i = 0; i < 3; i++)
		world_pass(&world, 1000);
	assert_null(all.list.head);
}

/* Who sent RTP here and sends it elsewhere by now is sent none, told or not;
 * until it is heard here again. */
static struct sa here;

static uint16_t seq;

/* One packet a step, until some have been sent. */
static bool says(void)
{
	uint8_t pkt[12 + 80] = {0x80};

	++seq;
	pkt[2] = (uint8_t)(seq >> 8);
	pkt[3] = (uint8_t)seq;
	pkt[6] = (uint8_t)(seq * 80 >> 8);
	pkt[7] = (uint8_t)(seq * 80);
	assert_int_equal(sendto(fd, pkt, sizeof(pkt), 0, &here.u.sa, here.len),
			 sizeof(pkt));

	return seq % 8 == 0;
}

static void test_peer_is_gone(void **state)
{
	struct sound *s = party_add(true);

	(void)state;

	here = *media_leg_laddr(s->media);
	go(true);
	world_pass(&world, 200);
	run(says);
	world_pass(&world, 200);
	run(sounds);
	for (int i = 0; i < 6; i++)
		world_pass(&world, 200);
	run(a_while);
	run(a_while);
	assert_int_equal(packets, 0);

	run(says);
	world_pass(&world, 200);
	run(sounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_steps, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_undone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_link, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_players, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_players_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_owner_dies, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_time_over, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_early, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_peer_is_gone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
