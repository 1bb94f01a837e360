/* SPDX-License-Identifier: MIT */
/* What the API does to calls and legs: see control.h. */

#include <string.h>
#include "node/app/dial.h"
#include "node/app/hunts.h"
#include "node/app/originate.h"
#include "node/checkpoint.h"
#include "node/control.h"
#include "node/leg_player.h"
#include "proto/log.h"

static struct hub *find_call(struct node *n, struct bus_request *req,
			     const char *id)
{
	struct hub *hub = node_hub(n, id);

	if (hub && !hub_is_over(hub))
		return hub;

	bus_replyf(req, SY__RESULT_CODE__NOT_FOUND, "no such call here");
	return NULL;
}

static struct leg *find_leg(struct node *n, struct bus_request *req,
			    const char *call, const char *id)
{
	const struct hub *hub = find_call(n, req, call);
	struct leg *leg;

	if (!hub)
		return NULL;

	leg = hub_leg(hub, id);
	if (!leg)
		bus_replyf(req, SY__RESULT_CODE__NOT_FOUND, "no such leg");

	return leg;
}

void control_get(struct node *n, struct bus_request *req,
		 const Sy__Envelope *env)
{
	const struct hub *hub = find_call(n, req, env->get_call->call);

	if (hub)
		control_reply_call(n, req, hub, NULL);
}

void control_hangup(struct node *n, struct bus_request *req,
		    const Sy__Envelope *env)
{
	const Sy__HangupCall *msg = env->hangup_call;
	struct hub *hub = find_call(n, req, msg->call);

	if (!hub)
		return;

	hub_end(hub, 480, msg->reason[0] ? msg->reason : "hung up by API");
	control_reply_call(n, req, hub, NULL);
}

void control_remove_leg(struct node *n, struct bus_request *req,
			const Sy__Envelope *env)
{
	const Sy__RemoveLeg *msg = env->remove_leg;
	struct leg *leg = find_leg(n, req, msg->call, msg->leg);
	struct hub *hub;

	if (!leg)
		return;

	hub = leg->hub;
	leg_hangup(leg, 480, msg->reason[0] ? msg->reason : "removed by API");
	control_reply_call(n, req, hub, NULL);
}

/* What a request wants of a voice. @return true if anything. */
static bool update_voice(struct leg_voice *voice, const Sy__UpdateLeg *msg)
{
	if (msg->set_gain_in_case)
		voice->gain_in_db = msg->gain_in_db;
	if (msg->set_gain_out_case)
		voice->gain_out_db = msg->gain_out_db;
	if (msg->set_agc_case)
		voice->agc = msg->agc;
	if (msg->set_denoise_case)
		str_ncpy(voice->denoise, msg->denoise,
			 sizeof(voice->denoise));
	if (msg->set_comfort_noise_case)
		voice->comfort_noise_db = msg->comfort_noise_db;

	return msg->set_gain_in_case || msg->set_gain_out_case ||
	       msg->set_agc_case || msg->set_denoise_case ||
	       msg->set_comfort_noise_case;
}

static void refuse_voice(struct bus_request *req, int err)
{
	if (err == EINVAL)
		bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST,
			   "gain: -40 to 40; comfort noise: 0 or -90 to -30; "
			   "denoise: off, speex, rnnoise or auto");
	else
		bus_replyf(req, SY__RESULT_CODE__CONFLICT, "%s",
			   err == ENOTSUP ?
				   "this leg or this node cannot do that" :
			   err == EPROTO ? "the leg has ended" :
					   strerror(err));
}

void control_update_leg(struct node *n, struct bus_request *req,
			const Sy__Envelope *env)
{
	const Sy__UpdateLeg *msg = env->update_leg;
	struct leg *leg = find_leg(n, req, msg->call, msg->leg);
	struct leg_voice voice;
	bool muted, deaf;
	int err = 0;

	if (!leg)
		return;

	muted = leg->info.muted;
	deaf = leg->info.deaf;
	if (msg->set_muted_case == SY__UPDATE_LEG__SET_MUTED_MUTED)
		muted = msg->muted;
	if (msg->set_deaf_case == SY__UPDATE_LEG__SET_DEAF_DEAF)
		deaf = msg->deaf;

	if (msg->set_held_case == SY__UPDATE_LEG__SET_HELD_HELD)
		err = leg->ops->hold ? leg->ops->hold(leg, msg->held) :
				       ENOTSUP;
	if (!err && (muted != leg->info.muted || deaf != leg->info.deaf))
		err = leg_mute(leg, muted, deaf);
	voice = leg->info.voice;
	if (!err && update_voice(&voice, msg)) {
		err = leg_voice_set(leg, &voice);
		if (err) {
			refuse_voice(req, err);
			return;
		}
	}

	if (err)
		bus_replyf(req, SY__RESULT_CODE__CONFLICT, "%s",
			   err == EBUSY ? "an offer is under way: later" :
			   err == ENOTSUP ? "this leg cannot be held" :
			   err == EPROTO ? "the leg is not answered" :
					   strerror(err));
	else
		control_reply_call(n, req, leg->hub, leg->info.id);
}

/* ------------------------------------------------------------ a further leg */

/* A request that is answered when its ring has begun, or could not. */
struct pending {
	struct node *node;
	struct hub *hub;          /* alive while the ring is             */
	struct bus_request *req;  /* NULL: answered, or another node was
				     asked                               */
};

