/* SPDX-License-Identifier: MIT */
/* The memory of targets that failed; see locate.h.  A small table: who fails
 * is rare, and the oldest makes room. */

#include <string.h>
#include "proto/locate_impl.h"

static struct locate_fail *find(const struct locate_fails *fs,
				const struct locate_target *t)
{
	for (size_t i = 0; i < fs->n; i++) {
		const struct locate_fail *f = &fs->v[i];

		if (f->t.transport == t->transport &&
		    sa_cmp(&f->t.sa, &t->sa, SA_ALL))
			return (struct locate_fail *)(uintptr_t)f;
	}

	return NULL;
}

const struct locate_fail *locate_fail_find(const struct locate_fails *fs,
					   const struct locate_target *t)
{
	return find(fs, t);
}

static struct locate_fail *place(struct locate_fails *fs)
{
	struct locate_fail *oldest = &fs->v[0];

	if (fs->n < LOCATE_FAILS_MAX)
		return &fs->v[fs->n++];
	for (size_t i = 1; i < fs->n; i++) {
		if (fs->v[i].until_ms < oldest->until_ms)
			oldest = &fs->v[i];
	}

	return oldest;
}

void locate_fail_note(struct locate_fails *fs, const struct locate_target *t,
		      uint64_t now_ms)
{
	struct locate_fail *f = find(fs, t);
	uint64_t span = LOCATE_FAIL_MS;

	if (!f) {
		f = place(fs);
		memset(f, 0, sizeof(*f));
		f->t = *t;
	}
	f->noted_ms = now_ms;
	if (f->until_ms > now_ms)
		return; /* one failure, noticed by several */
	if (now_ms - f->until_ms > LOCATE_FAIL_MAX_MS)
		f->times = 0; /* it was well for long */
	for (uint32_t i = 0; i < f->times && span < LOCATE_FAIL_MAX_MS; i++)
		span *= 2;
	if (span > LOCATE_FAIL_MAX_MS)
		span = LOCATE_FAIL_MAX_MS;
	f->until_ms = now_ms + span;
	++f->times;
}

void locate_fail_clear(struct locate_fails *fs, const struct locate_target *t)
{
	struct locate_fail *f = find(fs, t);

	if (f)
		*f = fs->v[--fs->n];
}

void locate_fail_order(const struct locate_fails *fs, struct locate_found *f,
		       uint64_t now_ms)
{
	struct locate_target last[LOCATE_TARGETS_MAX];
	size_t n = 0, c = 0;

	for (size_t i = 0; i < f->n; i++) {
		const struct locate_fail *fail = find(fs, &f->v[i]);

		f->v[i].failed = fail && fail->until_ms > now_ms;
		if (f->v[i].failed)
			last[c++] = f->v[i];
		else
			f->v[n++] = f->v[i];
	}
	memcpy(f->v + n, last, c * sizeof(*last));
}
