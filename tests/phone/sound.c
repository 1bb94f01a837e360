/* SPDX-License-Identifier: MIT */
/* Sounds sent, and a tape; see sound.h. */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "tests/phone/sound.h"

enum {
	WAV_HDR = 44,
	WAV_MAX_BYTES = 64 << 20,
	SETTLE_MS = 500, /* the tape waits so long for what is late */
};

struct sound {
	struct codec_enc *enc;
	sound_done_h *h;
	void *arg;
	double start_ms;
	size_t n, pos, frame; /* samples */
	unsigned rate_hz;
	int16_t *pcm;
};

struct tape {
	struct codec_dec *dec;
	sound_done_h *h;
	void *arg;
	char *path;
	const struct codec_info *info;
	double until_ms, start_ms;
	uint32_t ts;  /* of the first sample */
	bool started;
	unsigned packets;
	size_t n;     /* samples */
	int16_t *pcm;
};

/* -------------------------------------------------------------------- WAV */

static uint32_t le(const uint8_t *p, int bytes)
{
	uint32_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];

	return v;
}

static void le_put(uint8_t *p, uint32_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = v >> (8 * i);
}

/* The chunk of a name within buf, or NULL; its length is cut to what is
 * there. */
static const uint8_t *chunk(const uint8_t *buf, size_t size, const char *name,
			    size_t *lenp)
{
	size_t pos = 12;

	while (pos + 8 <= size) {
		const size_t len = le(buf + pos + 4, 4);

		if (!memcmp(buf + pos, name, 4)) {
			*lenp = MIN(len, size - pos - 8);
			return buf + pos + 8;
		}
		pos += 8 + len + (len & 1);
	}

	return NULL;
}

static int wav_parse(struct sound *s, const uint8_t *buf, size_t size)
{
	const uint8_t *fmt, *data;
	size_t len, bytes;

	if (size < WAV_HDR || memcmp(buf, "RIFF", 4) ||
	    memcmp(buf + 8, "WAVE", 4))
		return EBADMSG;

	fmt = chunk(buf, size, "fmt ", &len);
	if (!fmt || len < 16 || le(fmt, 2) != 1 || le(fmt + 2, 2) != 1 ||
	    le(fmt + 14, 2) != 16)
		return EBADMSG;

	data = chunk(buf, size, "data", &bytes);
	if (!data || bytes < 2)
		return EBADMSG;
	if (le(fmt + 4, 4) != s->rate_hz)
		return EDOM;

	s->n = bytes / 2;
	s->pcm = mem_alloc(bytes, NULL);
	if (!s->pcm)
		return ENOMEM;

	for (size_t i = 0; i < s->n; i++)
		s->pcm[i] = (int16_t)le(data + 2 * i, 2);

	return 0;
}

static int wav_read(struct sound *s, const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *buf = NULL;
	long size;
	int err = 0;

	if (!f)
		return errno;

	if (fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 ||
	    size > WAV_MAX_BYTES || fseek(f, 0, SEEK_SET)) {
		err = EBADMSG;
		goto out;
	}

	buf = mem_alloc(size + 1, NULL);
	if (!buf)
		err = ENOMEM;
	else if (fread(buf, 1, size, f) != (size_t)size)
		err = EIO;
	else
		err = wav_parse(s, buf, size);

out:
	mem_deref(buf);
	fclose(f);
	return err;
}

static int wav_write(const char *path, const int16_t *pcm, size_t n,
		     unsigned rate_hz)
{
	uint8_t hdr[WAV_HDR] = "RIFF....WAVEfmt ";
	FILE *f = fopen(path, "wb");
	uint8_t smp[2];
	int err = 0;

	if (!f)
		return errno;

	le_put(hdr + 4, WAV_HDR - 8 + 2 * n, 4);
	le_put(hdr + 16, 16, 4);
	le_put(hdr + 20, 1, 2); /* PCM  */
	le_put(hdr + 22, 1, 2); /* mono */
	le_put(hdr + 24, rate_hz, 4);
	le_put(hdr + 28, rate_hz * 2, 4);
	le_put(hdr + 32, 2, 2);
	le_put(hdr + 34, 16, 2);
	memcpy(hdr + 36, "data", 4);
	le_put(hdr + 40, 2 * n, 4);

	if (fwrite(hdr, 1, sizeof(hdr), f) != sizeof(hdr))
		err = EIO;

	for (size_t i = 0; i < n && !err; i++) {
		le_put(smp, (uint16_t)pcm[i], 2);
		if (fwrite(smp, 1, 2, f) != 2)
			err = EIO;
	}

	if (fclose(f))
		err = EIO;

	return err;
}

