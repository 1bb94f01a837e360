/* SPDX-License-Identifier: MIT */
/* Destinations by kind, and the short ones themselves. */

#include "node/app/app.h"
#include "node/leg_player.h"

static app_h *const table[] = {
	[SY__DESTINATION__KIND_DEVICE] = app_dial,
	[SY__DESTINATION__KIND_EXTERNAL] = app_dial,
	[SY__DESTINATION__KIND_GROUP] = app_dial,
	[SY__DESTINATION__KIND_FEATURE] = app_feature,
	[SY__DESTINATION__KIND_PICKUP] = app_pickup,
	[SY__DESTINATION__KIND_CONFERENCE] = app_conference,
	[SY__DESTINATION__KIND_ECHO] = app_player,
	[SY__DESTINATION__KIND_TONE] = app_player,
	[SY__DESTINATION__KIND_FILE] = app_player,
};

uint16_t app_run(struct node *n, const struct app_call *call)
{
	const size_t kind = call->dest ? (size_t)call->dest->kind_case : 0;

	if (kind >= ARRAY_SIZE(table) || !table[kind])
		return 404;

	return table[kind](n, call);
}

uint16_t app_conference(struct node *n, const struct app_call *call)
{
	(void)n;

	return leg_answer(call->leg) ? 500 : 0;
}

uint16_t app_player(struct node *n, const struct app_call *call)
{
	struct leg *player;
	int err;

	/* First what may be missing, then the answer. */
	err = leg_player_add(&player, n, call->hub, call->dest);
	if (err)
		return err == ENOENT || err == EBADMSG ? 404 : 500;

	return leg_answer(call->leg) ? 500 : 0;
}
