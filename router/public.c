/* SPDX-License-Identifier: MIT */
/* What the ports are called outside; see public.h. */

#include <string.h>
#include "proto/config_net.h"
#include "router/public.h"

static const char want[] =
	"ADDR, [ADDR6] or NAME, each also as udp:, tcp:, tls:, ws: or wss:HOST "
	"and then with :PORT, with commas between them; such as 203.0.113.7 "
	"or sip.example.com,tls:sip.example.com:443";

/* "tls:" before a host, cut off. @return false: there is none */
static bool read_kind(struct pl *text, enum wire_kind *kind)
{
	for (int k = WIRE_UDP; k <= WIRE_WSS; k++) {
		const char *name = wire_kind_name(k);
		const size_t len = strlen(name);

		if (text->l > len && !strncmp(text->p, name, len) &&
		    text->p[len] == ':') {
			*kind = k;
			pl_advance(text, (ssize_t)len + 1);
			return true;
		}
	}

	return false;
}

/* ":5061", or nothing */
static int read_port(uint16_t *port, const struct pl *text)
{
	struct pl num = *text;

	*port = 0;
	if (!num.l)
		return 0;
	if (*num.p != ':')
		return EINVAL;
	pl_advance(&num, 1);
	if (!num.l || num.l > 5)
		return EINVAL;
	for (size_t i = 0; i < num.l; i++) {
		if (num.p[i] < '0' || num.p[i] > '9')
			return EINVAL;
	}
	if (!pl_u32(&num) || pl_u32(&num) > 65535)
		return EINVAL;
	*port = (uint16_t)pl_u32(&num);

	return 0;
}

static int read_host(struct public_name *pn, struct pl *text)
{
	const char *end = text->p + text->l, *p;
	struct sa sa;

	if (!sa_set(&sa, text, 0)) { /* also IPv6 without brackets */
		pn->host = *text;
		pn->af = sa_af(&sa);
		text->p = end;
		text->l = 0;
	} else if (text->l && *text->p == '[') {
		p = memchr(text->p, ']', text->l);
		if (!p)
			return EINVAL;
		pn->host.p = text->p + 1;
		pn->host.l = (size_t)(p - pn->host.p);
		if (sa_set(&sa, &pn->host, 0) || sa_af(&sa) != AF_INET6)
			return EINVAL;
		pn->af = AF_INET6;
		pl_advance(text, p + 1 - text->p);
	} else {
		p = memchr(text->p, ':', text->l);
		pn->host.p = text->p;
		pn->host.l = p ? (size_t)(p - text->p) : text->l;
		if (!config_host_valid(pn->host.p, pn->host.l))
			return EINVAL;
		pn->af = sa_set(&sa, &pn->host, 0) ? AF_UNSPEC : sa_af(&sa);
		pl_advance(text, (ssize_t)pn->host.l);
	}

	return pn->af != AF_UNSPEC && sa_is_any(&sa) ? EINVAL : 0;
}

static int read_one(struct public_name *pn, struct pl text)
{
	int err;

	pn->any = !read_kind(&text, &pn->kind);
	err = read_host(pn, &text);
	if (!err)
		err = read_port(&pn->port, &text);

	/* UDP and TLS are hardly at one number */
	return err || (pn->any && pn->port) ? EINVAL : 0;
}

int public_read(struct public_name v[PUBLIC_MAX], size_t *n, const char *text,
		const char **errp)
{
	if (errp)
		*errp = want;
	*n = 0;
	while (*text) {
		const struct pl one = {text, strcspn(text, ",")};

		if (*n == PUBLIC_MAX || read_one(&v[*n], one))
			return EINVAL;
		++*n;
		text += one.l;
		if (*text == ',' && !*++text)
			return EINVAL;
	}

	return 0;
}

int public_check(const char *text, const char **errp)
{
	struct public_name v[PUBLIC_MAX];
	size_t n;

	return public_read(v, &n, text, errp);
}

const struct public_name *public_of(const struct public_name *v, size_t n,
				    enum wire_kind kind, int af)
{
	const struct public_name *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if ((!v[i].any && v[i].kind != kind) ||
		    (v[i].af != AF_UNSPEC && v[i].af != af))
			continue;
		if (!found || (found->any && !v[i].any))
			found = &v[i];
	}

	return found;
}

/* Note which names the addresses of a list have. */
static void mark(bool *used, const struct public_name *v, size_t n,
		 enum wire_kind kind, const char *list)
{
	const struct public_name *pn;
	struct sa sa;

	while (list && *list) {
		const size_t len = strcspn(list, ",");

		if (!sa_decode(&sa, list, len)) {
			pn = public_of(v, n, kind, sa_af(&sa));
			if (pn)
				used[pn - v] = true;
		}
		list += len + (list[len] == ',');
	}
}

int public_fits(const struct wire_listen *at, char *errbuf, size_t errsize)
{
	const char *const lists[] = {at->udp, at->tcp, at->tls, at->ws,
				     at->wss};
	struct public_name v[PUBLIC_MAX];
	bool used[PUBLIC_MAX] = {false};
	const char *allowed;
	size_t n;

	if (public_read(v, &n, at->public ? at->public : "", &allowed)) {
		(void)re_snprintf(errbuf, errsize, "wants %s", allowed);
		return EINVAL;
	}
	for (int kind = WIRE_UDP; kind <= WIRE_WSS; kind++)
		mark(used, v, n, kind, lists[kind]);
	for (size_t i = 0; i < n; i++) {
		if (used[i])
			continue;
		(void)re_snprintf(errbuf, errsize,
				  "%r is for no port: none of that family%s "
				  "is listened on",
				  &v[i].host,
				  v[i].any ? "" : " and transport");
		return EINVAL;
	}

	return 0;
}
