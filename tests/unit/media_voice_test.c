/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * Processing of a leg: switched live without a click, alone and in a running
 * engine; who talks, and who is the speaker.
 */

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "media_noise.h"

#include "node/media/gain.h"
#include "node/media/level.h"
#include "node/media/packet.h"
#include "node/media/rtp.h"
#include "node/media/voice.h"
#include "node/media/worker.h"

enum { FRAME = MEDIA_FRAME_SMP, FRAMES = 200, SMP = FRAMES * FRAME };

static float in[SMP], out[SMP];
static struct worker worker;
static const struct tick tick = {.w = &worker, .steps = 1};

/* As the worker does on CMD_LEG_VOICE. */
static void set(struct voice **vp, const struct media_voice *prm)
{
	struct voice *v;

	assert_int_equal(voice_alloc(&v, prm), 0);
	voice_take(v, *vp);
	mem_deref(*vp);
	*vp = v;
}

static void give(struct voice *v, size_t frame)
{
	float buf[FRAME];
	const float *got;

	memcpy(buf, in + frame * FRAME, sizeof(buf));
	got = voice_in(v, buf, buf, &tick);
	assert_non_null(got);
	memcpy(out + frame * FRAME, got, sizeof(buf));
}

static double amp(size_t frame, size_t frames)
{
	return tone_amp(out + frame * FRAME, frames * FRAME, 440, 48000);
}

/* Everything at any time: no step in the sound.  A tone's own second
 * difference is amp * w^2. */
static void no_click(void **state)
{
	static const struct media_voice prmv[] = {
	    {.gain_in_db = 0},
	    {.gain_in_db = 12},
	    {.gain_in_db = -20, .denoise = MEDIA_DENOISE_SPEEX},
	    {.agc = true},
	    {.denoise = MEDIA_DENOISE_SPEEX, .gain_in_db = 6},
	    {.denoise = MEDIA_DENOISE_OFF},
	    {.denoise = MEDIA_DENOISE_AUTO, .agc = true},
	    {.denoise = MEDIA_DENOISE_AUTO},
	    {.gain_in_db = -6},
	    {.denoise = MEDIA_DENOISE_SPEEX},
	};
	const double w = 2 * M_PI * 440 / 48000, own = 0.2 * w * w;
	struct voice *v = NULL;
	double jump;
	size_t i;

	(void)state;
	tone_make(in, SMP, 0, 440, 48000, 0.2);
	for (i = 0; i < FRAMES; i++) {
		if (i % 20 == 0)
			set(&v, &prmv[i / 20]);
		worker.shed = i % 50 > 45 ? SHED_DENOISE : SHED_NONE;
		give(v, i);
	}
	worker.shed = SHED_NONE;

	jump = speech_click(out, SMP);
	printf("second difference %.6f; of the tone %.6f, x4: %.6f\n", jump,
	       own, 4 * own);
	assert_true(fabs(amp(5, 10) - 0.2) < 0.002);
	assert_true(fabs(amp(25, 10) - 0.8) < 0.01);
	/* 12 dB more is four times the tone; where a fade begins and ends, its
	 * slope comes to that.  A jump would be a hundred times as much. */
	assert_true(jump < 4 * own + 3.0 / FRAME * 0.2 * 1.2);
	mem_deref(v);
}

/* Shed: what comes out is what went in; not shed: noise is gone again. */
static void shed(void **state)
{
	const struct media_voice prm = {.denoise = MEDIA_DENOISE_SPEEX};
	struct voice *v = NULL;
	double before, after;
	size_t i;

	(void)state;
	memset(in, 0, sizeof(in));
	speech_noise(in, SMP, 0.01, 3);
	set(&v, &prm);
	for (i = 0; i < 120; i++)
		give(v, i);
	worker.shed = SHED_DENOISE;
	for (; i < 130; i++)
		give(v, i);
	assert_memory_equal(in + 125 * FRAME, out + 125 * FRAME,
			    5 * FRAME * sizeof(*in));
	worker.shed = SHED_NONE;
	for (; i < FRAMES; i++)
		give(v, i);

	before = noise_power(out + 100 * FRAME, 20 * FRAME);
	after = noise_power(out + 180 * FRAME, 20 * FRAME);
	printf("noise %.1f dB, after shedding %.1f dB of what came\n",
	       10 * log10(before / 1e-4), 10 * log10(after / 1e-4));
	assert_true(before < 1e-5 && after < 1e-5);
	mem_deref(v);
}

/* A voice of 8 kHz is denoised at 8 kHz; silence frees the last words, then
 * nothing; a codec of 48 kHz goes on. */
