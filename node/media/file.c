/* SPDX-License-Identifier: MIT */
/*
 * A player of sound files.  The whole file is read and resampled before the
 * worker sees it: the tick never waits for a disk.  Players of the same file
 * share what was read, as long as one of them plays: music on hold costs its
 * memory once.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <re.h>
#include <sndfile.h>

#include "node/media/engine.h"
#include "node/media/mix.h"
#include "node/media/resample.h"

enum {
	LENGTH_MAX_S = 600,
	CHANNELS_MAX = 32,
	READ_SMP = 4096,
};

/* What was read of a file.  Counted by the thread that allocates and frees
 * the legs; the worker only reads the samples. */
struct sound {
	struct le le;         /* in sounds */
	char *path;
	struct timespec mtime;
	int16_t *pcm;         /* 48 kHz; owned */
	size_t n;
};

struct file_leg {
	struct leg leg;
	struct sound *sound;  /* reference */
	const int16_t *pcm;   /* of it; RO for the worker */
	size_t n;
	size_t pos;
	bool loop;
	bool ended;
};

/* Those that are played; each leaves it when its last player went. */
static _Thread_local struct list sounds;

static const float *get(struct leg *leg, float *buf, const struct tick *t)
{
	const struct media_event ev = {.type = MEDIA_EV_END};
	struct file_leg *f = (struct file_leg *)leg;
	size_t i = 0;

	if (f->ended)
		return NULL;

	while (i < MEDIA_FRAME_SMP) {

		if (f->pos == f->n) {
			f->pos = 0;
			if (!f->loop)
				break;
		}

		buf[i++] = (float)f->pcm[f->pos++] / 32768.0f;
	}

	if (i < MEDIA_FRAME_SMP) {
		memset(buf + i, 0, (MEDIA_FRAME_SMP - i) * sizeof(*buf));
		f->ended = true;
		leg_event(leg, t->w, &ev);
	}

	return buf;
}

static bool is_idle(const struct leg *leg)
{
	const struct file_leg *f = (const struct file_leg *)leg;

	return f->ended;
}

static const struct leg_ops ops = {
	.name = "file",
	.get = get,
	.idle = is_idle,
};

static void destructor(void *arg)
{
	struct file_leg *f = arg;

	leg_dispose(&f->leg);
	mem_deref(f->sound);
}

static void sound_destructor(void *arg)
{
	struct sound *s = arg;

	list_unlink(&s->le);
	mem_deref(s->path);
	mem_deref(s->pcm);
}

/* The first channel of a file. */
static int read_first(SNDFILE *sf, const SF_INFO *info, float *pcm)
{
	size_t n = (size_t)info->frames, pos = 0;
	size_t ch = (size_t)info->channels;
	float *buf;
	int err = 0;

	buf = mem_alloc(READ_SMP * ch * sizeof(*buf), NULL);
	if (!buf)
		return ENOMEM;

	while (pos < n) {
		sf_count_t i, got = sf_readf_float(
			sf, buf, (sf_count_t)MIN(n - pos, (size_t)READ_SMP));

		if (got <= 0) {
			err = EBADMSG;
			break;
		}

		for (i = 0; i < got; i++)
			pcm[pos++] = buf[(size_t)i * ch];
	}

	mem_deref(buf);

	return err;
}

static int convert(struct sound *f, const float *in, size_t inc,
		   uint32_t in_hz)
{
	float *out;
	size_t i, n;
	int err;

	err = resample_sound(&out, &n, MEDIA_RATE_HZ, in, inc, in_hz);
	if (err)
		return err == EINVAL ? EBADMSG : err;

	f->pcm = mem_alloc(n * sizeof(*f->pcm), NULL);
	if (!f->pcm) {
		free(out);
		return ENOMEM;
	}

	for (i = 0; i < n; i++) {
		float x = MIN(MAX(out[i] * 32768.0f, -32768.0f), 32767.0f);

		f->pcm[i] = (int16_t)(x < 0 ? x - 0.5f : x + 0.5f);
	}

	f->n = n;
	free(out);

	return n ? 0 : EBADMSG;
}

static int load(struct sound *f, const char *path)
{
	SF_INFO info = {0};
	float *pcm = NULL;
	SNDFILE *sf;
	int err;

	sf = sf_open(path, SFM_READ, &info);
	if (!sf)
		return EBADMSG;

	err = EBADMSG;
	if (info.frames <= 0 || info.samplerate <= 0 || info.channels <= 0 ||
	    info.channels > CHANNELS_MAX)
		goto out;

	err = EFBIG;
	if (info.frames / info.samplerate >= LENGTH_MAX_S)
		goto out;

	err = ENOMEM;
	pcm = mem_alloc((size_t)info.frames * sizeof(*pcm), NULL);
	if (!pcm)
		goto out;

	err = read_first(sf, &info, pcm);
	if (err)
		goto out;

	err = convert(f, pcm, (size_t)info.frames, (uint32_t)info.samplerate);

out:
	mem_deref(pcm);
	(void)sf_close(sf);

	return err;
}

/* @return 0, ENOENT, or as load(). */
static int sound_get(struct sound **sp, const char *path)
{
	struct sound *s;
	struct stat st;
	int err;

	if (stat(path, &st))
		return ENOENT;

	for (struct le *le = list_head(&sounds); le; le = le->next) {
		s = le->data;
		if (!strcmp(s->path, path) &&
		    !memcmp(&s->mtime, &st.st_mtim, sizeof(s->mtime))) {
			*sp = mem_ref(s);
			return 0;
		}
	}

	s = mem_zalloc(sizeof(*s), sound_destructor);
	if (!s)
		return ENOMEM;
	s->mtime = st.st_mtim;
	err = str_dup(&s->path, path);
	if (!err)
		err = load(s, path);
	if (err) {
		mem_deref(s);
		return err;
	}
	list_append(&sounds, &s->le, s);
	*sp = s;

	return 0;
}

static void skip(struct file_leg *f, uint64_t ms)
{
	const uint64_t smp = ms * (MEDIA_RATE_HZ / 1000);

	f->pos = f->loop ? (size_t)(smp % f->n)
			 : (size_t)MIN(smp, (uint64_t)f->n);
}

int media_leg_file_alloc(struct media_leg **lp, struct mix *mix,
			 const char *path, bool loop, uint64_t from_ms,
			 media_event_h *h, void *arg)
{
	struct file_leg *f;
	int err;

	if (!lp || !mix || !path)
		return EINVAL;

	f = mem_zalloc(sizeof(*f), destructor);
	if (!f)
		return ENOMEM;

	f->leg.ops = &ops;
	f->loop = loop;

	err = sound_get(&f->sound, path);
	if (err) {
		mem_deref(f);
		return err;
	}
	f->pcm = f->sound->pcm;
	f->n = f->sound->n;

	skip(f, from_ms);

	return leg_attach(lp, mix, &f->leg, h, arg);
}
