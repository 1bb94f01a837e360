/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <re.h>

#include "node/media/denoise.h"

struct denoise {
	const struct denoise_ops *ops; /* RO                                 */
	void *st;		       /* owned; signalling, then the worker */
	uint32_t rate_hz;	       /* RO                                 */
};

static const struct denoise_ops *const makers[] = {
    [MEDIA_DENOISE_SPEEX] = &denoise_speex,
#ifdef SY_RNNOISE
    [MEDIA_DENOISE_RNNOISE] = &denoise_rnnoise,
#endif
    [MEDIA_DENOISE_AUTO] = NULL,
};

static const char *const names[] = {
    [MEDIA_DENOISE_OFF] = "off",
    [MEDIA_DENOISE_SPEEX] = "speex",
    [MEDIA_DENOISE_RNNOISE] = "rnnoise",
    [MEDIA_DENOISE_AUTO] = "auto",
};

const char *media_denoise_name(enum media_denoise kind)
{
	return (unsigned)kind < ARRAY_SIZE(names) ? names[kind] : "?";
}

int media_denoise_find(enum media_denoise *kindp, const char *name)
{
	unsigned i;

	for (i = 0; kindp && name && i < ARRAY_SIZE(names); i++) {
		if (!str_cmp(name, names[i])) {
			*kindp = (enum media_denoise)i;
			return 0;
		}
	}

	return ENOENT;
}

bool denoise_have(enum media_denoise kind)
{
	if (kind == MEDIA_DENOISE_OFF || kind == MEDIA_DENOISE_AUTO)
		return true;

	return (unsigned)kind < ARRAY_SIZE(makers) && makers[kind];
}

bool media_denoise_have(enum media_denoise kind)
{
	return denoise_have(kind);
}

enum media_denoise denoise_resolve(enum media_denoise kind)
{
	if (kind != MEDIA_DENOISE_AUTO)
		return kind;

	return denoise_have(MEDIA_DENOISE_RNNOISE) ? MEDIA_DENOISE_RNNOISE
						   : MEDIA_DENOISE_SPEEX;
}

static void destructor(void *arg)
{
	struct denoise *d = arg;

	if (d->st)
		d->ops->free(d->st);
}

int denoise_alloc(struct denoise **dp, enum media_denoise kind,
		  uint32_t rate_hz)
{
	struct denoise *d;

	if (!dp || kind == MEDIA_DENOISE_OFF || !denoise_have(kind) ||
	    !makers[kind])
		return ENOTSUP;

	if (rate_hz != 48000 && (kind == MEDIA_DENOISE_RNNOISE ||
				 (rate_hz != 8000 && rate_hz != 16000)))
		return ENOTSUP;

	d = mem_zalloc(sizeof(*d), destructor);
	if (!d)
		return ENOMEM;

	d->ops = makers[kind];
	d->rate_hz = rate_hz;
	d->st = d->ops->alloc(rate_hz);
	if (!d->st) {
		mem_deref(d);
		return ENOMEM;
	}

	*dp = d;

	return 0;
}

void denoise_run(struct denoise *d, float *pcm, size_t n)
{
	d->ops->run(d->st, pcm, n);
}

uint32_t denoise_delay_smp(const struct denoise *d)
{
	return d->ops->delay_smp_48 * (d->rate_hz / 1000) / 48;
}
