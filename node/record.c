/* SPDX-License-Identifier: MIT */
/* Messages of hubs and legs: see record.h. */

#include <string.h>
#include "node/record.h"
#include "proto/store.h"

static Google__Protobuf__Timestamp *stamp(Google__Protobuf__Timestamp *ts,
					  uint64_t ms)
{
	if (!ms)
		return NULL;

	google__protobuf__timestamp__init(ts);
	timestamp_set_ms(ts, ms);
	return ts;
}

void record_quality(Sy__Quality *msg, const struct leg_quality *q)
{
	sy__quality__init(msg);
	msg->mos = q->mos;
	msg->mos_listening = q->mos_listening;
	msg->r_factor = q->r;
	msg->loss_percent = q->loss_percent;
	msg->discarded_percent = q->discarded_percent;
	msg->concealed_percent = q->concealed_percent;
	msg->recovered_percent = q->recovered_percent;
	msg->jitter_ms = q->jitter_ms;
	msg->round_trip_ms = q->round_trip_ms;
	msg->jitter_buffer_ms = q->jitter_buffer_ms;
	msg->peer_loss_percent = q->peer_loss_percent;
	msg->peer_jitter_ms = q->peer_jitter_ms;
	msg->peer_mos = q->peer_mos;
}

static void record_voice(Sy__Leg *msg, const struct leg_info *info)
{
	const struct leg_voice *v = &info->voice;

	msg->gain_in_db = v->gain_in_db;
	msg->gain_out_db = v->gain_out_db;
	msg->agc = v->agc;
	msg->denoise = v->denoise[0] ? (char *)v->denoise : "off";
	msg->comfort_noise_db = v->comfort_noise_db;
	msg->talking = info->talking;
	msg->level_in_db = info->level_in_db;
	msg->rx_packets = info->rx_packets;
	msg->rx_foreign = info->rx_foreign;
	msg->tx_packets = info->tx_packets;
	msg->level_out_db = info->level_out_db;
}

void record_dialog_init(Sy__DialogState *ds, const struct leg *leg)
{
	sy__dialog_state__init(ds);
	leg->ops->checkpoint(leg, ds);
	ds->leg = (char *)leg->info.id;
	ds->ref = leg->ref;
	if (leg->tok_instance) {
		ds->invite_instance = leg->tok_instance;
		ds->invite_epoch = leg->tok_epoch;
	}
	ds->direction = leg->info.direction;
	ds->state = leg->info.state;
}

static Sy__LegDialog *record_names(Sy__LegDialog *msg,
				   const struct leg_dialog *d)
{
	if (!d->call_id[0])
		return NULL;

	sy__leg_dialog__init(msg);
	msg->call_id = (char *)d->call_id;
	msg->local_tag = (char *)d->local_tag;
	msg->remote_tag = (char *)d->remote_tag;

	return msg;
}

void record_leg_init(struct record_leg *rec, const struct leg_info *info)
{
	Sy__Leg *msg = &rec->msg;
	Sy__Quality figures;

	sy__leg__init(msg);
	msg->id = (char *)info->id;
	msg->kind = info->kind;
	msg->state = info->state;
	msg->user = (char *)info->user;
	msg->display_name = (char *)info->name;
	msg->router = (char *)info->router;
	msg->trunk = (char *)info->trunk;
	msg->direction = info->direction;
	msg->codec = (char *)info->codec;
	msg->srtp = (char *)info->srtp;
	msg->dialog = record_names(&rec->dialog, &info->dialog);
	msg->webrtc = info->webrtc;
	msg->muted = info->muted;
	msg->deaf = info->deaf;
	msg->held = info->held;
	record_quality(&figures, &info->quality);
	store_quality_show(msg, &figures);
	record_voice(msg, info);
	msg->end_code = info->end_code;
	msg->end_reason = (char *)info->end_reason;
	msg->started_at = stamp(&rec->started, info->started_ms);
	msg->answered_at = stamp(&rec->answered, info->answered_ms);
	msg->ended_at = stamp(&rec->ended, info->ended_ms);
}

static void read_quality(struct leg_quality *q, const Sy__Leg *msg)
{
	*q = (struct leg_quality){
		.valid = msg->mos > 0,
		.mos = msg->mos,
		.mos_listening = msg->mos_listening,
		.r = msg->r_factor,
		.loss_percent = msg->loss_percent,
		.discarded_percent = msg->discarded_percent,
		.concealed_percent = msg->concealed_percent,
		.recovered_percent = msg->recovered_percent,
		.jitter_ms = msg->jitter_ms,
		.round_trip_ms = msg->round_trip_ms,
		.peer_loss_percent = msg->peer_loss_percent,
		.peer_jitter_ms = msg->peer_jitter_ms,
		.peer_mos = msg->peer_mos,
		.jitter_buffer_ms = msg->jitter_buffer_ms,
	};
}

