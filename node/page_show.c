/* SPDX-License-Identifier: MIT */
/*
 * What a page is shown of its call: who the other one is, hold, mute.  It is
 * made anew whenever something of the hub changes, and told if it is not what
 * was told last.
 */

#include <string.h>
#include "node/leg_browser.h"
#include "node/page_priv.h"

static void show_peer(const struct page *pg, Sy__PhoneCallState *out)
{
	const struct leg *other = hub_other(pg->leg);
	const struct hub *hub = pg->leg->hub;
	const bool calls =
		pg->leg->info.direction == SY__DIRECTION__INBOUND;

	if (other && (!hub->conference || hub_is_park(hub))) {
		if (!leg_is_hidden(other)) {
			out->peer = (char *)other->info.user;
			out->peer_name = (char *)other->info.name;
		}
	} else if (calls) {
		out->peer = (char *)hub->called;
	} else {
		out->peer = pg->from;
		out->peer_name = pg->from_name;
	}
}

void page_call_state(const struct page *pg, Sy__PhoneCallState *out,
		     Google__Protobuf__Timestamp *answered)
{
	const struct leg_info *info = &pg->leg->info;

	sy__phone_call_state__init(out);
	out->leg = (char *)info->id;
	out->call = pg->leg->hub->id;
	out->direction = info->direction;
	out->state = info->state;
	out->held = info->held;
	out->muted = info->muted;
	show_peer(pg, out);
	if (info->answered_ms) {
		google__protobuf__timestamp__init(answered);
		timestamp_set_ms(answered, info->answered_ms);
		out->answered_at = answered;
	}
}

/* FNV-1a; 0 is kept for: nothing was shown. */
static uint64_t sum(const Sy__PhoneCallState *st)
{
	uint8_t buf[1024];
	uint64_t h = 0xcbf29ce484222325ull;
	size_t len = sy__phone_call_state__get_packed_size(st);

	if (len > sizeof(buf))
		return 1;
	len = sy__phone_call_state__pack(st, buf);
	for (size_t i = 0; i < len; i++)
		h = (h ^ buf[i]) * 0x100000001b3ull;

	return h ? h : 1;
}

static void update(struct page *pg)
{
	Google__Protobuf__Timestamp at;
	Sy__PhoneCallState st;
	struct page_words w = {.what = PAGE_STATE, .state = &st};
	uint64_t now;

	if (page_is_over(pg) || pg->away ||
	    !leg_is(pg->leg, SY__LEG_STATE__LEG_ANSWERED))
		return;

	page_call_state(pg, &st, &at);
	now = sum(&st);
	if (now == pg->shown)
		return;

	pg->shown = now;
	page_say(pg, &w);
}

void page_update(struct hub *hub)
{
	for (struct le *le = list_head(&hub->legs); le; le = le->next) {
		struct page *pg = leg_browser_page(le->data);

		if (pg)
			update(pg);
	}
}
