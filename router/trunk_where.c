/* SPDX-License-Identifier: MIT */
/* Where trunks are; see trunk_where.h. */

#include <errno.h>
#include <string.h>
#include "router/core.h"
#include "router/trunk_where.h"

static const enum wire_kind kinds[LOCATE_TRANSPORTS] = {
	[LOCATE_NONE] = WIRE_UDP,
	[LOCATE_UDP] = WIRE_UDP,
	[LOCATE_TCP] = WIRE_TCP,
	[LOCATE_TLS] = WIRE_TLS,
};

/* The text is that of a URI without its scheme. */
static int read_text(struct locate_uri *lu, const char *text, char *buf,
		     size_t size)
{
	struct view_uri u;
	struct pl pl, name;

	if (re_snprintf(buf, size, "sip:%s", text) < 0)
		return EINVAL;
	pl_set_str(&pl, buf);
	if (view_uri_read(&u, &pl))
		return EINVAL;
	memset(lu, 0, sizeof(*lu));
	lu->host = u.host;
	lu->port = u.port;
	if (!view_param(&u.params, "transport", &name))
		return 0;
	for (int t = LOCATE_UDP; t < LOCATE_TRANSPORTS; t++) {
		if (!pl_strcasecmp(&name, locate_transport_name(t)))
			lu->transport = t;
	}

	return 0;
}

int trunk_where_host(struct pl *host, char *buf, size_t size,
		     const char *text)
{
	struct locate_uri lu;
	const int err = read_text(&lu, text, buf, size);

	if (!err)
		*host = lu.host;

	return err;
}

enum wire_kind trunk_where_kind(const char *text)
{
	struct locate_uri lu;
	char buf[320];

	return read_text(&lu, text, buf, sizeof(buf)) ? WIRE_UDP
						      : kinds[lu.transport];
}

int trunk_where_sa(struct sa *sa, const char *text)
{
	struct locate_uri lu;
	char buf[320];

	return read_text(&lu, text, buf, sizeof(buf))
		       ? EINVAL
		       : msg_host_sa(sa, &lu.host, lu.port);
}

int trunk_where_init(struct trunk_where *tw, struct worker *w,
		     const char *text)
{
	memset(tw, 0, sizeof(*tw));
	tw->w = w;

	return str_dup(&tw->text, text);
}

void trunk_where_close(struct trunk_where *tw)
{
	tw->query = mem_deref(tw->query);
	tw->text = mem_deref(tw->text);
}

static void located(int err, const struct locate_found *f, void *arg)
{
	struct trunk_where *tw = arg;

	tw->query = mem_deref(tw->query);
	tw->err = err;
	if (err)
		tw->found.n = 0;
	else
		tw->found = *f;
	tw->h(tw->arg);
}

int trunk_where_find(struct trunk_where *tw, trunk_where_h *h, void *arg)
{
	struct locate_uri lu;
	char buf[320];
	int err;

	if (tw->query)
		return EINPROGRESS;
	err = read_text(&lu, tw->text, buf, sizeof(buf));
	if (!err)
		err = locate_known(tw->w->locate, &lu, &tw->found);
	if (err == EAGAIN) {
		tw->h = h;
		tw->arg = arg;
		err = locate_query(&tw->query, tw->w->locate, &lu, located,
				   tw);
		if (!err)
			return EINPROGRESS;
	}
	tw->err = err;
	if (err)
		tw->found.n = 0;

	return 0;
}

int trunk_target_flow(struct worker *w, const char *text,
		      const struct locate_target *t, struct flow *f)
{
	struct locate_uri lu;
	char buf[320];

	if (!w->wire)
		return ENOTCONN;
	if (t->transport == LOCATE_UDP)
		return wire_udp(w->wire, f, &t->sa);
	if (read_text(&lu, text, buf, sizeof(buf)))
		return EINVAL;

	return wire_connect_name(w->wire, f, kinds[t->transport], &t->sa,
				 &lu.host);
}

int trunk_where_flow(const struct trunk_where *tw, size_t i, struct flow *f)
{
	if (i >= tw->found.n)
		return ENOENT;

	return trunk_target_flow(tw->w, tw->text, &tw->found.v[i], f);
}

void trunk_target_tell(struct worker *w, const struct locate_target *t,
		       bool ok)
{
	if (w->wire)
		wire_tell(w->wire, kinds[t->transport], &t->sa, ok);
}