bool record_leg_is_live(const Sy__Leg *msg)
{
	switch (msg->state) {

	case SY__LEG_STATE__LEG_SETUP:
	case SY__LEG_STATE__LEG_RINGING:
	case SY__LEG_STATE__LEG_ANSWERED:
		return true;
	default:
		return false;
	}
}

void record_leg_read(struct leg_info *info, const Sy__Leg *msg)
{
	struct leg_voice *v = &info->voice;

	memset(info, 0, sizeof(*info));
	str_ncpy(info->id, msg->id, sizeof(info->id));
	info->kind = msg->kind;
	info->state = msg->state;
	info->direction = msg->direction;
	str_ncpy(info->user, msg->user, sizeof(info->user));
	str_ncpy(info->trunk, msg->trunk, sizeof(info->trunk));
	str_ncpy(info->name, msg->display_name, sizeof(info->name));
	str_ncpy(info->router, msg->router, sizeof(info->router));
	str_ncpy(info->codec, msg->codec, sizeof(info->codec));
	str_ncpy(info->srtp, msg->srtp, sizeof(info->srtp));
	if (msg->dialog)
		leg_dialog_set(&info->dialog, msg->dialog->call_id,
			       msg->dialog->local_tag,
			       msg->dialog->remote_tag);
	info->webrtc = msg->webrtc;
	info->muted = msg->muted;
	info->deaf = msg->deaf;
	info->held = msg->held;
	read_quality(&info->quality, msg);
	v->gain_in_db = msg->gain_in_db;
	v->gain_out_db = msg->gain_out_db;
	v->agc = msg->agc;
	if (strcmp(msg->denoise, "off"))
		str_ncpy(v->denoise, msg->denoise, sizeof(v->denoise));
	v->comfort_noise_db = msg->comfort_noise_db;
	info->level_in_db = msg->level_in_db;
	info->level_out_db = msg->level_out_db;
	info->rx_packets = msg->rx_packets;
	info->rx_foreign = msg->rx_foreign;
	info->tx_packets = msg->tx_packets;
	info->started_ms = timestamp_ms(msg->started_at);
	info->answered_ms = timestamp_ms(msg->answered_at);
	info->ended_ms = timestamp_ms(msg->ended_at);
	info->end_code = (uint16_t)msg->end_code;
	str_ncpy(info->end_reason, msg->end_reason, sizeof(info->end_reason));
}

static int add_legs(struct record_call *rec, const struct list *list,
		    bool past)
{
	const size_t n = list_count(list);
	const struct le *le;
	size_t i = 0;

	if (!n)
		return 0;

	rec->legv = mem_zalloc(n * sizeof(*rec->legv), NULL);
	rec->recv = mem_zalloc(n * sizeof(*rec->recv), NULL);
	if (!rec->legv || !rec->recv)
		return ENOMEM;

	for (le = list_head(list); le; le = le->next, i++) {
		const struct leg *leg = le->data;
		const struct leg_past *gone = le->data;

		if (!past && leg->ops->stat)
			leg->ops->stat(le->data);
		record_leg_init(&rec->recv[i],
				past ? &gone->info : &leg->info);
		rec->legv[i] = &rec->recv[i].msg;
	}

	rec->msg.legs = rec->legv;
	rec->msg.n_legs = n;
	return 0;
}

int record_call_init(struct record_call *rec, const struct hub *hub,
		     const char *node, enum record_legs what)
{
	Sy__Call *msg = &rec->msg;

	memset(rec, 0, sizeof(*rec));
	sy__call__init(msg);
	msg->id = (char *)hub->id;
	msg->node = (char *)node;
	msg->epoch = hub->epoch;
	msg->state = hub->state;
	msg->destination = (char *)hub->destination;
	msg->caller = (char *)hub->caller;
	msg->called = (char *)hub->called;
	msg->end_reason = (char *)hub->end_reason;
	msg->started_at = stamp(&rec->started, hub->started_ms);
	msg->answered_at = stamp(&rec->answered, hub->answered_ms);
	msg->ended_at = stamp(&rec->ended, hub->ended_ms);
	msg->parked = park_show(&rec->park, hub);
	if (hub->trail) {
		msg->diversions = hub->trail->diversions;
		msg->n_diversions = hub->trail->n_diversions;
	}

	switch (what) {

	case RECORD_LIVE:
		return add_legs(rec, &hub->legs, false);
	case RECORD_PAST:
		return add_legs(rec, &hub->past, true);
	default:
		return 0;
	}
}

void record_call_close(struct record_call *rec)
{
	mem_deref(rec->legv);
	mem_deref(rec->recv);
	rec->legv = NULL;
	rec->recv = NULL;
}
