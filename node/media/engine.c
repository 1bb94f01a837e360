/* SPDX-License-Identifier: MIT */
/*
 * The signalling thread's side: start and end, commands out, notes in, load.
 */

#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <re.h>

#include "node/media/aside.h"
#include "node/media/engine.h"
#include "node/media/mix.h"
#include "node/media/port.h"
#include "node/media/resample.h"

enum {
	QUARANTINE_MS = 30000,
	OPUS_COMPLEXITY = 5,
	OPUS_BITRATE_BPS = 32000,
	WORKERS_MAX = 256,
};

uint64_t media_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);

	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void pending_flush(struct media *m)
{
	struct le *le;

	while ((le = list_head(&m->pending))) {

		struct release *rel = le->data;
		struct cmd cmd = {.type = rel->type, .obj = rel->obj};

		/* It says when there may be room: nothing else might. */
		if (!ring_put(rel->w->cmds, &cmd)) {
			atomic_store_explicit(&rel->w->full, true,
					      memory_order_relaxed);
			break;
		}

		list_unlink(le);
	}
}

int media_cmd(struct media *m, struct worker *w, const struct cmd *cmd)
{
	pending_flush(m);

	if (!list_isempty(&m->pending))
		return EAGAIN;

	return ring_put(w->cmds, cmd) ? 0 : EAGAIN;
}

void media_release(struct media *m, struct worker *w, struct release *rel,
		   enum cmd_type type, void *obj)
{
	rel->w = w;
	rel->type = (int)type;
	rel->obj = obj;
	list_append(&m->pending, &rel->le, rel);

	pending_flush(m);
}

static void note_handle(const struct note *note)
{
	struct media_leg *handle;
	struct leg *leg;

	if (note->type == NOTE_FREE) {
		mem_deref(note->obj);
		return;
	}

	leg = note->obj;
	handle = leg->handle;
	if (note->type == NOTE_ASIDE) {
		if (handle)
			aside_drain(handle);
		return;
	}

	if (handle && handle->h)
		handle->h(handle, &note->ev, handle->arg);
}

static void event_handler(int flags, void *arg)
{
	struct media *m = arg;
	struct note note;
	uint64_t n;
	unsigned i;

	(void)flags;

	if (read(m->event_fd, &n, sizeof(n)) < 0)
		n = 0;

	for (i = 0; i < m->workerc; i++) {
		while (ring_get(m->workerv[i]->notes, &note))
			note_handle(&note);
	}

	pending_flush(m);
}

/* The workers stand still: take back what they had not taken yet. */
static void drain(struct worker *w)
{
	struct note note;
	struct cmd cmd;

	while (ring_get(w->cmds, &cmd)) {

		if (cmd.type == CMD_LEG_DEL || cmd.type == CMD_MIX_DEL)
			mem_deref(cmd.obj);

		mem_deref(cmd.ptr);
	}

	while (ring_get(w->notes, &note)) {
		if (note.type == NOTE_FREE)
			mem_deref(note.obj);
	}
}

static void destructor(void *arg)
{
	struct media *m = arg;
	struct le *le;
	unsigned i;

	if (m->event_fd >= 0)
		fd_close(m->event_fd);

	for (i = 0; i < m->workerc; i++)
		worker_stop(m->workerv[i]);

	for (i = 0; i < m->workerc; i++)
		drain(m->workerv[i]);

	while ((le = list_head(&m->pending))) {
		struct release *rel = le->data;

		list_unlink(le);
		mem_deref(rel->obj);
	}

	for (i = 0; i < m->workerc; i++)
		mem_deref(m->workerv[i]);

	mem_deref(m->workerv);
	mem_deref(m->crew);
	mem_deref(m->ports);
	if (m->event_fd >= 0)
		(void)close(m->event_fd);
}

static void defaults(struct media_conf *conf)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (!conf->workers)
		conf->workers = n > 0 ? (unsigned)n : 1;
	if (conf->workers > WORKERS_MAX)
		conf->workers = WORKERS_MAX;
	if (!conf->quarantine_ms)
		conf->quarantine_ms = QUARANTINE_MS;
	if (conf->opus_complexity <= 0 || conf->opus_complexity > 10)
		conf->opus_complexity = OPUS_COMPLEXITY;
	if (!conf->opus_bitrate_bps)
		conf->opus_bitrate_bps = OPUS_BITRATE_BPS;
}

static int workers(struct media *m)
{
	unsigned n = m->conf.workers;
	int err = 0;

	m->workerv = mem_zalloc(n * sizeof(*m->workerv), NULL);
	if (!m->workerv)
		return ENOMEM;

	err = crew_alloc(&m->crew, n);

	while (!err && m->workerc < n) {

		err = worker_alloc(&m->workerv[m->workerc], m->workerc, n,
				   m->event_fd, m->conf.rt_priority);
		if (err)
			break;

		m->workerv[m->workerc]->crew = m->crew;
		m->workerv[m->workerc]->never_shed = m->conf.never_shed;
		err = worker_start(m->workerv[m->workerc++]);
	}

	return err;
}

int media_alloc(struct media **mp, const struct media_conf *conf)
{
	struct media *m;
	int err;

	if (!mp || !conf)
		return EINVAL;

	resample_tables();

	m = mem_zalloc(sizeof(*m), destructor);
	if (!m)
		return ENOMEM;

	m->event_fd = -1;
	m->conf = *conf;
	defaults(&m->conf);
	rand_str(m->cname, 22); /* over 96 bits, and no address */

	err = port_alloc(&m->ports, conf->rtp_port_min, conf->rtp_port_max,
			 m->conf.quarantine_ms);
	if (err)
		goto out;

	m->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->event_fd < 0) {
		err = errno;
		goto out;
	}

	err = fd_listen(m->event_fd, FD_READ, event_handler, m);
	if (err)
		goto out;

	err = workers(m);

out:
	if (err)
		mem_deref(m);
	else
		*mp = m;

	return err;
}

void media_load(const struct media *m, struct media_load *load)
{
	struct port_count ports;
	unsigned i;

	if (!m || !load)
		return;

	memset(load, 0, sizeof(*load));

	port_count(m->ports, media_now_ms(), &ports);
	load->ports_free = ports.free;
	load->ports_used = ports.used;
	load->ports_quarantined = ports.quarantined;

	load->workers = m->workerc;

	for (i = 0; i < m->workerc; i++) {
		const struct worker *w = m->workerv[i];

		load->mixes += w->mixes;
		load->legs += w->legs;
		load->ticks += stat_get(w->ticks);
		load->late_ticks += stat_get(w->late_ticks);
		load->cpu_us += stat_get(w->cpu_us);
		load->rx_foreign += stat_get(w->rx_foreign);
		load->rx_invalid += stat_get(w->rx_invalid);
		load->rx_refused += stat_get(w->rx_refused);
		load->rx_dropped += stat_get(w->rx_dropped);
		load->wake_p99_us =
			MAX(load->wake_p99_us, worker_wake_p99_us(w));
		load->shed = MAX(load->shed, (uint32_t)stat_get(w->level));
		load->realtime += stat_get(w->realtime) > 0;
		load->encodes += stat_get(w->encodes);
		load->tick_p99_us = MAX(load->tick_p99_us, worker_p99_us(w));
	}

	load->tick_used_percent =
		(float)load->tick_p99_us / (MEDIA_TICK_MS * 10.0f);
}