static void pending_destructor(void *data)
{
	struct pending *p = data;

	if (p->req)
		bus_replyf(p->req, SY__RESULT_CODE__CONFLICT,
			   "call has ended");
}

int control_add_arg(void **argp, struct node *n, struct hub *hub,
		    const Sy__HuntState *what)
{
	struct pending *p = mem_zalloc(sizeof(*p), pending_destructor);

	(void)what;
	if (!p)
		return ENOMEM;

	p->node = n;
	p->hub = hub;
	*argp = p;

	return 0;
}

void control_add_handler(struct hunt *hunt, enum hunt_event ev,
			 struct leg *leg, uint16_t code, void *arg)
{
	struct pending *p = arg;

	(void)hunt;
	if (!p->req)
		return;

	if (ev == HUNT_STARTED) {
		control_reply_call(p->node, p->req, p->hub, leg->info.id);
		p->req = NULL;
	}
	else if (ev == HUNT_FAILED) {
		bus_replyf(p->req,
			   code == 404 ? SY__RESULT_CODE__NOT_FOUND :
					 SY__RESULT_CODE__CONFLICT,
			   "destination: %s", originate_why(code));
		p->req = NULL;
	}
}

static void add_dial(struct node *n, struct bus_request *req,
		     struct hub *hub, const Sy__AddLeg *msg)
{
	struct dial_conf conf = {
		.hub = hub,
		.dest = msg->destination,
		.from_name = msg->caller_name,
		.kind = SY__HUNT_KIND__HUNT_ADD,
		.ring_ms = node_ring_ms(n, msg->ring_seconds),
	};

	if (control_add_arg(&conf.arg, n, hub, NULL) ||
	    dial_start(n, &conf)) {
		mem_deref(conf.arg);
		bus_replyf(req, SY__RESULT_CODE__INTERNAL, "no memory");
		return;
	}

	((struct pending *)conf.arg)->req = req;
}

static void add_player(struct node *n, struct bus_request *req,
		       struct hub *hub, const Sy__Destination *dest)
{
	struct leg *leg;
	int err = leg_player_add(&leg, n, hub, dest);

	if (err)
		bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST,
			   "destination: %s", strerror(err));
	else
		control_reply_call(n, req, hub, leg->info.id);
}

void control_add_leg(struct node *n, struct bus_request *req,
		     const Sy__Envelope *env)
{
	const Sy__AddLeg *msg = env->add_leg;
	struct hub *hub = find_call(n, req, msg->call);

	if (!hub)
		return;

	if (!msg->destination || !msg->destination->kind_case ||
	    msg->destination->kind_case == SY__DESTINATION__KIND_CONFERENCE)
		bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST,
			   "destination: device, external, echo, tone or "
			   "file is wanted");
	else if (dial_can(msg->destination))
		add_dial(n, req, hub, msg);
	else
		add_player(n, req, hub, msg->destination);
}

/* -------------------------------------------------------------- a new call */

static const char *party(const Sy__Destination *dest)
{
	return dest->kind_case == SY__DESTINATION__KIND_DEVICE ?
		       dest->device :
	       dest->kind_case == SY__DESTINATION__KIND_EXTERNAL ?
		       dest->external->number :
	       dest->kind_case == SY__DESTINATION__KIND_CONFERENCE ?
		       dest->conference : "switchyard";
}

/* A call to a conference that is here already: one more rings in. */
static bool originate_known(struct bus_request *req, const struct hub *hub)
{
	if (!hub_is_over(hub) && hub->conference)
		return true;

	bus_replyf(req, SY__RESULT_CODE__CONFLICT,
		   "hub: there is a call of this id");
	return false;
}

static const char *originate_check(const Sy__Originate *msg)
{
	if (msg->hub[0] && !ulid_is_valid(msg->hub))
		return "hub: a ULID is wanted";
	if (!dial_can(msg->from))
		return "from: device or external is wanted";
	if (!msg->to || !msg->to->kind_case)
		return "to: missing";

	return NULL;
}

void control_originate(struct node *n, struct bus_request *req,
		       const Sy__Envelope *env)
{
	const Sy__Originate *msg = env->originate;
	const char *wrong = originate_check(msg);
	struct hub_conf conf = {0};
	struct hub *hub;

	if (wrong) {
		bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST, "%s", wrong);
		return;
	}

	hub = msg->hub[0] ? node_hub(n, msg->hub) : NULL;
	if (hub) {
		if (!originate_known(req, hub))
			return;
	}
	else {
		if (!control_has_room(n, req))
			return;
		conf.id = msg->hub[0] ? msg->hub : NULL;
		conf.epoch = 1;
		conf.dest = msg->to;
		conf.source = msg->source;
		conf.caller = party(msg->from);
		conf.called = party(msg->to);
		if (node_hub_alloc(&hub, n, &conf)) {
			bus_replyf(req, SY__RESULT_CODE__INTERNAL,
				   "no memory");
			return;
		}
		n->placed_total++;
		metric_inc(n->met.placed);
	}

	hub->came = true;
	hub_touch(hub);
	if (originate(n, hub, msg)) {
		hub_check(hub, 500, "no memory");
		bus_replyf(req, SY__RESULT_CODE__INTERNAL, "no memory");
		return;
	}

	/* Who is told of the call may ask for it at once. */
	checkpoint_save(n->checkpoint, hub);
	control_reply_call(n, req, hub, NULL);
}
