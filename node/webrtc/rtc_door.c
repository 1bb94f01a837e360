/* SPDX-License-Identifier: MIT */
/*
 * A transport at the door that its leg shares with others: which names of ours
 * are known there, and when its peer is the leg's own socket's.  Without a door
 * all is the leg's.
 */

#include <re.h>

#include "node/webrtc/rtc_impl.h"

void rtc_say(const struct rtc *rtc, const struct sa *dst, const uint8_t *p,
	     size_t len)
{
	if (!rtc->media)
		return;

	if (rtc->door)
		(void)door_send(rtc->door, dst, p, len);
	else
		(void)media_leg_aside_send(rtc->media, dst, p, len);
}

/* Its datagrams are the worker's from now on, which has time for them once a
 * tick: too late for a handshake. */
void rtc_join(struct rtc *rtc)
{
	const struct sa *peer = ice_selected(rtc->ice);

	if (!rtc->door || !rtc->media || !rtc->keyed || !peer)
		return;

	(void)media_leg_join(rtc->media, peer);
	if (rtc->name)
		door_guests_leave(rtc->name);
}

/* A check at the door, or DTLS; the leg's socket has what comes later. */
static void door_handler(const struct sa *src, const uint8_t *p, size_t len,
			 void *arg)
{
	struct rtc *rtc = arg;

	if (rtc->media && len)
		rtc_take(rtc, src, p, len);
}

void rtc_set_door(struct rtc *rtc, struct door *door)
{
	mem_deref(rtc->door);
	rtc->door = mem_ref(door);
}

/* Who came by an offer keeps what it has shown at the door. */
int rtc_door_known(struct rtc *rtc, const char *ufrag)
{
	struct door_name *name = NULL;
	int err = 0;

	if (!rtc->door || door_name_is(rtc->name, ufrag))
		return 0;

	if (door_name_is(rtc->offered, ufrag)) {
		name = rtc->offered;
		rtc->offered = NULL;
	} else {
		err = door_name(&name, rtc->door, ufrag, door_handler, rtc);
	}
	if (err)
		return err;
	mem_deref(rtc->name);
	rtc->name = name;

	return 0;
}

int rtc_door_offered(struct rtc *rtc, const char *ufrag)
{
	if (!rtc->door || door_name_is(rtc->name, ufrag))
		return 0;

	return door_name(&rtc->offered, rtc->door, ufrag, door_handler, rtc);
}
