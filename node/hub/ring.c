/* SPDX-License-Identifier: MIT */
/* Parallel ringing: see ring.h. */

#include "node/hub/hub.h"

static void destructor(void *data)
{
	struct ring *ring = data;

	mem_deref(ring->conf.arg);
}

bool ring_is_on(const struct ring *ring)
{
	return ring->hub != NULL;
}

static struct leg *first_branch(const struct hub *hub,
				const struct ring *ring)
{
	const struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (leg->ring == ring)
			return leg;
	}

	return NULL;
}

/* Out of the hub, with every branch but one hung up. */
static void detach(struct ring *ring, struct leg *winner)
{
	struct hub *hub = ring->hub;
	struct leg *leg;

	alarm_stop(hub->env->alarms, &ring->timer);
	list_unlink(&ring->le);
	ring->hub = NULL;
	if (winner)
		winner->ring = NULL;

	while ((leg = first_branch(hub, ring)))
		leg_finish(leg, 487, winner ? "answered elsewhere" :
					      "gave up", true);
}

static void finish(struct ring *ring, enum ring_event ev, struct leg *leg,
		   uint16_t code)
{
	struct hub *hub = ring->hub;

	detach(ring, leg);
	ring->conf.h(ring, ev, leg, code, ring->conf.arg);
	mem_deref(ring);
	hub_check(hub, code, NULL);
}

static void timeout_handler(void *arg)
{
	struct ring *ring = arg;

	finish(ring, RING_FAILED, NULL, ring_better(ring->best, 480));
}

int ring_alloc(struct ring **rp, struct hub *hub,
	       const struct ring_conf *conf)
{
	struct ring *ring;

	if (!rp || !hub || !conf || !conf->h || hub_is_over(hub))
		return EINVAL;

	ring = mem_zalloc(sizeof(*ring), destructor);
	if (!ring)
		return ENOMEM;

	ring->hub = hub;
	ring->conf = *conf;
	list_append(&hub->rings, &ring->le, ring);
	alarm_start(hub->env->alarms, &ring->timer, conf->ring_ms,
		    timeout_handler, ring);

	*rp = ring;
	return 0;
}

void ring_add(struct ring *ring, struct leg *leg)
{
	if (!ring_is_on(ring) || leg_is(leg, SY__LEG_STATE__LEG_ENDED))
		return;

	leg->ring = ring;
	ring->branches++;
}

void ring_failed(struct ring *ring, uint16_t code)
{
	ring->best = ring_better(ring->best, ring_code(code));
}

void ring_seal(struct ring *ring, uint16_t code)
{
	if (!ring_is_on(ring) || ring->sealed)
		return;

	ring->sealed = true;
	if (!ring->branches) {
		finish(ring, RING_FAILED, NULL,
		       ring->best ? ring->best : code);
		return;
	}

	ring->conf.h(ring, RING_STARTED, first_branch(ring->hub, ring), 0,
		     ring->conf.arg);
}

void ring_cancel(struct ring *ring)
{
	if (!ring_is_on(ring))
		return;

	detach(ring, NULL);
	mem_deref(ring);
}

void ring_leg_progress(struct ring *ring, struct leg *leg, uint16_t code)
{
	ring->conf.h(ring, RING_PROGRESS, leg, code, ring->conf.arg);
}

void ring_leg_answered(struct ring *ring, struct leg *leg)
{
	finish(ring, RING_ANSWERED, leg, 200);
}

void ring_leg_ended(struct ring *ring, struct leg *leg, uint16_t code)
{
	(void)leg;

	if (!ring_is_on(ring))
		return;

	if (ring->branches)
		ring->branches--;
	ring_failed(ring, code);

	/* A 6xx speaks for all of the callee's phones (RFC 3261 16.7). */
	if (code >= 600 || (ring->sealed && !ring->branches))
		finish(ring, RING_FAILED, NULL, ring->best);
}

uint16_t ring_code(uint16_t code)
{
	if (code < 300 || code >= 700)
		return 480;
	if (code < 400)
		return 480; /* where to is only in its Contact */
	if (code == 401 || code == 407)
		return 403; /* the challenge was for us */
	if (code == 481 || code == 482 || code == 503)
		return 500; /* about our own request; 503: RFC 3261 16.7 */

	return code;
}

/* Lower is better. */
static uint32_t rank(uint16_t code)
{
	static const uint16_t order[] = {
		486, 480, 415, 420, 484, 488,
	};
	static const uint16_t poor[] = {404, 410, 408, 430, 487};
	size_t i;

	if (code >= 600)
		return 0;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		if (order[i] == code)
			return 1 + (uint32_t)i;
	for (i = 0; i < ARRAY_SIZE(poor); i++)
		if (poor[i] == code)
			return 500 + (uint32_t)i;

	/* Other 4xx before the poor ones, 5xx after all of them. */
	return code < 500 ? 50 : 1000 + code;
}

uint16_t ring_better(uint16_t a, uint16_t b)
{
	if (!a || !b)
		return a ? a : b;

	return rank(b) < rank(a) ? b : a;
}
