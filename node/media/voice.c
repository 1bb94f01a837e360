/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>
#include <re.h>

#include "node/media/engine.h"
#include "node/media/gain.h"
#include "node/media/limit.h"
#include "node/media/mix.h"
#include "node/media/voice.h"

enum {
	WARM_FRAMES = 3, /* until a denoiser's output is the voice      */
	TAIL_FRAMES = 2, /* it holds back so much                       */
};

static const uint32_t rate_hzv[VOICE_RATES] = {8000, 16000, 48000};

static void denoise_close(struct voice_denoise *vd)
{
	size_t i;

	for (i = 0; i < VOICE_RATES; i++)
		vd->v[i] = mem_deref(vd->v[i]);
}

static void destructor(void *arg)
{
	struct voice *v = arg;

	denoise_close(&v->run);
	denoise_close(&v->next);
}

static int denoise_open(struct voice_denoise *vd, enum media_denoise kind)
{
	size_t i;
	int err = 0;

	vd->kind = denoise_resolve(kind);
	if (vd->kind == MEDIA_DENOISE_OFF)
		return 0;

	for (i = 0; i < VOICE_RATES; i++) {
		err = denoise_alloc(&vd->v[i], vd->kind, rate_hzv[i]);
		if (err && (err != ENOTSUP || rate_hzv[i] == MEDIA_RATE_HZ))
			return err;
	}

	return 0;
}

static bool within(float db, float min, float max)
{
	return db >= min && db <= max;
}

int voice_alloc(struct voice **vp, const struct media_voice *prm)
{
	struct voice *v;
	int err;

	if (!within(prm->gain_in_db, MEDIA_GAIN_MIN_DB, MEDIA_GAIN_MAX_DB) ||
	    !within(prm->gain_out_db, MEDIA_GAIN_MIN_DB, MEDIA_GAIN_MAX_DB))
		return EINVAL;
	if (prm->comfort_noise_db != 0 &&
	    !within(prm->comfort_noise_db, MEDIA_NOISE_MIN_DB,
		    MEDIA_NOISE_MAX_DB))
		return EINVAL;
	if (!denoise_have(prm->denoise))
		return ENOTSUP;

	v = mem_zalloc(sizeof(*v), destructor);
	if (!v)
		return ENOMEM;

	v->to_in = gain_of_db(prm->gain_in_db);
	v->to_out = gain_of_db(prm->gain_out_db);
	v->noise_rms =
	    prm->comfort_noise_db < 0 ? gain_of_db(prm->comfort_noise_db) : 0;
	v->agc_on = prm->agc;
	v->gain_in = v->gain_out = 1;
	agc_init(&v->agc);
	noise_init(&v->noise, rand_u32());

	err = denoise_open(&v->next, prm->denoise);
	if (err)
		mem_deref(v);
	else
		*vp = v;

	return err;
}

/* The denoiser that runs goes on, the unused new one goes back. */
void voice_take(struct voice *v, struct voice *old)
{
	struct voice_denoise unused = v->next;

	if (old) {
		v->run = old->run;
		memset(&old->run, 0, sizeof(old->run));
		v->rate = old->rate;
		v->warm = old->warm;
		v->tail = old->tail;
		v->wet = old->wet;
		v->gain_in = old->gain_in;
		v->gain_out = old->gain_out;
		v->noise_now = old->noise_now;
		v->agc = old->agc;
	}

	v->switching = v->run.kind != v->next.kind;
	if (!v->switching && old) {
		old->run = unused;
		memset(&v->next.v, 0, sizeof(v->next.v));
	}
}

/* ---------------------------------------------------------------- denoise */

static void change_over(struct voice *v)
{
	struct voice_denoise was = v->run;

	v->run = v->next;
	v->next = was;
	v->switching = false;
	v->warm = 0;
}

/* A rate that was not in use: what the denoiser remembers is long gone. */
static void rate_set(struct voice *v, uint8_t rate)
{
	if (v->rate == rate)
		return;

	v->rate = rate;
	v->warm = 0;
	v->wet = 0;
}

/* Audio of 20 ms in place. */
static void run(struct voice *v, float *pcm, size_t n, bool shed)
{
	struct denoise *d = v->run.v[v->rate];
	float to = d && !v->switching && !shed;

	if (v->wet == 0 && to == 0) {
		if (v->switching)
			change_over(v);
		v->warm = 0;
		return;
	}

	if (v->wet == 1 && to == 1) {
		denoise_run(d, pcm, n);
		return;
	}

	if (v->warm < WARM_FRAMES) {
		++v->warm;
		to = 0;
	}

	memcpy(v->dry, pcm, n * sizeof(*pcm));
	denoise_run(d, pcm, n);
	gain_fade(pcm, v->dry, pcm, n, v->wet, to);
	v->wet = to;
}

/* Silence: the denoiser's last words, or true silence. */
static bool last_words(struct voice *v, float *pcm, size_t n, bool shed)
{
	if (!v->tail)
		return false;

	--v->tail;
	memset(pcm, 0, n * sizeof(*pcm));
	run(v, pcm, n, shed);

	return true;
}

static bool idle(const struct voice *v)
{
	return v->run.kind == MEDIA_DENOISE_OFF && !v->switching;
}