/* ------------------------------------------------------------------ sound */

static void sound_destructor(void *arg)
{
	struct sound *s = arg;

	mem_deref(s->enc);
	mem_deref(s->pcm);
}

int sound_alloc(struct sound **sp, const char *path, enum codec_id codec,
		sound_done_h *h, void *arg)
{
	const struct codec_info *info = codec_info(codec);
	struct sound *s;
	int err;

	if (!sp || !path || !info)
		return EINVAL;

	s = mem_zalloc(sizeof(*s), sound_destructor);
	if (!s)
		return ENOMEM;

	s->h = h;
	s->arg = arg;
	s->rate_hz = info->rate_hz;
	s->frame = info->rate_hz / 1000 * CODEC_FRAME_MS;
	err = wav_read(s, path);
	if (!err)
		err = codec_enc_alloc(&s->enc, codec);

	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}

size_t sound_frame(struct sound *s, uint8_t *buf, double now_ms)
{
	int16_t pcm[CODEC_FRAME_SMP_MAX] = {0};
	const size_t n = MIN(s->frame, s->n - s->pos);

	if (!n) {
		const struct sound_done done = {
			.start_ms = s->start_ms,
			.ms = 1e3 * s->n / s->rate_hz,
		};

		s->h(&done, s->arg);
		return 0;
	}

	/* What is sent now was said in the frame before. */
	if (!s->pos)
		s->start_ms = now_ms - CODEC_FRAME_MS;

	memcpy(pcm, s->pcm + s->pos, n * sizeof(*pcm));
	s->pos += n;
	return codec_encode(s->enc, buf, pcm);
}

/* ------------------------------------------------------------------- tape */

static void tape_destructor(void *arg)
{
	struct tape *t = arg;

	mem_deref(t->dec);
	mem_deref(t->path);
	mem_deref(t->pcm);
}

int tape_alloc(struct tape **tp, const char *path, enum codec_id codec,
	       unsigned ms, double now_ms, sound_done_h *h, void *arg)
{
	struct tape *t;
	int err;

	if (!tp || !path || !codec_info(codec))
		return EINVAL;

	t = mem_zalloc(sizeof(*t), tape_destructor);
	if (!t)
		return ENOMEM;

	t->h = h;
	t->arg = arg;
	t->info = codec_info(codec);
	t->until_ms = now_ms + ms + SETTLE_MS;
	t->n = (size_t)t->info->rate_hz * ms / 1000;
	t->pcm = mem_zalloc(t->n * sizeof(*t->pcm), NULL);
	err = t->pcm ? str_dup(&t->path, path) : ENOMEM;
	if (!err)
		err = codec_dec_alloc(&t->dec, codec);
	if (!err)
		err = wav_write(path, t->pcm, 0, t->info->rate_hz);

	if (err)
		mem_deref(t);
	else
		*tp = t;

	return err;
}

void tape_put(struct tape *t, const uint8_t *payload, size_t len, uint32_t ts,
	      double at_ms)
{
	static int16_t pcm[CODEC_DECODE_SMP_MAX];
	double begin_ms;
	int64_t pos;
	size_t n;

	n = codec_decode(t->dec, pcm, payload, len);
	if (!n)
		return;

	if (!t->started) {
		t->started = true;
		t->ts = ts;
		t->start_ms = at_ms;
	}

	/* The packet that was fastest tells when all of them are due. */
	begin_ms = at_ms - 1e3 * (int32_t)(ts - t->ts) / t->info->clock_hz;
	t->start_ms = fmin(t->start_ms, begin_ms);
	++t->packets;

	pos = (int64_t)(int32_t)(ts - t->ts) * t->info->rate_hz /
	      t->info->clock_hz;
	if (pos >= 0 && (size_t)pos < t->n)
		memcpy(t->pcm + pos, pcm,
		       MIN(n, t->n - (size_t)pos) * sizeof(*pcm));
}

bool tape_over(struct tape *t, double now_ms)
{
	const struct sound_done done = {
		.start_ms = t->start_ms,
		.ms = 1e3 * t->n / t->info->rate_hz,
		.packets = t->packets,
	};

	if (now_ms < t->until_ms)
		return false;

	if (wav_write(t->path, t->pcm, t->n, t->info->rate_hz))
		t->packets = 0;
	t->h(&done, t->arg);

	return true;
}
