/* SPDX-License-Identifier: MIT */
/* Streams and their clock; see stream.h. */

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "tests/phone/stream_priv.h"
#include "tests/phone/watch.h"

enum {
	GROUPS = 4,
	STEP_MS = CODEC_FRAME_MS / GROUPS,
	PORT_MIN = 30000,
	PORT_MAX = 60000,
	BIND_TRIES = 2000,
	LAG_MAX_MS = 200, /* further behind than this is not made up for */
};

struct media {
	struct list groupv[GROUPS];
	unsigned group;	  /* served next */
	uint64_t next_ms; /* when        */
	struct tmr tmr;
	struct tones *tones;
	uint16_t port; /* tried next */
	size_t n;
	struct stream_stats past; /* of streams that are gone */
	struct media_lateness lateness;
};

double stream_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

/* ------------------------------------------------------------------ clock */

static void media_destructor(void *arg)
{
	struct media *m = arg;

	tmr_cancel(&m->tmr);
	mem_deref(m->tones);
}

static void group_serve(struct list *group)
{
	const double now_ms = stream_clock_ms();
	const uint64_t jiffies = tmr_jiffies();
	struct le *le = list_head(group);

	while (le) {
		struct stream *s = mem_ref(le->data);

		if (s->started)
			stream_receive(s, now_ms);
		watch_tick(&s->watchl, jiffies);
		if (s->started)
			stream_transmit(s);
		le = le->next;
		mem_deref(s);
	}
}

static void tick_handler(void *arg)
{
	struct media *m = arg;
	uint64_t now = tmr_jiffies();
	const double lag_ms = now > m->next_ms ? (double)(now - m->next_ms)
					       : 0.0;

	m->lateness.late += lag_ms > CODEC_FRAME_MS;
	m->lateness.max_ms = fmax(m->lateness.max_ms, lag_ms);
	if (now > m->next_ms + LAG_MAX_MS)
		m->next_ms = now;

	while (m->next_ms <= now) {
		++m->lateness.steps;
		group_serve(&m->groupv[m->group]);
		m->group = (m->group + 1) % GROUPS;
		m->next_ms += STEP_MS;
	}

	now = tmr_jiffies();
	if (m->n)
		tmr_start(&m->tmr, m->next_ms > now ? m->next_ms - now : 0,
			  tick_handler, m);
}

int media_alloc(struct media **mediap)
{
	struct media *m = mem_zalloc(sizeof(*m), media_destructor);
	int err;

	if (!m)
		return ENOMEM;

	err = tones_alloc(&m->tones);
	m->port = PORT_MIN + 2 * (rand_u16() % ((PORT_MAX - PORT_MIN) / 2));

	if (err)
		mem_deref(m);
	else
		*mediap = m;

	return err;
}

struct tones *media_tones(struct media *media)
{
	return media->tones;
}

static void stats_add(struct stream_stats *to, const struct stream_stats *s)
{
	to->tx += s->tx;
	to->rx += s->rx;
	to->lost += s->lost;
	to->late += s->late;
	to->stray += s->stray;
	to->forged += s->forged;
}

void media_lateness(const struct media *media, struct media_lateness *late)
{
	*late = media->lateness;
}

void media_totals(const struct media *media, struct stream_stats *total)
{
	struct le *le;

	*total = media->past;
	for (int i = 0; i < GROUPS; i++)
		LIST_FOREACH(&media->groupv[i], le)
			stats_add(total, &((struct stream *)le->data)->st);
}

static struct list *group_least(struct media *m)
{
	/* Streams come in pairs of a call; spread them in turn. */
	return &m->groupv[m->n % GROUPS];
}

/* ----------------------------------------------------------------- socket */

static int socket_open(int *fdp, struct sa *laddr, struct media *m)
{
	const int on = 1, size = 65536;
	int err = EADDRINUSE;
	int fd;

	fd = socket(sa_af(laddr), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		return errno;

	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));

	/* Even ports: the odd one above is where RTCP for us would go. */
	for (int i = 0; i < BIND_TRIES && err == EADDRINUSE; i++) {
		sa_set_port(laddr, m->port);
		m->port = m->port + 2 < PORT_MAX ? m->port + 2 : PORT_MIN;
		err = bind(fd, &laddr->u.sa, laddr->len) ? errno : 0;
	}

	if (err)
		close(fd);
	else
		*fdp = fd;

	return err;
}

int stream_rebind(struct stream *s, const struct sa *laddr)
{
	struct sa la = *laddr;
	int fd = -1, err;

	err = socket_open(&fd, &la, s->media);
	if (err)
		return err;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = fd;
	s->laddr = la;
	return 0;
}

/* ----------------------------------------------------------------- stream */

static void destructor(void *arg)
{
	struct stream *s = arg;

	if (s->media && s->le.list) {
		stats_add(&s->media->past, &s->st);
		--s->media->n;
	}
	list_unlink(&s->le);
	memset(&s->h, 0, sizeof(s->h));
	watch_flush(&s->watchl);
	if (s->fd >= 0)
		close(s->fd);
	mem_deref((void *)s->tone);
	mem_deref((void *)s->silence);
	mem_deref(s->enc);
	mem_deref(s->dec);
	mem_deref(s->secure);
	mem_deref(s->sound);
	mem_deref(s->tape);
	mem_deref(s->gap);
	mem_deref(s->media);
}