size_t voice_narrow(struct voice *v, float *pcm, size_t n, uint32_t rate_hz,
		    const struct tick *t)
{
	uint8_t rate = rate_hz == 8000 ? 0 : 1;
	bool shed = t->w->shed >= SHED_DENOISE;

	v->narrow = false;
	if (idle(v) || rate_hz > 16000)
		return n;

	/* Only one of two that change over knows this rate: at 48 kHz, then. */
	if ((v->run.kind != MEDIA_DENOISE_OFF && !v->run.v[rate]) ||
	    (v->switching && v->next.kind != MEDIA_DENOISE_OFF &&
	     !v->next.v[rate]))
		return n;

	rate_set(v, rate);
	v->narrow = true;
	if (n) {
		run(v, pcm, n, shed);
		v->tail = v->wet > 0 ? TAIL_FRAMES : 0;
		return n;
	}

	n = rate_hz / 1000 * MEDIA_TICK_MS;

	return last_words(v, pcm, n, shed) ? n : 0;
}

static const float *own(const float *frame, float *buf)
{
	if (frame != buf)
		memcpy(buf, frame, MEDIA_FRAME_SMP * sizeof(*buf));

	return buf;
}

static const float *denoise_wide(struct voice *v, const float *frame,
				 float *buf, const struct tick *t)
{
	bool shed = t->w->shed >= SHED_DENOISE;

	rate_set(v, VOICE_RATES - 1);
	if (!frame)
		return last_words(v, buf, MEDIA_FRAME_SMP, shed) ? buf : NULL;

	frame = own(frame, buf);
	run(v, buf, MEDIA_FRAME_SMP, shed);
	v->tail = v->wet > 0 ? TAIL_FRAMES : 0;

	return frame;
}

bool voice_is_shed(const struct voice *v, const struct tick *t)
{
	return !idle(v) && t->w->shed >= SHED_DENOISE;
}

/* ------------------------------------------------------------------- gain */

static void silence_in(struct voice *v)
{
	v->gain_in = v->to_in;
	if (v->agc_on)
		agc_silence(&v->agc);
}

/* Switched off, it goes back to 1 within a frame. */
static bool automatic(struct voice *v, float *buf)
{
	if (v->agc_on) {
		agc_run(&v->agc, buf, MEDIA_FRAME_SMP);
		return true;
	}

	if (v->agc.gain == 1)
		return false;

	gain_ramp(buf, buf, MEDIA_FRAME_SMP, v->agc.gain, 1);
	agc_init(&v->agc);

	return true;
}

const float *voice_in(struct voice *v, const float *frame, float *buf,
		      const struct tick *t)
{
	bool louder;

	if (!v->narrow && !idle(v))
		frame = denoise_wide(v, frame, buf, t);

	v->narrow = false;
	if (!frame) {
		silence_in(v);
		return NULL;
	}

	if (!v->agc_on && v->agc.gain == 1 && v->to_in == 1 && v->gain_in == 1)
		return frame;

	frame = own(frame, buf);
	louder = automatic(v, buf);
	if (v->to_in != 1 || v->gain_in != 1)
		gain_ramp(buf, buf, MEDIA_FRAME_SMP, v->gain_in, v->to_in);

	louder = louder || v->to_in > 1 || v->gain_in > 1;
	v->gain_in = v->to_in;
	if (louder)
		(void)limit_clip(buf);

	return frame;
}

/* Noise that goes from its level to another one, to out. */
static void noise_to(struct voice *v, float *out, float rms)
{
	noise_fill(&v->noise, out, MEDIA_FRAME_SMP, 1);
	gain_ramp(out, out, MEDIA_FRAME_SMP, v->noise_now, rms);
	v->noise_now = rms;
}

const float *voice_out(struct voice *v, const float *frame)
{
	bool louder = v->to_out > 1 || v->gain_out > 1;
	float from = v->gain_out;
	size_t i;

	v->gain_out = v->to_out;

	if (!frame) {
		if (v->noise_rms <= 0 && v->noise_now <= 0)
			return NULL;

		noise_to(v, v->out, v->noise_rms);
		return v->out;
	}

	if (from == 1 && v->to_out == 1 && v->noise_now <= 0)
		return frame;

	gain_ramp(v->out, frame, MEDIA_FRAME_SMP, from, v->to_out);
	if (v->noise_now > 0) {
		noise_to(v, v->dry, 0);
		for (i = 0; i < MEDIA_FRAME_SMP; i++)
			v->out[i] += v->dry[i];
	}
	if (louder)
		(void)limit_clip(v->out);

	return v->out;
}

/* -------------------------------------------------------------- signalling */

int media_leg_voice_set(struct media_leg *leg, const struct media_voice *prm)
{
	struct cmd cmd = {.type = CMD_LEG_VOICE};
	struct voice *v;
	int err;

	if (!leg || !prm)
		return EINVAL;

	err = voice_alloc(&v, prm);
	if (err)
		return err;

	cmd.obj = leg->leg;
	cmd.ptr = v;
	err = media_cmd(leg->mix->m, leg->mix->w, &cmd);
	if (err)
		mem_deref(v);

	return err;
}
