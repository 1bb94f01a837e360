/* SPDX-License-Identifier: MIT */
/* A mix as signalling has it: the handle, and which worker gets it. */

#include <re.h>

#include "node/media/engine.h"
#include "node/media/mix.h"

static void destructor(void *arg)
{
	struct mix *mix = arg;

	/* Groups live as long as the sets of the legs, which may be longer. */
	list_clear(&mix->groupl);

	if (!mix->bus)
		return;

	--mix->w->mixes;
	media_release(mix->m, mix->w, &mix->bus->release, CMD_MIX_DEL,
		      mix->bus);
}

static struct worker *least_used(const struct media *m)
{
	struct worker *best = m->workerv[0];
	unsigned i;

	for (i = 1; i < m->workerc; i++) {
		struct worker *w = m->workerv[i];

		if (worker_load_us(w) < worker_load_us(best))
			best = w;
	}

	return best;
}

int mix_alloc(struct mix **mixp, struct media *m)
{
	struct mixbus *bus;
	struct mix *mix;
	struct cmd cmd = {.type = CMD_MIX_ADD};
	int err;

	if (!mixp || !m)
		return EINVAL;

	mix = mem_zalloc(sizeof(*mix), destructor);
	bus = mem_zalloc(sizeof(*bus), NULL);
	if (!mix || !bus) {
		err = ENOMEM;
		goto out;
	}

	mix->m = m;
	mix->w = least_used(m);

	limit_init(&bus->limit);
	cmd.obj = bus;
	err = media_cmd(m, mix->w, &cmd);
	if (err)
		goto out;

	++mix->w->mixes;
	mix->bus = bus;
	bus = NULL;

out:
	mem_deref(bus);
	if (err)
		mem_deref(mix);
	else
		*mixp = mix;

	return err;
}
