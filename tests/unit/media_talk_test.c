/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/* Talk detection, the speaker of a mix, automatic gain: on speech and noise. */

#include "media_noise.h"

#include "node/media/agc.h"
#include "node/media/gain.h"
#include "node/media/level.h"
#include "node/media/media.h"
#include "node/media/talk.h"

enum { RATE = MEDIA_RATE_HZ, FRAME = MEDIA_FRAME_SMP, PAUSE_FRAMES = 100 };

/* Speech with pauses of 2 s around it. */
struct scene {
	size_t frames;
	float *pcm; /* speech alone                  */
	float *noise;
	float *both;
	bool *speech; /* per frame: there is speech    */
};

static void scene_make(struct scene *s)
{
	size_t n, i, k;
	float *v = speech_load("en", RATE, &n);

	s->frames = n / FRAME + 1 + 2 * PAUSE_FRAMES;
	s->pcm = calloc(s->frames * FRAME, sizeof(float));
	s->noise = calloc(s->frames * FRAME, sizeof(float));
	s->both = calloc(s->frames * FRAME, sizeof(float));
	s->speech = calloc(s->frames, sizeof(bool));
	memcpy(s->pcm + PAUSE_FRAMES * FRAME, v, n * sizeof(float));
	free(v);

	/* A frame is speech within 30 dB of the mean, and gaps of words under
	 * 400 ms are speech, too. */
	for (i = 0; i < s->frames; i++)
		s->speech[i] = level_power(s->pcm + i * FRAME, FRAME) > 3e-6f;
	for (i = 0; i < s->frames; i++) {
		for (k = 1; k < 20 && i >= k && s->speech[i]; k++) {
			if (s->speech[i - k]) {
				while (--k)
					s->speech[i - k] = true;
				break;
			}
		}
	}
}

static void scene_free(struct scene *s)
{
	free(s->pcm);
	free(s->noise);
	free(s->both);
	free(s->speech);
}

struct rates {
	double miss, false_alarm;
	unsigned starts, stops;
};

/* Frames of speech not told, and of noise told after the hangover. */
static struct rates detect(const struct scene *s)
{
	struct rates r = {0};
	size_t i, quiet = 0, speech = 0, pause = 0;
	struct vad v;

	vad_init(&v);
	for (i = 0; i < s->frames; i++) {
		enum vad_change c;

		c = vad_step(&v, level_power(s->both + i * FRAME, FRAME));
		r.starts += c == VAD_START;
		r.stops += c == VAD_STOP;
		quiet = s->speech[i] ? 0 : quiet + 1;
		if (s->speech[i]) {
			speech++;
			r.miss += !v.talking;
		} else if (quiet > VAD_HANG_TICKS) {
			pause++;
			r.false_alarm += v.talking;
		}
	}

	r.miss *= 100 / (double)speech;
	r.false_alarm *= 100 / (double)pause;

	return r;
}

static void errors(void **state)
{
	static const double snrv[] = {5, 10, 15, 30};
	struct scene s;
	size_t kind, k;

	(void)state;
	scene_make(&s);

	for (kind = 0; kind < NOISE_KINDS; kind++) {
		noise_make(s.noise, s.frames * FRAME, kind, RATE);
		for (k = 0; k < 4; k++) {
			struct rates r;

			noise_add(s.both, s.pcm, s.noise, s.frames * FRAME,
				  snrv[k]);
			r = detect(&s);
			printf("%-6s %2.0f dB: missed %4.1f %%, false %4.1f "
			       "%%, %u talks\n",
			       noise_names[kind], snrv[k], r.miss,
			       r.false_alarm, r.starts);
			/* Babble is speech: no level tells them apart. */
			if (kind != NOISE_BABBLE)
				assert_true(r.false_alarm < 2);
			assert_true(r.miss < (snrv[k] < 10 ? 25 : 10));
		}
	}

	scene_free(&s);
}

/* A fan that is switched on, a tone that stays: no talk for long. */
static void steady(void **state)
{
	struct vad v;
	unsigned talking = 0;
	size_t i;

	(void)state;
	vad_init(&v);
	for (i = 0; i < 3000; i++) {
		(void)vad_step(&v, i < 100 ? 0 : 0.001f);
		talking += v.talking;
	}
	printf("steady noise after silence: talk for %u ms\n", talking * 20);
	assert_true(talking * 20 <= 3400);
	assert_false(v.talking);

	/* A click is no talk; silence never is. */
	vad_init(&v);
	for (i = 0; i < 1000; i++) {
		assert_int_equal(vad_step(&v, i % 50 < 2 ? 0.1f : 0), VAD_SAME);
		assert_false(v.talking);
	}
}

