/* SPDX-License-Identifier: MIT */
/* History-Info and Diversion of others: see histinfo.h. */

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "node/sip/histinfo.h"

enum { COUNT_MAX = 100 };

/* What may stand within <> of a header of ours; there are readers that divide
 * at a comma there, too. */
static bool is_clean(const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++) {
		const unsigned char c = (unsigned char)pl->p[i];

		if (c <= ' ' || c >= 0x7f || strchr("<>\"\\?,", c))
			return false;
	}

	return pl->l != 0;
}

static bool is_index(const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++) {
		if (!isdigit((unsigned char)pl->p[i]) && pl->p[i] != '.')
			return false;
	}

	return pl->l != 0;
}

/* The next value of a list; a comma within quotes or <> divides nothing. */
static bool next_value(struct pl *rest, struct pl *val)
{
	bool quoted = false, within = false;
	size_t i;

	for (i = 0; i < rest->l; i++) {
		const char c = rest->p[i];

		if (quoted && c == '\\')
			++i;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && c == '<')
			within = true;
		else if (!quoted && c == '>')
			within = false;
		else if (!quoted && !within && c == ',')
			break;
	}
	if (i > rest->l)
		i = rest->l;
	val->p = rest->p;
	val->l = i;
	pl_advance(rest, (ssize_t)(i < rest->l ? i + 1 : i));

	return val->l || rest->l;
}

/* <uri>params; a display name is not kept. */
static bool split(const struct pl *val, struct pl *uri, struct pl *params)
{
	const char *end = val->p + val->l, *lt = NULL, *gt = NULL;
	bool quoted = false;

	for (const char *p = val->p; p < end && !gt; p++) {
		if (quoted && *p == '\\')
			++p;
		else if (*p == '"' && !lt)
			quoted = !quoted;
		else if (!quoted && !lt && *p == '<')
			lt = p;
		else if (lt && *p == '>')
			gt = p;
	}
	if (!gt)
		return false;

	uri->p = lt + 1;
	uri->l = (size_t)(gt - lt - 1);
	params->p = gt + 1;
	params->l = (size_t)(end - gt - 1);

	return true;
}

static uint16_t code(const struct pl *pl)
{
	const uint32_t n = pl->l == 3 ? pl_u32(pl) : 0;

	return n >= 100 && n < 700 ? (uint16_t)n : 0;
}

/* The URI without its cause, and without headers, which are told apart.
 * @return false: it cannot be kept. */
static bool read_uri(struct histinfo_entry *e, struct pl uri)
{
	const char *quest = pl_strchr(&uri, '?');
	struct pl heads = PL_INIT, before, cause = PL_INIT, after, val;

	if (quest) {
		heads.p = quest + 1;
		heads.l = (size_t)(uri.p + uri.l - heads.p);
		uri.l = (size_t)(quest - uri.p);
	}
	if (!is_clean(&uri) ||
	    (strncasecmp(uri.p, "sip:", 4) && strncasecmp(uri.p, "sips:", 5) &&
	     strncasecmp(uri.p, "tel:", 4)))
		return false;

	before = uri;
	after.p = uri.p + uri.l;
	after.l = 0;
	if (!re_regex(uri.p, uri.l, ";cause=[0-9]+[^]*", &cause, &after)) {
		before.l = (size_t)(cause.p - 7 - uri.p);
		e->cause = code(&cause);
	}
	if (re_snprintf(e->uri, sizeof(e->uri), "%r%r", &before, &after) < 0 ||
	    strcasestr(e->uri, ";cause="))
		return false;

	/* Escaped: "Reason=SIP%3Bcause%3D302&Privacy=history". */
	if (!re_regex(heads.p, heads.l, "SIP%3[Bb]+cause%3[Dd]+[0-9]+", NULL,
		      NULL, &val))
		e->reason = code(&val);
	e->hidden = !re_regex(heads.p, heads.l, "Privacy=history");

	return true;
}

