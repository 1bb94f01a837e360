/* SPDX-License-Identifier: MIT */
/* Datagrams that came too soon: see early.h. */

#include <string.h>

#include "node/webrtc/early.h"

struct kept {
	struct le le;
	struct sa src;
	size_t len;
	uint8_t buf[EARLY_BYTES];
};

static void destructor(void *arg)
{
	struct kept *k = arg;

	list_unlink(&k->le);
}

void early_keep(struct list *lst, const struct sa *src, const uint8_t *p,
		size_t len)
{
	struct kept *k;

	if (len > EARLY_BYTES)
		return;

	/* A page that was loaded anew begins after what the one before sent. */
	if (list_count(lst) >= EARLY_MAX)
		mem_deref(list_ledata(list_head(lst)));

	k = mem_alloc(sizeof(*k), destructor);
	if (!k)
		return;

	memset(&k->le, 0, sizeof(k->le));
	k->src = *src;
	k->len = len;
	memcpy(k->buf, p, len);
	list_append(lst, &k->le, k);
}

void early_play(struct list *lst, early_h *h, void *arg)
{
	/* One that is kept again meanwhile is not for now. */
	for (uint32_t n = list_count(lst); n && lst->head; n--) {
		struct kept *k = list_head(lst)->data;

		list_unlink(&k->le);
		h(&k->src, k->buf, k->len, arg);
		mem_deref(k);
	}
}
