/* SPDX-License-Identifier: MIT */
/* Splicing changes into a message without copying it; see edit.h. */

#include <errno.h>
#include <string.h>
#include "router/edit.h"

void edit_init(struct edits *ed)
{
	ed->n = 0;
}

int edit_put(struct edits *ed, uint32_t off, uint32_t cut, const char *p,
	     size_t len)
{
	struct edit *e;
	uint32_t i = ed->n;

	if (ed->n == EDIT_MAX)
		return ENOSPC;

	/* what only puts text in comes before a cut at the same place */
	while (i && (ed->v[i - 1].off > off ||
		     (ed->v[i - 1].off == off && ed->v[i - 1].cut && !cut)))
		--i;
	if (i && ed->v[i - 1].off + ed->v[i - 1].cut > off)
		return EINVAL;
	if (i < ed->n && off + cut > ed->v[i].off)
		return EINVAL;

	e = &ed->v[i];
	memmove(e + 1, e, (ed->n - i) * sizeof(*e));
	*e = (struct edit){off, cut, p, p ? (uint32_t)len : 0};
	++ed->n;

	return 0;
}

static size_t piece(struct iovec *iov, const char *p, size_t len)
{
	if (!len)
		return 0;
	iov->iov_base = (void *)(uintptr_t)p;
	iov->iov_len = len;

	return 1;
}

size_t edit_splice(const struct edits *ed, struct iovec *iov, const char *msg,
		   size_t len, size_t *sump)
{
	size_t n = 0, at = 0, sum = 0;

	for (uint32_t i = 0; i < ed->n; i++) {
		const struct edit *e = &ed->v[i];

		if (e->off > len)
			break;
		n += piece(&iov[n], msg + at, e->off - at);
		n += piece(&iov[n], e->p, e->len);
		at = e->off + e->cut;
		if (at > len)
			at = len;
	}
	n += piece(&iov[n], msg + at, len - at);

	for (size_t i = 0; i < n; i++)
		sum += iov[i].iov_len;
	if (sump)
		*sump = sum;

	return n;
}