static void narrow(void **state)
{
	const struct media_voice prm = {.denoise = MEDIA_DENOISE_SPEEX};
	struct voice *v = NULL;
	float pcm[FRAME];
	size_t i, said = 0;

	(void)state;
	set(&v, &prm);
	for (i = 0; i < 12; i++) {
		tone_make(pcm, 160, i * 160, 440, 8000, 0.2);
		assert_int_equal(voice_narrow(v, pcm, 160, 8000, &tick), 160);
		assert_true(v->narrow);
		assert_ptr_equal(voice_in(v, in, pcm, &tick), in);
	}
	assert_true(tone_amp(pcm, 160, 440, 8000) > 0.15);

	for (i = 0; i < 5; i++)
		said += voice_narrow(v, pcm, 0, 8000, &tick) != 0;
	assert_int_equal(said, 2);
	assert_null(voice_in(v, NULL, pcm, &tick));

	assert_int_equal(voice_narrow(v, pcm, FRAME, 48000, &tick), FRAME);
	assert_false(v->narrow);
	tone_make(in, SMP, 0, 440, 48000, 0.2);
	for (i = 0; i < 20; i++)
		give(v, i);
	assert_true(speech_click(out, 20 * FRAME) < 0.0015);
	mem_deref(v);
}

/* RNNoise knows 48 kHz only: it works behind the upsampling. */
static void narrow_rnnoise(void **state)
{
	const struct media_voice prm = {.denoise = MEDIA_DENOISE_RNNOISE};
	struct voice *v = NULL;
	float pcm[FRAME];
	size_t i;

	(void)state;
	if (!media_denoise_have(MEDIA_DENOISE_RNNOISE)) {
		print_message("skipped: this build has no RNNoise (npm)\n");
		skip();
	}

	memset(in, 0, sizeof(in));
	speech_noise(in, SMP, 0.01, 5);
	set(&v, &prm);
	for (i = 0; i < FRAMES; i++) {
		memset(pcm, 0, sizeof(pcm));
		assert_int_equal(voice_narrow(v, pcm, 160, 8000, &tick), 160);
		give(v, i);
	}
	assert_true(noise_power(out + 150 * FRAME, 50 * FRAME) < 1e-6);
	mem_deref(v);
}

static void comfort(void **state)
{
	const struct media_voice prm = {.comfort_noise_db = -60,
					.gain_out_db = -6};
	const struct media_voice off = {.gain_out_db = 0};
	struct voice *v = NULL;
	double db;
	size_t i;

	(void)state;
	set(&v, &prm);
	assert_true(voice_hears_own(v));
	tone_make(in, SMP, 0, 440, 48000, 0.2);
	for (i = 0; i < 150; i++)
		memcpy(out + i * FRAME,
		       voice_out(v, i < 100 ? NULL : in + i * FRAME),
		       FRAME * sizeof(*out));

	db = (double)level_db(level_power(out + 20 * FRAME, 80 * FRAME));
	printf("silence sounds like %.2f dBFS\n", db);
	assert_true(fabs(db + 60) < 0.3);
	assert_true(fabs(amp(110, 20) - 0.2 * pow(10, -6.0 / 20)) < 0.002);
	/* The tone begins where it is: the noise adds no click of its own. */
	assert_true(speech_click(out + 100 * FRAME + 4, 50 * FRAME - 4) <
		    0.2 * pow(2 * M_PI * 440 / 48000, 2) + 0.002);

	set(&v, &off);
	assert_ptr_not_equal(voice_out(v, in), in);
	assert_ptr_equal(voice_out(v, in), in);
	assert_null(voice_out(v, NULL));
	assert_false(voice_hears_own(v));
	mem_deref(v);
}

static void bounds(void **state)
{
	static const struct media_voice badv[] = {
	    {.gain_in_db = 41},	       {.gain_in_db = -41},
	    {.gain_out_db = 1000},     {.gain_out_db = NAN},
	    {.comfort_noise_db = -20}, {.comfort_noise_db = -100},
	    {.comfort_noise_db = 5},
	};
	struct voice *v = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(badv); i++)
		assert_int_equal(voice_alloc(&v, &badv[i]), EINVAL);
	assert_null(v);
}

/* ------------------------------------------------- in an engine that runs */

enum { TONES = 3, EAR_SMP = 48000 * 10 };

static struct {
	struct media *m;
	struct mix *mix;
	struct media_leg *tonev[TONES];
	struct media_leg *ear_leg;
	int fd;
	unsigned startv[TONES], stopv[TONES], speakerv[TONES];
	int speaker;
	uint32_t want_ms; /* run on until so much was heard */
	size_t n;
	float ear[EAR_SMP];
} e;

