/* SPDX-License-Identifier: MIT */
/* Hubs that went to another node: see departure.h. */

#include <string.h>
#include <openssl/crypto.h>
#include "node/app/park.h"
#include "node/music.h"
#include "node/departure.h"

enum {
	LOOK_MS = 100,
	LOST_LOOKS = 3, /* without RTP of who sent it: it sends elsewhere */
};

struct departure {
	struct le le;	       /* in departures->list, once it went     */
	struct departures *ds; /* borrowed                              */
	char hub[ULID_LEN + 1];
	uint32_t instance;	/* that has it                           */
	struct mix *mix;	/* owned once it went; after the legs    */
	struct media_leg *link; /* owned, or NULL                        */
	uint8_t key[MEDIA_LINK_KEY_BYTES]; /* of what we send             */
	struct list legs;  /* struct media, owned                   */
	struct alarm look; /* is it still of use?                   */
	uint64_t until_ms; /* of the alarms' clock                  */
};

/* The media of a leg that is the other node's. */
struct media_here {
	struct le le;
	char id[ULID_LEN + 1];
	struct media_leg *leg; /* owned                                 */
	uint64_t rx;	       /* packets at the last look              */
	unsigned silent;       /* looks without one; 0: none expected   */
	bool answered;	       /* the new owner sends to it             */
	bool player;
	bool early; /* not answered yet                      */
	struct tmr linger;
};

static void media_destructor(void *data)
{
	struct media_here *mh = data;

	tmr_cancel(&mh->linger);
	list_unlink(&mh->le);
	mem_deref(mh->leg);
}

static void destructor(void *data)
{
	struct departure *d = data;

	alarm_stop(d->ds->alarms, &d->look);
	list_unlink(&d->le);
	list_flush(&d->legs);
	mem_deref(d->link);
	mem_deref(d->mix);
	OPENSSL_cleanse(d->key, sizeof(d->key));
}

void departures_close(struct departures *ds)
{
	list_flush(&ds->list);
}

struct departure *departure_find(const struct departures *ds, const char *hub)
{
	const struct le *le;

	for (le = list_head(&ds->list); le; le = le->next) {
		struct departure *d = le->data;

		if (!strcmp(d->hub, hub))
			return d;
	}

	return NULL;
}

static uint64_t now_ms(const struct departure *d)
{
	return d->ds->alarms->now_ms;
}

/* The other end is heard: so are the players there, and not twice. */
static void link_handler(struct media_leg *link, const struct media_event *ev,
			 void *arg)
{
	struct departure *d = arg;
	struct le *le = list_head(&d->legs);

	(void)link;
	if (ev->type != MEDIA_EV_RTP_START)
		return;

	while (le) {
		struct media_here *mh = le->data;

		le = le->next;
		if (mh->player)
			mem_deref(mh);
	}
}

int departure_alloc(struct departure **dp, struct departures *ds,
		    const struct hub *hub, const struct sa *laddr)
{
	struct departure *d = mem_zalloc(sizeof(*d), destructor);
	int err = 0;

	if (!d)
		return ENOMEM;

	d->ds = ds;
	str_ncpy(d->hub, hub->id, sizeof(d->hub));
	if (laddr && hub->mix) {
		rand_bytes(d->key, sizeof(d->key));
		err = media_leg_link_alloc(&d->link, hub->mix, laddr,
					   link_handler, d);
	}

	if (err)
		mem_deref(d);
	else
		*dp = d;

	return err;
}

bool departure_link(const struct departure *d, struct sa *addr,
		    uint8_t key[MEDIA_LINK_KEY_BYTES])
{
	if (!d->link)
		return false;

	*addr = *media_leg_laddr(d->link);
	memcpy(key, d->key, MEDIA_LINK_KEY_BYTES);
	return true;
}

/* ---------------------------------------------------------------- it goes */

static int media_add(struct departure *d, const struct leg *leg,
		     struct media_leg *media)
{
	struct media_here *mh = mem_zalloc(sizeof(*mh), media_destructor);

	if (!mh)
		return ENOMEM;

