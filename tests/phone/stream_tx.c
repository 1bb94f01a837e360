/* SPDX-License-Identifier: MIT */
/* The sending side of a stream, on the tick. */

#include <string.h>
#include <sys/socket.h>
#include "tests/phone/stream_priv.h"

enum {
	DIGIT_ENDS = 3,	   /* end packets of an event, RFC 4733 2.5.1.4 */
	DIGIT_PAUSE = 3,   /* frames of audio between two digits        */
	DIGIT_VOLUME = 10, /* -dBm0 */
};

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

/* A full socket or an absent peer is a lost packet, as on a wire. */
static void bytes_send(struct stream *s, const uint8_t *buf, size_t len)
{
	uint8_t copy[RTP_HDR + CODEC_PACKET_MAX + SECURE_GROW];

	if (s->secure) {
		memcpy(copy, buf, len);
		buf = copy;
		len = secure_send(s->secure, copy, len, false);
	}

	if (len && sendto(s->fd, buf, len, MSG_DONTWAIT, &s->raddr.u.sa,
			  s->raddr.len) >= 0)
		++s->st.tx;
}

static void packet_send(struct stream *s, uint8_t *buf, uint8_t pt,
			uint32_t ts, size_t payload)
{
	buf[0] = 0x80;
	buf[1] = pt | (s->tx.marker ? 0x80 : 0);
	buf[2] = s->tx.seq >> 8;
	buf[3] = s->tx.seq & 0xff;
	put32(buf + 4, ts);
	put32(buf + 8, s->tx.ssrc);
	++s->tx.seq;
	s->tx.marker = false;

	/* Lost on purpose: the number is used up. */
	if (s->loss_percent > 0 && rand_u16() < s->loss_percent * 655.36)
		return;

	bytes_send(s, buf, RTP_HDR + payload);
}

static void audio_send(struct stream *s)
{
	const struct tone *tone = s->muted ? s->silence : s->tone;
	uint8_t buf[RTP_HDR + CODEC_PACKET_MAX];
	size_t len;

	if (s->sound) {
		len = sound_frame(s->sound, buf + RTP_HDR, stream_clock_ms());
		if (len) {
			packet_send(s, buf, s->pt_tx, s->tx.ts, len);
			return;
		}
		s->sound = mem_deref(s->sound);
	}

	if (tone->payload) {
		len = tone->frame_bytes;
		memcpy(buf + RTP_HDR, tone->payload + s->tx.frame * len, len);
	}
	else {
		const size_t n = tone->rate_hz / 1000 * CODEC_FRAME_MS;

		len = codec_encode(s->enc, buf + RTP_HDR,
				   tone->pcm + s->tx.frame * n);
	}

	if (len)
		packet_send(s, buf, s->pt_tx, s->tx.ts, len);
}

static void digit_next(struct stream *s)
{
	--s->tx.queued;
	memmove(&s->tx.queue[0], &s->tx.queue[1],
		s->tx.queued * sizeof(s->tx.queue[0]));
	s->tx.sent_ms = 0;
	s->tx.ends = 0;
	s->tx.pause = DIGIT_PAUSE;
	if (!s->tx.queued && s->h.senth)
		s->h.senth(s->h.arg);
}

/* One packet of the event: it replaces the audio of this frame. */
static void digit_send(struct stream *s)
{
	const struct digit *d = &s->tx.queue[0];
	const unsigned khz = codec_info(s->codec)->clock_hz / 1000;
	uint8_t buf[RTP_HDR + 4];
	unsigned ms;
	bool end;

	if (!s->tx.sent_ms) {
		s->tx.digit_ts = s->tx.ts;
		s->tx.marker = true;
	}

	end = s->tx.sent_ms + CODEC_FRAME_MS >= d->ms;
	ms = end ? d->ms : s->tx.sent_ms + CODEC_FRAME_MS;
	s->tx.sent_ms = ms;
	buf[RTP_HDR] = stream_digit_code(d->c);
	buf[RTP_HDR + 1] = (end ? 0x80 : 0) | DIGIT_VOLUME;
	buf[RTP_HDR + 2] = ms * khz >> 8;
	buf[RTP_HDR + 3] = (ms * khz) & 0xff;

	do {
		packet_send(s, buf, s->event_tx, s->tx.digit_ts, 4);
	} while (end && ++s->tx.ends < DIGIT_ENDS);

	if (end)
		digit_next(s);
}

void stream_transmit(struct stream *s)
{
	if (s->tx.pause)
		--s->tx.pause;

	if (s->sends) {
		if (s->tx.queued && !s->tx.pause)
			digit_send(s);
		else
			audio_send(s);
	}

	/* Time goes on also when nothing is sent. */
	s->tx.frame = (s->tx.frame + 1) % (1000 / CODEC_FRAME_MS);
	s->tx.ts += codec_info(s->codec)->clock_hz / 1000 * CODEC_FRAME_MS;
}

int stream_send_digits(struct stream *s, const char *digits, unsigned ms)
{
	const size_t n = str_len(digits);

	if (!s->started || s->event_tx < 0)
		return ENOTSUP;
	if (!n || s->tx.queued + n > DIGITS_MAX)
		return EINVAL;

	for (size_t i = 0; i < n; i++)
		if (stream_digit_code(digits[i]) < 0)
			return EINVAL;

	for (size_t i = 0; i < n; i++)
		s->tx.queue[s->tx.queued++] = (struct digit){digits[i], ms};

	return 0;
}
