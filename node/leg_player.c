/* SPDX-License-Identifier: MIT */
/* Legs over the engine's players: see leg_player.h. */

#include "node/leg_player.h"
#include "node/record.h"
#include "node/talk.h"

struct leg_player {
	struct leg leg;           /* first */
	struct media_leg *media;  /* owned */
	Sy__Destination *source;  /* owned */
	uint64_t begun_ms;        /* since 1970 */
};

static void destructor(void *data)
{
	struct leg_player *lp = data;

	leg_close(&lp->leg);
	mem_deref(lp->media);
	if (lp->source)
		sy__destination__free_unpacked(lp->source, NULL);
}

static void *op_give_media(struct leg *leg)
{
	struct leg_player *lp = (struct leg_player *)leg;
	struct media_leg *media = lp->media;

	lp->media = NULL;
	media_leg_set_handler(media, NULL, NULL);

	return media;
}

static int op_mute(struct leg *leg)
{
	struct leg_player *lp = (struct leg_player *)leg;

	return media_leg_mute(lp->media, leg->info.muted, leg->info.deaf);
}

static int op_voice(struct leg *leg)
{
	const struct leg_player *lp = (const struct leg_player *)leg;

	return talk_voice_apply(lp->media, &leg->info.voice);
}

static void op_played(const struct leg *leg, Sy__PlayerState *out)
{
	const struct leg_player *lp = (const struct leg_player *)leg;

	out->leg = (char *)leg->info.id;
	out->source = lp->source;
	timestamp_set_ms(out->started_at, lp->begun_ms);
}

static const struct leg_ops ops = {
	.played = op_played,
	.give_media = op_give_media,
	.mute = op_mute,
	.voice = op_voice,
};

static int alloc_tone(struct media_leg **mp, struct mix *mix,
		      const Sy__Tone *tone)
{
	const struct media_tone mt = {
		.hz = {tone->hz},
		.level_db = tone->level_db != 0.0f ? tone->level_db : -20.0f,
	};

	if (!(tone->hz > 0.0f && tone->hz < MEDIA_RATE_HZ / 2))
		return EINVAL;

	return media_leg_tone_alloc(mp, mix, &mt, NULL, NULL);
}

int leg_player_file(struct media_leg **mp, struct node *n, struct mix *mix,
		    const char *name, uint64_t at_ms)
{
	char path[512];

	if (name[0] == '/' || !n->conf.sounds)
		str_ncpy(path, name, sizeof(path));
	else if (re_snprintf(path, sizeof(path), "%s/%s", n->conf.sounds,
			     name) < 0)
		return ENOENT;

	return media_leg_file_alloc(mp, mix, path, true, at_ms, NULL,
				    NULL);
}

static int alloc_media(struct media_leg **mp, struct node *n,
		       struct hub *hub, const Sy__Destination *dest,
		       uint64_t begun_ms)
{
	const uint64_t now_ms = hub->env->wall_ms();
	struct mix *mix;
	int err = node_mix(&mix, n, hub);

	if (err)
		return err;

	switch (dest->kind_case) {

	case SY__DESTINATION__KIND_ECHO:
		return media_leg_echo_alloc(mp, mix);
	case SY__DESTINATION__KIND_TONE:
		return alloc_tone(mp, mix, dest->tone);
	case SY__DESTINATION__KIND_FILE:
		return leg_player_file(mp, n, mix, dest->file,
				  now_ms > begun_ms ? now_ms - begun_ms : 0);
	default:
		return EINVAL;
	}
}

static int alloc(struct leg_player **lpp, struct node *n, struct hub *hub,
		 const Sy__Destination *dest, uint64_t begun_ms)
{
	struct leg_player *lp = mem_zalloc(sizeof(*lp), destructor);
	int err;

	if (!lp)
		return ENOMEM;

	lp->begun_ms = begun_ms;
	err = hub_destination_copy(&lp->source, dest);
	if (!err)
		err = alloc_media(&lp->media, n, hub, dest, begun_ms);
	if (err)
		mem_deref(lp);
	else
		*lpp = lp;

	return err;
}

int leg_player_add(struct leg **lp, struct node *n, struct hub *hub,
		   const Sy__Destination *dest)
{
	const bool echo = dest->kind_case == SY__DESTINATION__KIND_ECHO;
	char name[LEG_TEXT_MAX];
	const struct leg_conf conf = {
		.ops = &ops,
		.kind = echo ? SY__LEG_KIND__ECHO : SY__LEG_KIND__PLAYER,
		.direction = SY__DIRECTION__OUTBOUND,
		.user = name,
	};
	struct leg_player *player;
	int err;

	err = alloc(&player, n, hub, dest, hub->env->wall_ms());
	if (err)
		return err;

	hub_destination_print(name, sizeof(name), dest);
	leg_init(&player->leg, hub, &conf);
	hub_add(hub, &player->leg);
	(void)leg_answer(&player->leg);
	*lp = &player->leg;

	return 0;
}

int leg_player_resume(struct leg **lp, struct node *n, struct hub *hub,
		      const Sy__Leg *rec, const Sy__PlayerState *state)
{
	struct leg_player *player;
	struct leg_info info;
	int err;

	if (!state || !state->source)
		return EINVAL;
	if (!record_leg_is_live(rec))
		return EBADMSG;

	err = alloc(&player, n, hub, state->source,
		    timestamp_ms(state->started_at));
	if (err)
		return err;

	record_leg_read(&info, rec);
	leg_restore(&player->leg, hub, &ops, &info, 0);
	(void)op_mute(&player->leg);
	(void)op_voice(&player->leg);
	hub_add(hub, &player->leg);
	*lp = &player->leg;

	return 0;
}