static void hangover(void **state)
{
	struct vad v;
	size_t i;

	(void)state;
	vad_init(&v);
	for (i = 0; i < 50; i++)
		(void)vad_step(&v, 1e-7f);
	assert_int_equal(vad_step(&v, 0.01f), VAD_SAME);
	assert_int_equal(vad_step(&v, 0.01f), VAD_SAME);
	assert_int_equal(vad_step(&v, 0.01f), VAD_START);
	for (i = 0; i < VAD_HANG_TICKS - 1; i++)
		assert_int_equal(vad_step(&v, 0), VAD_SAME);
	assert_int_equal(vad_step(&v, 0), VAD_STOP);
	assert_false(v.talking);
}

/* ------------------------------------------------------------ the speaker */

struct room {
	struct talk talk;
	struct talk_party whov[3];
	size_t changes;
};

/* Who talks how loud for a while; 0: is silent. Speech-like: on and off. */
static struct talk_party *converse(struct room *r, const float *powerv,
				   unsigned ticks)
{
	unsigned i, k;

	for (i = 0; i < ticks; i++) {
		for (k = 0; k < 3; k++)
			(void)talk_feed(&r->talk, &r->whov[k],
					i % 12 < 9 ? powerv[k] : 1e-7f);
		r->changes += talk_decide(&r->talk) != NULL;
	}

	return r->talk.speaker;
}

static void speaker(void **state)
{
	struct room r = {.changes = 0};
	unsigned i;

	(void)state;
	talk_init(&r.talk);
	for (i = 0; i < 3; i++)
		talk_party_init(&r.whov[i]);

	assert_null(converse(&r, (float[]){0, 0, 0}, 100));
	assert_ptr_equal(converse(&r, (float[]){.01f, 0, 0}, 100), &r.whov[0]);

	/* A cough of another one, and a quieter one for long. */
	assert_ptr_equal(converse(&r, (float[]){.01f, .5f, 0}, 8), &r.whov[0]);
	(void)converse(&r, (float[]){.01f, 0, 0}, 50);
	assert_ptr_equal(converse(&r, (float[]){.01f, .009f, 0}, 300),
			 &r.whov[0]);
	assert_int_equal(r.changes, 1);

	/* Much louder for long; then silence keeps the last. */
	assert_ptr_equal(converse(&r, (float[]){.01f, .1f, 0}, 100),
			 &r.whov[1]);
	assert_ptr_equal(converse(&r, (float[]){0, 0, 0}, 200), &r.whov[1]);
	assert_int_equal(r.changes, 2);

	/* One falls silent, a quiet one takes over within a second. */
	(void)converse(&r, (float[]){0, .1f, 0}, 100);
	assert_ptr_equal(converse(&r, (float[]){0, 0, .001f}, 40), &r.whov[2]);
	assert_int_equal(r.changes, 3);

	/* Two of the same loudness: no ping-pong. */
	(void)converse(&r, (float[]){.05f, .05f, .05f}, 3000);
	assert_true(r.changes <= 4);

	talk_forget(&r.talk, r.talk.speaker);
	assert_null(r.talk.speaker);
	assert_non_null(converse(&r, (float[]){.05f, 0, 0}, 60));
}

/* At whatever they do: at most one change a second. */
static void bounded(void **state)
{
	struct room r = {.changes = 0};
	uint32_t rnd = test_seed() | 1;
	unsigned i;

	(void)state;
	talk_init(&r.talk);
	for (i = 0; i < 3; i++)
		talk_party_init(&r.whov[i]);
	for (i = 0; i < 2000; i++) {
		float v[3];

		for (size_t k = 0; k < 3; k++)
			v[k] =
			    test_rand(&rnd) % 2
				? 0
				: powf(10, -(float)(test_rand(&rnd) % 40) / 10);
		(void)converse(&r, v, 1 + test_rand(&rnd) % 60);
		if (test_rand(&rnd) % 50 == 0)
			talk_forget(&r.talk, &r.whov[test_rand(&rnd) % 3]);
	}
	printf("%zu changes in %u s of chaos\n", r.changes, 2000 * 30 / 50);
	assert_true(r.changes < 1300);
	assert_true(r.changes > 100);
}

