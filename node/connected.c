/* SPDX-License-Identifier: MIT */
/* Whom phones are told that they talk to: see connected.h. */

#include <errno.h>
#include <string.h>

#include "node/app/dial.h"
#include "node/connected.h"
#include "node/leg_sip_priv.h"
#include "proto/log.h"

enum {
	AGAIN_MS = 500,
	NOBODY = 1,           /* of leg_sip.connected */
};

/* A SIP phone of ours; else NULL. */
static struct leg_sip *phone(struct leg *leg)
{
	struct leg_sip *ls = (struct leg_sip *)leg;

	return leg->ops == &leg_sip_ops &&
			       leg->info.kind == SY__LEG_KIND__DEVICE &&
			       ls->dlg
		       ? ls
		       : NULL;
}

static bool is_hidden(const struct leg *other)
{
	return leg_is_hidden(other) || !other->info.user[0];
}

/* FNV-1a, of what would be told. */
static uint64_t sum(const struct leg *other)
{
	uint64_t h = 0xcbf29ce484222325ull;
	const char *v[] = {other->info.user, other->info.name};

	if (is_hidden(other))
		return NOBODY + 1;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		for (const char *p = v[i]; *p; p++)
			h = (h ^ (uint8_t)*p) * 0x100000001b3ull;
		h = (h ^ '\n') * 0x100000001b3ull;
	}

	return h > NOBODY + 1 ? h : NOBODY + 2;
}

void connected_print(char buf[CONNECTED_SIZE], const struct leg *leg)
{
	const struct leg_sip *ls = phone((struct leg *)(uintptr_t)leg);
	const struct leg *other = ls ? hub_other(leg) : NULL;
	const char *name;
	struct pl user;
	int n;

	buf[0] = '\0';
	if (!other)
		return;
	if (is_hidden(other)) {
		(void)re_snprintf(buf, CONNECTED_SIZE,
				  "P-Asserted-Identity: \"Anonymous\" "
				  "<sip:anonymous@anonymous.invalid>\r\n");
		return;
	}

	name = other->info.name;
	if (strpbrk(name, "\"\\\r\n"))
		name = "";
	pl_set_str(&user, other->info.user);
	n = re_snprintf(buf, CONNECTED_SIZE,
			"P-Asserted-Identity: %s%s%s<sip:%H@%s>\r\n",
			name[0] ? "\"" : "", name, name[0] ? "\" " : "",
			uri_user_escape, &user, dial_domain(ls->node));
	if (n < 0)
		buf[0] = '\0';
}

static void update(struct leg_sip *ls);

static void again_handler(void *arg)
{
	update(arg);
}

static void tell(struct leg_sip *ls, uint64_t who)
{
	const uint64_t was = ls->connected;
	char hdr[CONNECTED_SIZE];
	int err;

	connected_print(hdr, &ls->leg);
	/* at once: to tell it is to change the hub */
	ls->connected = who;
	err = dialog_tell(ls->dlg, hdr);
	if (err == EBUSY) {
		ls->connected = was;
		alarm_start(&ls->node->alarms, &ls->tell, AGAIN_MS,
			    again_handler, ls);
		return;
	}
	/* who does not know UPDATE is not told */
	if (err && err != ENOTSUP)
		log_warn("phone not told whom it talks to", LOG_E(err),
			 LOG_S("leg", ls->leg.info.id));
}

/* Who was called knows by From whom it talks to, though that one is answered
 * later, or there are two: who put the call through leaves now. */
static bool is_soon_known(const struct leg *leg)
{
	for (const struct le *le = list_head(&leg->hub->legs); le;
	     le = le->next) {
		const struct leg *x = le->data;

		if (x != leg && x->ops->party &&
		    (x->info.direction == SY__DIRECTION__INBOUND ||
		     leg_is(x, SY__LEG_STATE__LEG_ANSWERED)))
			return true;
	}

	return false;
}

static void update(struct leg_sip *ls)
{
	const struct leg *other = hub_other(&ls->leg);
	const struct hub *hub = ls->leg.hub;
	uint64_t who;

	/* two who meet at a parking place have a call */
	if (!leg_is(&ls->leg, SY__LEG_STATE__LEG_ANSWERED) ||
	    (hub->conference && !hub_is_park(hub)))
		return;
	who = other ? sum(other) : NOBODY;
	if (!ls->connected && !other && is_soon_known(&ls->leg))
		return;
	if (!ls->connected)
		ls->connected = who;
	else if (other && who != ls->connected)
		tell(ls, who);
}

void connected_update(struct hub *hub)
{
	for (struct le *le = list_head(&hub->legs); le; le = le->next) {
		struct leg_sip *ls = phone(le->data);

		if (ls && !ls->departed)
			update(ls);
	}
}