int stream_alloc(struct stream **sp, struct media *media,
		 const struct sa *laddr, const struct stream_handlers *h)
{
	struct stream *s;
	int err;

	if (!sp || !media || !laddr)
		return EINVAL;

	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;

	s->fd = -1;
	s->media = mem_ref(media);
	s->codec = CODEC_NONE;
	s->event_tx = s->event_rx = -1;
	s->tx.ssrc = rand_u32();
	s->tx.seq = rand_u16();
	s->tx.ts = rand_u32();
	if (h)
		s->h = *h;

	err = stream_rebind(s, laddr);
	if (err) {
		mem_deref(s);
		return err;
	}

	list_append(group_least(media), &s->le, s);
	if (!media->n++) {
		media->next_ms = tmr_jiffies() + STEP_MS;
		tmr_start(&media->tmr, STEP_MS, tick_handler, media);
	}

	*sp = s;
	return 0;
}

static int tones_update(struct stream *s)
{
	struct tones *tones = s->media->tones;
	const struct tone *tone = NULL, *silence = NULL;
	int err;

	if (s->codec == CODEC_NONE)
		return 0;

	err = tones_get(&tone, tones, s->codec, s->hz, s->db);
	if (!err)
		err = tones_get(&silence, tones, s->codec, 0, 0.0);
	if (err) {
		mem_deref((void *)tone);
		return err;
	}

	mem_deref((void *)s->tone);
	mem_deref((void *)s->silence);
	s->tone = tone;
	s->silence = silence;
	return 0;
}

int stream_set_tone(struct stream *s, unsigned hz, double db)
{
	const unsigned hz0 = s->hz;
	const double db0 = s->db;
	int err;

	s->hz = hz;
	s->db = db;
	err = tones_update(s);
	if (err) {
		s->hz = hz0;
		s->db = db0;
	}

	return err;
}

static int codec_change(struct stream *s, enum codec_id id)
{
	int err;

	if (s->codec == id)
		return 0;

	s->enc = mem_deref(s->enc);
	s->dec = mem_deref(s->dec);
	s->sound = mem_deref(s->sound);
	s->tape = mem_deref(s->tape);
	s->codec = id;
	s->rx.synced = false;
	s->playout.on = false;
	err = tones_update(s);
	if (!err && codec_info(id)->stateful)
		err = codec_enc_alloc(&s->enc, id);

	return err;
}

static const struct desc_codec *codec_in(const struct desc *d, enum codec_id id)
{
	for (size_t i = 0; i < d->codecc; i++)
		if (d->codecv[i].id == id)
			return &d->codecv[i];

	return NULL;
}

int stream_start(struct stream *s, const struct desc *local,
		 const struct desc *remote)
{
	const struct desc_codec *mine = NULL, *theirs = NULL;
	const struct secure_line *tx, *rx;
	bool wide;
	int err;

	/* Both lists are in the order agreed on: the first in common. */
	for (size_t i = 0; i < remote->codecc && !mine; i++) {
		theirs = &remote->codecv[i];
		mine = codec_in(local, theirs->id);
	}
	if (!mine || !sa_port(&remote->rtp))
		return ENOTSUP;

	err = desc_secure(local, remote, &tx, &rx);
	if (!err)
		err = secure_set(&s->secure, tx, rx);
	if (!err)
		err = codec_change(s, mine->id);
	if (err)
		return err;

	wide = codec_info(s->codec)->clock_hz == 48000;
	s->pt_rx = mine->pt;
	s->pt_tx = theirs->pt;
	s->event_rx = wide ? local->event48_pt : local->event_pt;
	s->event_tx = wide ? remote->event48_pt : remote->event_pt;
	s->raddr = remote->rtp;
	s->rtcp_mux = local->rtcp_mux && remote->rtcp_mux;
	if (!s->sends)
		s->tx.marker = true;
	s->sends = (local->dir & desc_dir_reverse(remote->dir) &
		    DESC_SENDONLY) &&
		   !sa_is_any(&remote->rtp);
	if (!s->started)
		stream_drain(s);
	s->started = true;
	return 0;
}

void stream_set_loss(struct stream *s, double percent)
{
	s->loss_percent = percent;
}

int stream_watch_tone(struct stream *s, unsigned hz, double threshold_db)
{
	struct gap *gap;
	const int err = gap_alloc(&gap, hz, threshold_db, stream_clock_ms());

	if (err)
		return err;

	mem_deref(s->gap);
	s->gap = gap;
	s->playout.on = false;
	return 0;
}

/* What waits in the socket is not yet known to be missing. */
bool stream_tone_gaps(const struct stream *s, struct gap_result *res)
{
	if (!s->gap)
		return false;

	gap_result(s->gap, s->served_ms > 0.0 ? s->served_ms
					      : stream_clock_ms(), res);
	return true;
}

void stream_mute(struct stream *s, bool on)
{
	s->muted = on;
}

void stream_play(struct stream *s, struct sound *sound)
{
	mem_deref(s->sound);
	s->sound = sound;
}

void stream_record(struct stream *s, struct tape *tape)
{
	mem_deref(s->tape);
	s->tape = tape;
}

void stream_stop(struct stream *s)
{
	s->started = false;
	s->sends = false;
	watch_flush(&s->watchl);
}

const struct sa *stream_laddr(const struct stream *s)
{
	return &s->laddr;
}

const struct sa *stream_raddr(const struct stream *s)
{
	return &s->raddr;
}

const char *stream_suite(const struct stream *s)
{
	return secure_suite_name(s->secure);
}

enum codec_id stream_codec(const struct stream *s)
{
	return s->codec;
}

struct list *stream_watches(struct stream *s)
{
	return &s->watchl;
}

void stream_stats(const struct stream *s, struct stream_stats *st)
{
	*st = s->st;
	if (s->rx.last_ms > 0.0)
		st->gap_max_ms = fmax(st->gap_max_ms,
				      stream_clock_ms() - s->rx.last_ms);
}

void stream_gap_reset(struct stream *s)
{
	s->st.gap_max_ms = 0.0;
}