	tmr_init(&mh->linger);
	str_ncpy(mh->id, leg->info.id, sizeof(mh->id));
	mh->leg = media;
	mh->rx = UINT64_MAX; /* the first look is none */
	mh->player = !leg->ops->party;
	mh->early = !leg_is(leg, SY__LEG_STATE__LEG_ANSWERED);
	list_append(&d->legs, &mh->le, mh);
	if (mh->early)
		d->until_ms = now_ms(d) + DEPARTURE_EARLY_MS;

	return 0;
}

/* Who is neither heard nor hears has nothing to lose. */
static void take_media(struct departure *d, struct leg *leg)
{
	struct media_leg *media;

	if (!d->link || !leg_talks(leg) || !leg->ops->give_media)
		return;

	media = leg->ops->give_media(leg);
	if (media && media_add(d, leg, media))
		mem_deref(media);
}

static uint64_t packets(const struct media_leg *leg)
{
	struct media_stat st;

	media_leg_stat(leg, &st);
	return st.rx_packets;
}

/* Whose RTP has ceased to come sends it elsewhere: it knows the new owner,
 * though we were not told. Two streams at once would be none. */
static void look_media(struct media_here *mh)
{
	const uint64_t rx = packets(mh->leg);

	if (mh->player || mh->answered)
		return;

	if (mh->rx != UINT64_MAX && rx != mh->rx) {
		if (mh->silent > LOST_LOOKS)
			(void)media_leg_send(mh->leg, true);
		mh->silent = 1;
	} else if (mh->silent && mh->silent++ == LOST_LOOKS) {
		(void)media_leg_send(mh->leg, false);
	}
	mh->rx = rx;
}

static void look_handler(void *arg)
{
	struct departure *d = arg;
	struct departures *ds = d->ds;
	struct le *le;

	for (le = list_head(&d->legs); le; le = le->next)
		look_media(le->data);

	if (now_ms(d) >= d->until_ms ||
	    (ds->liveh && !ds->liveh(d->instance, ds->arg))) {
		mem_deref(d);
		return;
	}

	alarm_start(ds->alarms, &d->look, LOOK_MS, look_handler, d);
}

void departure_go(struct departure *d, struct hub *hub, uint32_t instance,
		  const struct sa *sip, const struct sa *laddr,
		  const uint8_t *key)
{
	struct le *le;

	d->instance = instance;
	d->until_ms = now_ms(d) + DEPARTURE_MS;
	if (!laddr || !d->link ||
	    media_leg_link_set(d->link, laddr, d->key, key))
		d->link = mem_deref(d->link);

	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		take_media(d, leg);
		if (leg->ops->depart)
			leg->ops->depart(leg, sip);
	}

	music_stop(hub);
	park_stop(hub);
	if (d->link) {
		d->mix = hub->mix;
		hub->mix = NULL;
	}
	hub_abandon(hub);

	list_append(&d->ds->list, &d->le, d);
	if (d->link)
		alarm_start(d->ds->alarms, &d->look, LOOK_MS, look_handler, d);
	else
		mem_deref(d);
}

/* -------------------------------------------------------------- it is over */

static void linger_handler(void *arg)
{
	mem_deref(arg);
}

static struct media_here *media_find(const struct departure *d, const char *id)
{
	const struct le *le;

	for (le = list_head(&d->legs); le; le = le->next) {
		struct media_here *mh = le->data;

		if (!strcmp(mh->id, id))
			return mh;
	}

	return NULL;
}

/* The time of who was ringing begins with its answer. */
static void answered(struct departure *d, struct media_here *mh)
{
	const struct le *le;

	mh->answered = true;
	(void)media_leg_send(mh->leg, false);
	if (!mh->early)
		return;

	mh->early = false;
	for (le = list_head(&d->legs); le; le = le->next) {
		const struct media_here *other = le->data;

		if (other->early)
			return;
	}
	d->until_ms = now_ms(d) + DEPARTURE_MS;
}

void departure_step(struct departure *d, const char *leg, Sy__MoveStep step)
{
	struct media_here *mh = media_find(d, leg);

	if (step == SY__MOVE_STEP__MOVE_DONE) {
		mem_deref(d);
		return;
	}
	if (!mh)
		return;

	if (step == SY__MOVE_STEP__MOVE_ANSWERED) {
		answered(d, mh);
	} else if (step == SY__MOVE_STEP__MOVE_HEARD) {
		answered(d, mh);
		tmr_start(&mh->linger, DEPARTURE_LINGER_MS, linger_handler, mh);
	}
}
