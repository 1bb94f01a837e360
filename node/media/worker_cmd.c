/* SPDX-License-Identifier: MIT */
/*
 * Between signalling and a worker: commands in, notes out.  Nothing is taken
 * that could not be given back, so no object is ever lost.
 */

#include <unistd.h>
#include <re.h>

#include "node/media/meter.h"
#include "node/media/mix.h"
#include "node/media/voice.h"
#include "node/media/worker.h"

/* There is always room: commands are taken only while there is. */
static void give_back(struct worker *w, void *obj)
{
	struct note note = {.type = NOTE_FREE, .obj = obj};

	if (!obj)
		return;

	(void)ring_put(w->notes, &note);
	w->noted = true;
}

void worker_note(struct worker *w, const struct note *note)
{
	if (ring_space(w->notes) <= WORKER_EVENTS_KEEP) {
		stat_inc(w->events_dropped);
		return;
	}

	(void)ring_put(w->notes, note);
	w->noted = true;
}

/* An event must be read before its leg is freed: both by the owner's ring. */
void leg_event(struct leg *leg, struct worker *w, const struct media_event *ev)
{
	const struct note note = {.type = NOTE_EVENT, .ev = *ev, .obj = leg};

	if (w->helps)
		crew_note(w->crew, w, &note);
	else
		worker_note(w, &note);
}

void worker_wake_signalling(struct worker *w)
{
	const uint64_t one = 1;

	if (!w->noted)
		return;

	/* Fails only when it is awake anyhow. */
	if (write(w->event_fd, &one, sizeof(one)) > 0)
		w->noted = false;
}

static void leg_del(struct worker *w, struct leg *leg)
{
	list_unlink(&leg->le);
	meter_leave(leg->bus, leg);
	--leg->bus->legc;
	watch_del(&w->watch, leg);
	--w->objs;
	if (leg->ops->stop)
		leg->ops->stop(leg, w);

	give_back(w, leg);
}

static void frames_set(struct worker *w, struct frames *frames)
{
	give_back(w, w->frames);
	w->frames = frames;
}

static void leg_add(struct worker *w, struct leg *leg, const struct tick *t)
{
	list_append(&leg->bus->legl, &leg->le, leg);
	++leg->bus->legc;
	watch_add(&w->watch, leg, t->now_us);
	mixbus_wake(leg->bus, w);
	++w->objs;
}

static void command(struct worker *w, const struct cmd *cmd,
		    const struct tick *t)
{
	struct mixbus *bus = cmd->obj;
	struct leg *leg = cmd->obj;

	switch (cmd->type) {

	case CMD_MIX_ADD:
		list_append(&w->busl, &bus->le, bus);
		++w->objs;
		break;

	case CMD_MIX_DEL:
		list_unlink(&bus->le);
		--w->objs;
		give_back(w, bus);
		break;

	case CMD_LEG_ADD:
		leg_add(w, leg, t);
		break;

	case CMD_LEG_DEL:
		leg_del(w, leg);
		break;

	case CMD_LEG_MUTE:
		leg->mute_in = cmd->a;
		leg->mute_out = cmd->b;
		mixbus_wake(leg->bus, w);
		break;

	case CMD_LEG_VOICE:
		voice_take(cmd->ptr, leg->voice);
		give_back(w, leg->voice);
		leg->voice = cmd->ptr;
		mixbus_wake(leg->bus, w);
		break;

	case CMD_MIX_WATCH:
		meter_set(bus, cmd->a);
		mixbus_wake(bus, w);
		break;

	case CMD_LEG_SET:
	case CMD_LEG_DTMF:
	case CMD_LEG_FREEZE:
	case CMD_LEG_SEND:
	case CMD_LEG_ASIDE:
		give_back(w, leg->ops->cmd(leg, cmd));
		mixbus_wake(leg->bus, w);
		break;

	case CMD_POOL:
		pool_add(&w->pool, cmd->ptr);
		break;

	case CMD_FRAMES:
		frames_set(w, cmd->ptr);
		break;
	}
}

/* A command gives back one object at most. */
void worker_commands(struct worker *w, const struct tick *t)
{
	struct cmd cmd;

	while (ring_space(w->notes) > 1 && ring_get(w->cmds, &cmd))
		command(w, &cmd, t);

	if (atomic_load_explicit(&w->full, memory_order_relaxed)) {
		atomic_store_explicit(&w->full, false, memory_order_relaxed);
		w->noted = true;
	}
}