static void on_event(struct media_leg *leg, const struct media_event *ev,
		     void *arg)
{
	size_t i = (size_t)(uintptr_t)arg;

	assert_ptr_equal(leg, e.tonev[i]);
	e.startv[i] += ev->type == MEDIA_EV_TALK_START;
	e.stopv[i] += ev->type == MEDIA_EV_TALK_STOP;
	if (ev->type == MEDIA_EV_SPEAKER) {
		e.speakerv[i]++;
		e.speaker = (int)i;
	}
}

/* L16 at 48 kHz: sample by sample what the leg heard. */
static void on_packet(int flags, void *arg)
{
	struct packet pkt;
	ssize_t len;
	size_t i;

	(void)flags;
	(void)arg;
	len = recv(e.fd, pkt.data, sizeof(pkt.data), 0);
	if (len < 0)
		return;

	pkt.len = (uint16_t)len;
	assert_int_equal(rtp_parse(&pkt), 0);
	for (i = 0; i + 1 < pkt.payload_len && e.n < EAR_SMP; i += 2) {
		const uint8_t *b = pkt.data + pkt.payload_off + i;

		e.ear[e.n++] = (float)(int16_t)(b[0] << 8 | b[1]) / 32768;
	}

	if (e.n >= e.want_ms * 48)
		re_cancel();
}

static void engine_open(void)
{
	struct media_conf conf = {
	    .workers = 1, .rtp_port_min = 27100, .rtp_port_max = 27198};
	struct media_rtp_params prm = {
	    .event_pt_tx = -1, .event_pt_rx = -1, .send = true};
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	struct sa laddr;

	memset(&e, 0, sizeof(e));
	e.speaker = -1;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	e.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(e.fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(e.fd, (struct sockaddr *)&sin, &len), 0);
	assert_int_equal(fd_listen(e.fd, FD_READ, on_packet, NULL), 0);

	assert_int_equal(media_alloc(&e.m, &conf), 0);
	assert_int_equal(mix_alloc(&e.mix, e.m), 0);
	assert_int_equal(sa_set_str(&laddr, "127.0.0.1", 0), 0);
	assert_int_equal(
	    media_leg_rtp_alloc(&e.ear_leg, e.mix, &laddr, NULL, NULL), 0);
	assert_int_equal(sa_set_sa(&prm.raddr, (struct sockaddr *)&sin), 0);
	prm.tx = (struct media_codec){.id = MEDIA_L16,
				      .pt = 96,
				      .clock_hz = 48000,
				      .ptime_ms = 10,
				      .complexity = -1};
	assert_int_equal(media_leg_rtp_set(e.ear_leg, &prm), 0);
}

static void engine_close(void)
{
	size_t i;

	for (i = 0; i < TONES; i++)
		e.tonev[i] = mem_deref(e.tonev[i]);
	mem_deref(e.ear_leg);
	mem_deref(e.mix);
	mem_deref(e.m);
	fd_close(e.fd);
	(void)close(e.fd);
}

static void tone(size_t i, const struct media_tone *prm)
{
	assert_int_equal(media_leg_tone_alloc(&e.tonev[i], e.mix, prm, on_event,
					      (void *)(uintptr_t)i),
			 0);
}

/* Listen for so long. */
static void listen_ms(uint32_t ms)
{
	e.want_ms = (uint32_t)(e.n / 48) + ms;
	assert_int_equal(re_main(NULL), 0);
}

static double heard(uint32_t ms)
{
	size_t n = ms * 48;

	return tone_amp(e.ear + e.n - n, n, 440, 48000);
}

static void live(void **state)
{
	const struct media_tone prm = {.hz = {440}, .level_db = -17};
	struct media_voice v = {.gain_in_db = 6};
	const double w = 2 * M_PI * 440 / 48000;
	double amp0, click;
	size_t from;

	(void)state;
	engine_open();
	tone(0, &prm);
	listen_ms(300);
	amp0 = heard(100);
	from = e.n - 4800;
	assert_true(fabs(amp0 - 0.2) < 0.01);

	assert_int_equal(media_leg_voice_set(e.tonev[0], &v), 0);
	listen_ms(300);
	assert_true(fabs(heard(100) / amp0 - 2) < 0.02);

	v.denoise = MEDIA_DENOISE_SPEEX;
	v.agc = true;
	assert_int_equal(media_leg_voice_set(e.tonev[0], &v), 0);
	listen_ms(300);

	v = (struct media_voice){.gain_in_db = 0};
	assert_int_equal(media_leg_voice_set(e.tonev[0], &v), 0);
	listen_ms(400);
	assert_true(fabs(heard(100) - amp0) < 0.01);

	/* The listener turns it down for itself. */
	v.gain_out_db = -12;
	assert_int_equal(media_leg_voice_set(e.ear_leg, &v), 0);
	listen_ms(300);
	assert_true(fabs(to_db(heard(100) / amp0) + 12) < 0.1);

	click = speech_click(e.ear + from, e.n - from);
	printf("second difference %.6f, of the loudest tone %.6f\n", click,
	       2 * amp0 * w * w);
	/* The denoiser is 10 ms late: going over to it meets another phase.
	 * 4 steps of 16 bits come from the format. */
	assert_true(click < 2 * amp0 * w * w + 4 * amp0 / FRAME + 4.0 / 32768);

	/* Silence, and what comfort noise makes of it. */
	e.tonev[0] = mem_deref(e.tonev[0]);
	v = (struct media_voice){.comfort_noise_db = -50};
	assert_int_equal(media_leg_voice_set(e.ear_leg, &v), 0);
	listen_ms(400);
	assert_true(
	    fabs(10 * log10(noise_power(e.ear + e.n - 9600, 9600)) + 50) < 1);
	v.gain_in_db = 99;
	assert_int_equal(media_leg_voice_set(e.ear_leg, &v), EINVAL);
	engine_close();
}

