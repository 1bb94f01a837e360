/* SPDX-License-Identifier: MIT */
/* How a call came here, as texts: see histinfo.h. */

#include <stdlib.h>
#include <string.h>

#include "node/sip/histinfo.h"

const char histinfo_nobody[] = "sip:anonymous@anonymous.invalid";

/* RFC 7544 7.2; what has no cause of its own is 404. */
static const struct {
	const char *reason;
	uint16_t cause;
} causes[] = {
	{"unconditional", 302}, {"user-busy", 486}, {"no-answer", 408},
	{"deflection", 480},    {"deflection", 487}, {"unavailable", 503},
	{"unknown", 404},
};

const char *histinfo_reason(uint16_t cause)
{
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
		if (causes[i].cause == cause)
			return causes[i].reason;
	}

	return "unknown";
}

/* -------------------------------------------------------------------- print */

struct histinfo_entry *histinfo_add(struct histinfo *h, const char *uri,
				    uint16_t cause)
{
	struct histinfo_entry *e = &h->v[h->n], *last = h->n ? e - 1 : NULL;

	if (h->n == HISTINFO_ENTRIES || strlen(uri) >= sizeof(e->uri) ||
	    (last && strlen(last->index) + 3 > sizeof(e->index)))
		return NULL;

	memset(e, 0, sizeof(*e));
	str_ncpy(e->uri, uri, sizeof(e->uri));
	if (last) {
		(void)re_snprintf(e->index, sizeof(e->index), "%s.1",
				  last->index);
		str_ncpy(e->how, "mp", sizeof(e->how));
		str_ncpy(e->from, last->index, sizeof(e->from));
	}
	else {
		str_ncpy(e->index, "1", sizeof(e->index));
	}
	e->cause = cause;
	e->count = cause != 0;
	++h->n;

	return e;
}

const struct histinfo_entry *histinfo_before(const struct histinfo *h,
					     const struct histinfo_entry *e)
{
	for (const struct histinfo_entry *x = h->v; x < e; x++) {
		if (e->from[0] && !strcmp(x->index, e->from))
			return x;
	}

	return e > h->v ? e - 1 : NULL;
}

uint32_t histinfo_count(const struct histinfo *h)
{
	uint32_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += h->v[i].count;

	return n;
}

static const char *shown(const struct histinfo_entry *e)
{
	return e->hidden ? histinfo_nobody : e->uri;
}

static int print_entry(struct mbuf *mb, const struct histinfo_entry *e)
{
	int err = mbuf_printf(mb, "<%s", shown(e));

	if (e->cause)
		err |= mbuf_printf(mb, ";cause=%u", e->cause);
	if (e->reason)
		err |= mbuf_printf(mb, "?Reason=SIP%%3Bcause%%3D%u",
				   e->reason);
	if (e->hidden)
		err |= mbuf_printf(mb, "%sPrivacy=history",
				   e->reason ? "&" : "?");
	err |= mbuf_printf(mb, ">;index=%s", e->index);
	if (e->how[0])
		err |= mbuf_printf(mb, ";%s=%s", e->how, e->from);

	return err;
}

/* @param mb  Its text, taken. */
static int finish(char *buf, size_t size, struct mbuf *mb, int err)
{
	if (!err && mb->end >= size)
		err = EOVERFLOW;
	buf[0] = '\0';
	if (!err) {
		memcpy(buf, mb->buf, mb->end);
		buf[mb->end] = '\0';
	}
	mem_deref(mb);

	return err;
}

int histinfo_print(char *buf, size_t size, const struct histinfo *h)
{
	struct mbuf *mb = mbuf_alloc(512);
	int err = 0;

	if (!mb)
		return ENOMEM;

	for (size_t i = 0; i < h->n; i++) {
		err |= mbuf_write_str(mb, i ? ", " : "History-Info: ");
		err |= print_entry(mb, &h->v[i]);
	}
	if (h->n)
		err |= mbuf_write_str(mb, "\r\n");

	return finish(buf, size, mb, err);
}

int histinfo_print_diversion(char *buf, size_t size, const struct histinfo *h)
{
	struct mbuf *mb = mbuf_alloc(512);
	bool any = false;
	int err = 0;

	if (!mb)
		return ENOMEM;

	for (size_t i = h->n; i-- > 0;) {
		const struct histinfo_entry *e = &h->v[i];
		const struct histinfo_entry *by = histinfo_before(h, e);

		if (!e->cause || !by)
			continue;
		err |= mbuf_printf(mb, "%s<%s>;reason=%s;counter=%u%s",
				   any ? ", " : "Diversion: ", shown(by),
				   histinfo_reason(e->cause),
				   e->count ? e->count : 1,
				   by->hidden ? ";privacy=full" : "");
		any = true;
	}
	if (any)
		err |= mbuf_write_str(mb, "\r\n");

	return finish(buf, size, mb, err);
}
