/* SPDX-License-Identifier: MIT */
/* A whole hub: see whole.h. */

#include <string.h>
#include <openssl/crypto.h>
#include "node/whole.h"

static void fill_dialogs(struct whole *w, const struct hub *hub)
{
	const struct le *le;

	w->msg.dialogs = w->dlgv;
	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;
		Sy__DialogState *ds = &w->statev[w->msg.n_dialogs];

		if (!leg->ops->checkpoint)
			continue;

		record_dialog_init(ds, leg);
		w->msg.dialogs[w->msg.n_dialogs++] = ds;
	}
}

int whole_init(struct whole *w, const struct node *n, const struct hub *hub)
{
	const size_t legs = hub_legs(hub) + 1;
	int err;

	memset(w, 0, sizeof(*w));
	sy__take_hub__init(&w->msg);
	sy__link_end__init(&w->link);
	w->statev = mem_zalloc(legs * sizeof(*w->statev), NULL);
	w->dlgv = mem_zalloc(legs * sizeof(*w->dlgv), NULL);
	err = record_call_init(&w->rec, hub, n->conf.id, RECORD_LIVE);
	err |= hub_state_init(&w->st, hub);
	if (err || !w->statev || !w->dlgv)
		return ENOMEM;

	w->msg.hub = (char *)hub->id;
	w->msg.epoch = hub->epoch;
	w->msg.node = (char *)n->conf.id;
	w->msg.instance = member_instance(n->members);
	w->msg.call = &w->rec.msg;
	w->msg.state = &w->st.msg;
	fill_dialogs(w, hub);

	return 0;
}

void whole_link(struct whole *w, const struct sa *addr,
		const uint8_t key[MEDIA_LINK_KEY_BYTES])
{
	if (re_snprintf(w->addr, sizeof(w->addr), "%J", addr) < 0)
		return;

	memcpy(w->key, key, sizeof(w->key));
	w->link.address = w->addr;
	w->link.key.data = w->key;
	w->link.key.len = sizeof(w->key);
	w->msg.link = &w->link;
}

void whole_close(struct whole *w)
{
	record_call_close(&w->rec);
	hub_state_close(&w->st);
	mem_deref(w->statev);
	mem_deref((void *)w->dlgv);
	OPENSSL_cleanse(w->key, sizeof(w->key));
}
