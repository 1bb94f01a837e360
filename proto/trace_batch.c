/* SPDX-License-Identifier: MIT */
/* See trace_batch.h. */

#include <errno.h>
#include <string.h>
#include <re.h>
#include "proto/trace_batch.h"

enum { BUCKETS = 256 };

/* Messages of one call. */
struct bunch {
	struct le he; /* in b->calls                               */
	struct le le; /* in b->order                               */
	uint8_t hub[ULID_BYTES];
	enum trace_tells tells;
	bool full; /* another one has been begun for its call   */
	size_t n;
	void *packed[STORE_TRACE_BATCH];
	size_t lenv[STORE_TRACE_BATCH];
};

struct trace_batch {
	struct hash *calls;
	struct list order;
	struct trace_batch_stat stat;
	unsigned under_way;
};

static void bunch_destructor(void *arg)
{
	struct bunch *h = arg;

	hash_unlink(&h->he);
	list_unlink(&h->le);
	for (size_t i = 0; i < h->n; i++)
		mem_deref(h->packed[i]);
}

static void destructor(void *arg)
{
	struct trace_batch *b = arg;

	list_flush(&b->order);
	mem_deref(b->calls);
}

int trace_batch_alloc(struct trace_batch **bp)
{
	struct trace_batch *b = mem_zalloc(sizeof(*b), destructor);
	int err;

	if (!b)
		return ENOMEM;
	err = hash_alloc(&b->calls, BUCKETS);
	if (err)
		mem_deref(b);
	else
		*bp = b;

	return err;
}

/* --------------------------------------------------------------- collecting */

static bool is_open(struct le *le, void *arg)
{
	const struct bunch *h = le->data;

	return !h->full && !memcmp(h->hub, arg, sizeof(h->hub));
}

static struct bunch *bunch_of(struct trace_batch *b, const uint8_t *hub)
{
	const uint32_t key = hash_joaat(hub, ULID_BYTES);
	struct bunch *h = list_ledata(
	    hash_lookup(b->calls, key, is_open, (void *)(uintptr_t)hub));

	if (h && h->n < STORE_TRACE_BATCH)
		return h;
	if (h)
		h->full = true;
	h = mem_zalloc(sizeof(*h), bunch_destructor);
	if (!h)
		return NULL;
	memcpy(h->hub, hub, sizeof(h->hub));
	hash_append(b->calls, key, &h->he, h);
	list_append(&b->order, &h->le, h);

	return h;
}

void trace_batch_put(struct trace_batch *b, const uint8_t hub[ULID_BYTES],
		     const Sy__TraceMessage *msg, enum trace_tells tells)
{
	struct bunch *h = bunch_of(b, hub);
	const size_t len = sy__trace_message__get_packed_size(msg);
	void *p = h ? mem_alloc(len ? len : 1, NULL) : NULL;

	if (!p) {
		++b->stat.dropped;
		return;
	}
	(void)sy__trace_message__pack(msg, p);
	h->packed[h->n] = p;
	h->lenv[h->n++] = len;
	if (tells != TRACE_TELLS_NOTHING)
		h->tells = tells;
}

/* ------------------------------------------------------------------ writing */

struct writing {
	struct trace_batch *b; /* owned                                    */
	size_t n;
};

static void writing_destructor(void *arg)
{
	struct writing *w = arg;

	--w->b->under_way;
	mem_deref(w->b);
}

static void written(int err, void *arg)
{
	struct writing *w = arg;

	if (err)
		w->b->stat.dropped += w->n;
	else
		w->b->stat.written += w->n;
	mem_deref(w);
}

static int write_bunch(struct trace_batch *b, struct redis *r,
		       const struct bunch *h, uint32_t keep_s)
{
	struct store_trace_put put = {
	    .running_s = MAX(keep_s, (uint32_t)TRACE_RUNNING_S),
	    .n = h->n,
	};
	char hub[ULID_LEN + 1];
	struct writing *w;
	int err;

	if (b->under_way >= TRACE_UNDER_WAY_MAX)
		return EBUSY;
	w = mem_zalloc(sizeof(*w), writing_destructor);
	if (!w)
		return ENOMEM;
	w->b = mem_ref(b);
	w->n = h->n;
	++b->under_way;
	ulid_print(hub, h->hub);
	put.hub = hub;
	if (h->tells == TRACE_TELLS_RUNNING)
		put.ttl_s = put.running_s;
	else if (h->tells == TRACE_TELLS_END)
		put.ttl_s = keep_s;
	for (size_t i = 0; i < h->n; i++)
		put.itemv[i] =
		    (struct store_trace_item){h->packed[i], h->lenv[i]};
	err = store_trace_put(r, &put, written, w);
	if (err)
		mem_deref(w);

	return err;
}

void trace_batch_write(struct trace_batch *b, struct redis *r, uint32_t keep_s)
{
	struct bunch *h;

	while ((h = list_ledata(list_head(&b->order)))) {
		if (write_bunch(b, r, h, keep_s))
			b->stat.dropped += h->n;
		mem_deref(h);
	}
}

unsigned trace_batch_under_way(const struct trace_batch *b)
{
	return b->under_way;
}

const struct trace_batch_stat *trace_batch_stat(const struct trace_batch *b)
{
	return &b->stat;
}