static void read_entry(struct histinfo *h, const struct pl *val)
{
	static const char *const hows[] = {"mp", "rc", "np"};
	struct pl uri, params, pl;
	struct histinfo_entry *e = &h->v[h->n];

	if (h->n == HISTINFO_ENTRIES || !split(val, &uri, &params))
		return;
	memset(e, 0, sizeof(*e));
	if (!read_uri(e, uri) || msg_param_decode(&params, "index", &pl) ||
	    !is_index(&pl) || pl_strcpy(&pl, e->index, sizeof(e->index)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(hows); i++) {
		if (!msg_param_decode(&params, hows[i], &pl) &&
		    is_index(&pl) && !pl_strcpy(&pl, e->from, sizeof(e->from)))
			str_ncpy(e->how, hows[i], sizeof(e->how));
	}
	e->count = e->cause && h->n;
	++h->n;
}

/* -------------------------------------------------------------- Diversion */

static uint16_t cause_of(const struct pl *reason)
{
	static const struct {
		const char *reason;
		uint16_t cause;
	} v[] = {
		{"unconditional", 302}, {"user-busy", 486},
		{"no-answer", 408},     {"deflection", 480},
		{"unavailable", 503},
	};
	struct pl r = *reason;

	if (r.l > 1 && *r.p == '"') {
		pl_advance(&r, 1);
		--r.l;
	}
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		if (!pl_strcasecmp(&r, v[i].reason))
			return v[i].cause;
	}

	return 404;
}

/* The last one stands first; cause and count are of the one that follows. */
struct diversions {
	struct histinfo_entry v[HISTINFO_ENTRIES - 1];
	size_t n;
};

static void read_diversion(struct diversions *d, const struct pl *val)
{
	struct histinfo_entry *e = &d->v[d->n];
	struct pl uri, params, pl;
	uint32_t n;

	if (d->n == ARRAY_SIZE(d->v) || !split(val, &uri, &params))
		return;
	memset(e, 0, sizeof(*e));
	if (!read_uri(e, uri))
		return;
	e->cause = 404;
	if (!msg_param_decode(&params, "reason", &pl))
		e->cause = cause_of(&pl);
	n = msg_param_decode(&params, "counter", &pl) ? 1 : pl_u32(&pl);
	e->count = (uint16_t)(n < 1 ? 1 : n > COUNT_MAX ? COUNT_MAX : n);
	e->hidden = !msg_param_decode(&params, "privacy", &pl) &&
		    pl_strcasecmp(&pl, "off");
	++d->n;
}

/* Each is made of the one before, by the reason that stands there. */
static void from_diversions(struct histinfo *h, const struct diversions *d,
			    const char *called)
{
	uint16_t cause = 0, count = 0;
	struct histinfo_entry *e;

	for (size_t i = d->n; i-- > 0;) {
		const struct histinfo_entry *by = &d->v[i];

		e = histinfo_add(h, by->uri, cause);
		if (!e)
			return;
		e->hidden = by->hidden;
		e->count = count;
		cause = by->cause;
		count = by->count;
	}
	e = d->n ? histinfo_add(h, called, cause) : NULL;
	if (e)
		e->count = count;
}

/* ------------------------------------------------------------------ message */

static bool history_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	struct pl rest = hdr->val, val;

	(void)msg;
	while (next_value(&rest, &val))
		read_entry(arg, &val);

	return false;
}

static bool diversion_handler(const struct sip_hdr *hdr,
			      const struct sip_msg *msg, void *arg)
{
	struct pl rest = hdr->val, val;

	(void)msg;
	while (next_value(&rest, &val))
		read_diversion(arg, &val);

	return false;
}

bool histinfo_read(struct histinfo *h, const struct sip_msg *msg,
		   const char *called)
{
	struct diversions d;

	memset(h, 0, sizeof(*h));
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_HISTORY_INFO,
				history_handler, h);
	if (h->n)
		return true;

	d.n = 0;
	(void)sip_msg_xhdr_apply(msg, true, "Diversion", diversion_handler,
				 &d);
	from_diversions(h, &d, called);

	return h->n != 0;
}

static bool privacy_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	static const char *const namev[] = {"history", "header", "session",
					    "user", "id"};
	struct pl rest = hdr->val, word;
	bool *privatep = arg;

	(void)msg;
	while (!re_regex(rest.p, rest.l, "[a-zA-Z]+", &word)) {
		for (size_t i = 0; i < ARRAY_SIZE(namev); i++)
			*privatep |= !pl_strcasecmp(&word, namev[i]);
		pl_advance(&rest, word.p + word.l - rest.p);
	}

	return *privatep;
}

bool histinfo_is_private(const struct sip_msg *msg)
{
	bool private = false;

	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_PRIVACY, privacy_handler,
				&private);

	return private;
}
