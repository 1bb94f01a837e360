/* SPDX-License-Identifier: MIT */
/*
 * The floor: what cannot be saved.  The same packets through the same kind
 * of sockets, the same codecs, filters and sums, but in one loop that does
 * nothing else and finds its caches warm.  Listeners cost what the kernel
 * takes for their packet; what they hear is encoded once.
 */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/media/codec.h"
#include "node/media/mix.h"
#include "node/media/resample.h"
#include "node/media/rtp.h"
#include "tests/bench/media_bench.h"

enum {
	ROUNDS = 75,
	COLD = 45, /* not counted: Opus needs a while to choose its mode */
};

struct talker {
	struct codec dec, enc;
	struct resample up, down;
	float in[MEDIA_FRAME_SMP];
	uint8_t data[RTP_HDR_BYTES + SCRIPT_BYTES + 1024];
	size_t len;
};

struct bare {
	const struct load *load;
	struct peers *p;
	int *fdv;
	struct talker *tv;
	struct talker listener; /* the one encoder of all who only listen */
	const float **inv;
	struct crypto *crypto; /* NULL: plain RTP */
	float pcm[CODEC_FRAME_MAX_SMP];
	float out[MEDIA_FRAME_SMP];
	float sum[MEDIA_FRAME_SMP];
};

static void talker_init(struct talker *t, const struct media_codec *codec)
{
	if (codec_init(&t->dec, codec) || codec_dec_alloc(&t->dec) ||
	    codec_init(&t->enc, codec) || codec_enc_alloc(&t->enc))
		die("codec", ENOMEM);

	(void)resample_up_init(&t->up, t->dec.rate_hz);
	(void)resample_down_init(&t->down, t->enc.rate_hz);
	t->len = RTP_HDR_BYTES;
}

static void talker_close(struct talker *t)
{
	codec_close(&t->dec);
	codec_close(&t->enc);
}

static const float *decode(struct bare *b, struct talker *t)
{
	const float *v;
	size_t n;

	n = t->dec.ops->decode(t->dec.st, b->pcm, t->data + RTP_HDR_BYTES,
			       t->len - RTP_HDR_BYTES);
	if (!n)
		return memset(t->in, 0, sizeof(t->in));

	v = resample_up(&t->up, t->in, b->pcm, t->dec.rate_hz / 50);
	if (v == b->pcm)
		memcpy(t->in, b->pcm, sizeof(t->in));

	return t->in;
}

static void encode(struct bare *b, struct talker *t, const float *frame)
{
	size_t n = t->enc.rate_hz / 50;
	const float *v = resample_down(&t->down, b->out, frame, n);

	t->len = RTP_HDR_BYTES + t->enc.ops->encode(t->enc.st,
						    t->data + RTP_HDR_BYTES,
						    SCRIPT_BYTES, v, n);
}

static void hub(struct bare *b, struct talker *tv, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		b->inv[i] = decode(b, &tv[i]);

	if (n > 2)
		mix_sum(b->sum, b->inv, n);

	for (i = 0; i < n; i++) {
		if (n == 2) {
			encode(b, &tv[i], tv[1 - i].in);
			continue;
		}

		mix_minus(b->pcm, b->sum, tv[i].in);
		encode(b, &tv[i], b->pcm);
	}
}

static void send_to(struct bare *b, size_t i, const struct talker *t)
{
	if (b->crypto)
		crypto_packet(b->crypto, t->data, t->len);

	(void)sendto(b->fdv[i], t->data, t->len, 0, &b->p->addrv[i].u.sa,
		     b->p->addrv[i].len);
}

/* Everybody who talks: receive, then all hubs, then send. */
static void pass(struct bare *b)
{
	const struct load *load = b->load;
	size_t size = load->hub_min, talkers = b->p->talkers, i, n;

	for (i = 0; i < load->legs; i++) {
		struct talker *t = i < talkers ? &b->tv[i] : &b->listener;
		ssize_t len;

		if (i >= talkers && !b->p->open_lines)
			break;

		len = recv(b->fdv[i], t->data, sizeof(t->data), 0);
		t->len = len > 0 ? (size_t)len : RTP_HDR_BYTES;
		if (b->crypto)
			crypto_packet(b->crypto, t->data, t->len);
	}

	if (talkers < load->legs) {
		hub(b, b->tv, talkers);
		encode(b, &b->listener, b->sum);
	}

	for (i = 0; talkers == load->legs && i < talkers; i += n) {
		n = i + size < talkers ? size : talkers - i;
		hub(b, b->tv + i, n);
		size = size == load->hub_max ? load->hub_min : size + 1;
	}

	for (i = 0; i < load->legs; i++)
		send_to(b, i, i < talkers ? &b->tv[i] : &b->listener);
}

static void sockets(struct bare *b)
{
	size_t i;

	peers_open(b->p, b->load->legs, "127.0.0.1");
	memset(b->p->ptv, b->load->codec.pt, sizeof(b->p->ptv));

	for (i = 0; i < b->load->legs; i++) {
		struct sa *sa = &b->p->dstv[i];

		(void)sa_set_str(sa, "127.0.0.1", 0);
		b->fdv[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (b->fdv[i] < 0 || bind(b->fdv[i], &sa->u.sa, sa->len) ||
		    getsockname(b->fdv[i], &sa->u.sa, &sa->len))
			die("floor's socket", errno);
	}
}

static void feed(struct bare *b, uint32_t n)
{
	uint8_t buf[RTP_HDR_BYTES + SCRIPT_BYTES];
	struct peers *p = b->p;
	size_t i, len;

	for (i = 0; i < p->n; i++) {
		while (recv(p->fdv[i], buf, sizeof(buf), 0) > 0)
			;
		if (i >= p->talkers && !p->open_lines)
			continue;

		len = peers_packet(p, i, n, buf);
		(void)sendto(p->fdv[i], buf, len, 0, &p->dstv[i].u.sa,
			     p->dstv[i].len);
	}
}

double floor_round(const struct load *load, const struct script *script)
{
	struct bare *b = calloc(1, sizeof(*b));
	double v[ROUNDS], begin;
	uint32_t n;
	size_t i;

	if (!b || !(b->p = calloc(1, sizeof(*b->p))) ||
	    !(b->fdv = calloc(load->legs, sizeof(*b->fdv))) ||
	    !(b->inv = calloc(load->legs, sizeof(*b->inv))))
		die("memory", ENOMEM);

	b->load = load;
	b->p->script = script;
	b->p->talkers = load->talkers ? load->talkers : load->legs;
	b->p->open_lines = load->open_lines;
	b->tv = calloc(b->p->talkers, sizeof(*b->tv));
	if (!b->tv)
		die("memory", ENOMEM);

	for (i = 0; i < b->p->talkers; i++)
		talker_init(&b->tv[i], &load->codec);
	talker_init(&b->listener, &load->codec);
	if (load->suite)
		b->crypto = crypto_alloc(load->suite);
	sockets(b);

	for (n = 0; n < ROUNDS; n++) {
		feed(b, n);
		begin = thread_cpu_us();
		pass(b);
		v[n] = thread_cpu_us() - begin;
	}

	for (i = 0; i < load->legs; i++)
		(void)close(b->fdv[i]);
	for (i = 0; i < b->p->talkers; i++)
		talker_close(&b->tv[i]);
	talker_close(&b->listener);
	peers_close(b->p);
	mem_deref(b->crypto);
	free(b->tv);
	free(b->inv);
	free(b->fdv);
	free(b->p);
	free(b);

	return median(v + COLD, ROUNDS - COLD);
}
