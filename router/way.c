/* SPDX-License-Identifier: MIT */
/* The way to a device: see way.h. */

#include <errno.h>
#include "router/core.h"
#include "router/view.h"
#include "router/way.h"

int way_by_path(struct flow *f, const struct worker *w, const char *path)
{
	struct token tok;
	struct pl val, user;

	if (!path)
		return EINVAL;
	pl_set_str(&val, path);
	msg_user(&user, &val);
	if (user.l <= TOKEN_LEN + 1 ||
	    token_read(&tok, w->router->key, TOKEN_ROUTE, user.p, user.l,
		       NULL, 0))
		return EINVAL;

	return flow_read(f, w->router->key, user.p + TOKEN_LEN + 1,
			 user.l - TOKEN_LEN - 1)
		       ? EINVAL
		       : 0;
}

static enum wire_kind kind_of(const struct view_uri *u)
{
	struct pl transport;

	if (!pl_strcasecmp(&u->scheme, "sips"))
		return WIRE_TLS;
	if (!view_param(&u->params, "transport", &transport))
		return WIRE_UDP;

	return !pl_strcasecmp(&transport, "tcp")   ? WIRE_TCP
	       : !pl_strcasecmp(&transport, "tls") ? WIRE_TLS
						   : WIRE_UDP;
}

static int by_address(struct flow *f, struct worker *w, const char *contact)
{
	enum wire_kind kind;
	struct view_uri u;
	struct pl uri;
	struct sa sa;

	pl_set_str(&uri, contact);
	if (view_uri_read(&u, &uri))
		return EINVAL;
	kind = kind_of(&u);
	if (msg_host_sa(&sa, &u.host, u.port ? u.port : wire_kind_port(kind)))
		return EINVAL;

	return kind == WIRE_UDP ? wire_udp(w->wire, f, &sa)
				: wire_connect(w->wire, f, kind, &sa);
}

int way_to_binding(struct flow *f, struct worker *w, const Sy__Binding *b)
{
	return b->path[0] ? way_by_path(f, w, b->path)
			  : by_address(f, w, b->contact);
}