/* Many loud legs: limited, not clipped. */
static void loud(void **state)
{
	const struct media_tone prmv[TONES] = {
	    {.hz = {440}, .level_db = -4},
	    {.hz = {700}, .level_db = -4},
	    {.hz = {1130}, .level_db = -4},
	};
	double power, tones = 0;
	size_t i;

	(void)state;
	engine_open();
	for (i = 0; i < TONES; i++)
		tone(i, &prmv[i]);
	listen_ms(1000);

	power = noise_power(e.ear + e.n - 24000, 24000);
	for (i = 0; i < TONES; i++)
		tones += pow(tone_amp(e.ear + e.n - 24000, 24000,
				      (double)prmv[i].hz[0], 48000),
			     2) /
			 2;
	printf("three tones of 0.89: peak %.3f, distortion %.1f dB\n",
	       (double)gain_peak(e.ear + e.n - 24000, 24000),
	       10 * log10(fabs(power - tones) / power));
	assert_true(gain_peak(e.ear + e.n - 24000, 24000) < 1);
	assert_true(10 * log10(fabs(power - tones) / power) < -20);
	engine_close();
}

/* Two talk in turns: each is told of, and the speaker changes. */
static void talk(void **state)
{
	const struct media_tone prmv[2] = {
	    {.hz = {440}, .level_db = -20, .on_ms = 180, .off_ms = 60},
	    {.hz = {700}, .level_db = -10, .on_ms = 180, .off_ms = 60},
	};
	struct media_stat st;
	size_t i;

	(void)state;
	engine_open();
	tone(0, &prmv[0]);
	listen_ms(300);
	assert_int_equal(e.startv[0], 0); /* nobody asked */

	assert_int_equal(mix_watch(e.mix, true), 0);
	listen_ms(700);
	assert_int_equal(e.startv[0], 1);
	assert_int_equal(e.speaker, 0);
	media_leg_stat(e.tonev[0], &st);
	assert_true(st.talking);
	assert_true(st.vu_in_db > -25 && st.vu_in_db < -18);
	assert_true(fabsf(st.peak_in_db - -17) < 2);

	tone(1, &prmv[1]);
	listen_ms(1700);
	assert_int_equal(e.startv[1], 1);
	assert_int_equal(e.speaker, 1);
	assert_int_equal(e.speakerv[0], 1);

	assert_int_equal(media_leg_mute(e.tonev[1], true, false), 0);
	listen_ms(1200);
	assert_int_equal(e.stopv[1], 1);
	assert_int_equal(e.speaker, 0);
	media_leg_stat(e.tonev[1], &st);
	assert_false(st.talking);

	/* The speaker goes; and nobody is asked any more. */
	e.tonev[0] = mem_deref(e.tonev[0]);
	listen_ms(100);
	assert_int_equal(mix_watch(e.mix, false), 0);
	assert_int_equal(media_leg_mute(e.tonev[1], false, false), 0);
	listen_ms(500);
	assert_int_equal(e.startv[1], 1);
	for (i = 0; i < 2; i++)
		assert_true(e.speakerv[i] <= 2);
	engine_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_click), cmocka_unit_test(shed),
	    cmocka_unit_test(narrow),	cmocka_unit_test(narrow_rnnoise),
	    cmocka_unit_test(comfort),	cmocka_unit_test(bounds),
	    cmocka_unit_test(live),	cmocka_unit_test(loud),
	    cmocka_unit_test(talk),
	};
	int err = libre_init();

	if (err)
		return err;

	err = cmocka_run_group_tests(tests, NULL, NULL);
	libre_close();

	return err;
}
