/* SPDX-License-Identifier: MIT */
/*
 * Devices: a table with open addressing, a power of two of slots and at most
 * half of them taken.  Trunks are few: their ids are compared one by one,
 * their sources are one list in the order in which they are tried.  Both are
 * shared with the index of the next revision where they are the same.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "proto/config_index.h"
#include "proto/config_net.h"

struct source {
	struct config_net net;
	const Sy__Trunk *trunk;
};

struct config_index {
	const Sy__Config *conf;
	const Sy__Device **slotv;
	size_t mask;             /* number of slots - 1 */
	struct source *sourcev;
	size_t sourcec;
};

static void destructor(void *arg)
{
	struct config_index *i = arg;

	mem_deref(i->slotv);
	mem_deref(i->sourcev);
}

/* @return the slot of the device, or the free one where it would be. */
static size_t slot(const struct config_index *i, const char *id, size_t len)
{
	size_t s = hash_joaat((const uint8_t *)id, len) & i->mask;

	while (i->slotv[s] && (strncmp(i->slotv[s]->id, id, len) ||
			       i->slotv[s]->id[len]))
		s = (s + 1) & i->mask;

	return s;
}

static int index_devices(struct config_index *i)
{
	size_t n = 8, d;

	while (n < 2 * i->conf->n_devices)
		n *= 2;
	i->slotv = mem_zalloc(n * sizeof(*i->slotv), NULL);
	if (!i->slotv)
		return ENOMEM;

	i->mask = n - 1;
	for (d = 0; d < i->conf->n_devices; d++) {
		const Sy__Device *dev = i->conf->devices[d];

		i->slotv[slot(i, dev->id, strlen(dev->id))] = dev;
	}

	return 0;
}

static int source_cmp(const void *a, const void *b)
{
	return config_net_cmp(&((const struct source *)a)->net,
			      &((const struct source *)b)->net);
}

static int index_sources(struct config_index *i)
{
	size_t n = 0, t, s;

	for (t = 0; t < i->conf->n_trunks; t++)
		n += i->conf->trunks[t]->n_sources;
	i->sourcev = mem_zalloc((n + 1) * sizeof(*i->sourcev), NULL);
	if (!i->sourcev)
		return ENOMEM;

	for (t = 0; t < i->conf->n_trunks; t++) {
		const Sy__Trunk *tr = i->conf->trunks[t];

		for (s = 0; tr->enabled && s < tr->n_sources; s++) {
			struct source *src = &i->sourcev[i->sourcec];

			if (config_net_read(&src->net, tr->sources[s], NULL))
				continue; /* checked when it was applied */
			src->trunk = tr;
			i->sourcec++;
		}
	}
	qsort(i->sourcev, i->sourcec, sizeof(*i->sourcev), source_cmp);

	return 0;
}

int config_index_alloc(struct config_index **ip, const Sy__Config *conf)
{
	struct config_index *i;
	int err;

	if (!ip || !conf)
		return EINVAL;

	i = mem_zalloc(sizeof(*i), destructor);
	if (!i)
		return ENOMEM;

	i->conf = conf;
	err = index_devices(i);
	if (!err)
		err = index_sources(i);

	if (err)
		mem_deref(i);
	else
		*ip = i;

	return err;
}

/* A device in the place of one with its id. */
static int swap_device(struct config_index *i, const struct config_index *old,
		       const Sy__Device *dev)
{
	const size_t size = (old->mask + 1) * sizeof(*i->slotv);

	i->slotv = mem_alloc(size, NULL);
	if (!i->slotv)
		return ENOMEM;
	memcpy(i->slotv, old->slotv, size);
	i->mask = old->mask;
	i->slotv[slot(i, dev->id, strlen(dev->id))] = dev;

	return 0;
}

int config_index_change(struct config_index **ip,
			const struct config_index *old,
			const Sy__Config *conf, enum config_section s,
			const ProtobufCMessage *was,
			const ProtobufCMessage *item)
{
	struct config_index *i = mem_zalloc(sizeof(*i), destructor);
	int err = 0;

	if (!i)
		return ENOMEM;
	i->conf = conf;
	if (s != CONFIG_DEVICES) {
		i->slotv = mem_ref(old->slotv);
		i->mask = old->mask;
	} else if (was && item) {
		err = swap_device(i, old, (const Sy__Device *)item);
	} else {
		err = index_devices(i);
	}
	if (!err && s == CONFIG_TRUNKS) {
		err = index_sources(i);
	} else if (!err) {
		i->sourcev = mem_ref(old->sourcev);
		i->sourcec = old->sourcec;
	}

	if (err)
		mem_deref(i);
	else
		*ip = i;

	return err;
}

const Sy__Device *config_index_device(const struct config_index *i,
				      const char *id, size_t len)
{
	if (!i || !id || memchr(id, '\0', len))
		return NULL;

	return i->slotv[slot(i, id, len)];
}

const Sy__Trunk *config_index_trunk(const struct config_index *i,
				    const char *id)
{
	size_t t;

	for (t = 0; i && id && t < i->conf->n_trunks; t++) {
		if (!strcmp(i->conf->trunks[t]->id, id))
			return i->conf->trunks[t];
	}

	return NULL;
}

const Sy__Group *config_index_group(const struct config_index *i,
				    const char *id)
{
	for (size_t g = 0; i && id && g < i->conf->n_groups; g++) {
		if (!strcmp(i->conf->groups[g]->id, id))
			return i->conf->groups[g];
	}

	return NULL;
}

const Sy__Trunk *config_index_source(const struct config_index *i,
				     const struct sa *addr)
{
	struct config_net net;
	size_t s;

	if (!i || !addr || config_net_from_sa(&net, addr))
		return NULL;

	for (s = 0; s < i->sourcec; s++) {
		if (config_net_has(&i->sourcev[s].net, &net))
			return i->sourcev[s].trunk;
	}

	return NULL;
}