/* --------------------------------------------------------- automatic gain */

/* Level of the speech frames of the last 4 s of a scene [dBFS]. */
static double run_agc(struct agc *a, const struct scene *s, const float *pcm,
		      double *pause_db, double *up_db)
{
	double sum = 0, floor_p = 0, last = 1, gain = 0;
	size_t i, n = 0, quiet = 0;
	float frame[FRAME];

	*up_db = 0;
	for (i = 0; i < s->frames; i++) {
		memcpy(frame, pcm + i * FRAME, sizeof(frame));
		agc_run(a, frame, FRAME);
		gain = (double)a->gain;
		if (i)
			*up_db = fmax(*up_db, to_db(gain / last));
		last = gain;

		assert_true(gain_peak(frame + 48, FRAME - 48) <= 0.9f);
		if (s->speech[i] && i + PAUSE_FRAMES + 200 > s->frames) {
			sum += (double)level_power(frame, FRAME);
			n++;
		}
		if (i > s->frames - PAUSE_FRAMES / 2) {
			floor_p += (double)level_power(frame, FRAME);
			quiet++;
		}
	}

	*pause_db = 10 * log10(floor_p / (double)quiet + 1e-12);

	return 10 * log10(sum / (double)n + 1e-12);
}

static void agc_target(void **state)
{
	static const float levelv[] = {-40, -30, -20, -10};
	struct scene s;
	size_t k, i;

	(void)state;
	scene_make(&s);

	for (k = 0; k < 4; k++) {
		float g = gain_of_db(levelv[k] + 26);
		double db, pause_db, up_db;
		struct agc a;

		for (i = 0; i < s.frames * FRAME; i++)
			s.both[i] = s.pcm[i] * g;
		agc_init(&a);
		db = run_agc(&a, &s, s.both, &pause_db, &up_db);
		printf("speech of %.0f dBFS: %.1f dBFS, gain %.1f dB, at most "
		       "%.2f dB up a frame\n",
		       (double)levelv[k], db, to_db((double)a.gain), up_db);
		assert_true(db > -23.5 && db < -17);
		assert_true(up_db < 0.13);
	}

	scene_free(&s);
}

/* Noise alone is not lifted; beneath speech not above -50 dBFS, or not at
 * all. */
static void agc_noise(void **state)
{
	double pause_db, up_db;
	struct scene s;
	struct agc a;
	size_t i;

	(void)state;
	scene_make(&s);

	noise_make(s.noise, s.frames * FRAME, NOISE_WHITE, RATE);
	for (i = 0; i < s.frames * FRAME; i++) {
		s.noise[i] *= 0.01f; /* -40 dBFS */
		s.both[i] = s.pcm[i] * 0.2f + s.noise[i] * 0.1f;
	}

	agc_init(&a);
	(void)run_agc(&a, &s, s.noise, &pause_db, &up_db);
	printf("noise alone: gain %.2f dB\n", to_db((double)a.gain));
	assert_true(a.gain == 1);

	agc_init(&a);
	(void)run_agc(&a, &s, s.both, &pause_db, &up_db);
	printf("speech -40, noise -60 dBFS: noise becomes %.1f dBFS, gain "
	       "%.1f dB\n",
	       pause_db, to_db((double)a.gain));
	assert_true(pause_db < -48.5 && pause_db > -53);

	scene_free(&s);
}

/* A shout after a whisper: down at once, and nothing above full scale. */
static void agc_shout(void **state)
{
	float frame[FRAME];
	struct agc a;
	size_t i;

	(void)state;
	agc_init(&a);
	for (i = 0; i < 500; i++) {
		tone_make(frame, FRAME, i * FRAME, 300, RATE,
			  i % 10 == 9 ? 1e-4 : 0.014);
		agc_run(&a, frame, FRAME);
	}
	assert_true(a.gain > 8);

	tone_make(frame, FRAME, i * FRAME, 300, RATE, 0.9);
	agc_run(&a, frame, FRAME);
	assert_true(gain_peak(frame + 48, FRAME - 48) <= 0.9f);
	assert_true(a.gain < 1.01f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors),	 cmocka_unit_test(steady),
	    cmocka_unit_test(hangover),	 cmocka_unit_test(speaker),
	    cmocka_unit_test(bounded),	 cmocka_unit_test(agc_target),
	    cmocka_unit_test(agc_noise), cmocka_unit_test(agc_shout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
