/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "proto/redis.h"
#include "proto/redis_url.h"

static const char allowed[] =
	"allowed: redis://[user:password@]host[:port][/db], rediss://... "
	"(TLS) or unix:///path";

static void url_destructor(void *arg)
{
	struct redis_url *u = arg;

	mem_deref(u->host);
	mem_deref(u->path);
	mem_deref(u->user);
	mem_deref(u->password);
	mem_deref(u->cafile);
}

/* %XX of a user name or password */
static int unescape(char **dstp, const char *p, size_t len)
{
	char *d = mem_alloc(len + 1, NULL);
	size_t n = 0;

	if (!d)
		return ENOMEM;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '%') {
			char hex[3] = {0}, *end;

			if (i + 2 >= len)
				goto bad;
			memcpy(hex, p + i + 1, 2);
			d[n++] = (char)strtoul(hex, &end, 16);
			if (end != hex + 2)
				goto bad;
			i += 2;
		}
		else {
			d[n++] = p[i];
		}
	}
	d[n] = '\0';
	mem_deref(*dstp);
	*dstp = d;

	return 0;

bad:
	mem_deref(d);
	return EINVAL;
}

static int number(uint32_t *np, const char *p, size_t len, uint32_t max)
{
	uint64_t n = 0;

	if (!len || len > 10)
		return EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return EINVAL;
		n = n * 10 + (uint64_t)(p[i] - '0');
	}
	if (n > max)
		return EINVAL;
	*np = (uint32_t)n;

	return 0;
}

static int query_option(struct redis_url *u, const char *p, size_t len)
{
	const char *eq = memchr(p, '=', len);
	size_t klen = eq ? (size_t)(eq - p) : len;
	const char *v = eq ? eq + 1 : p + len;
	size_t vlen = (size_t)(p + len - v);

#define IS(name) (klen == sizeof(name) - 1 && !memcmp(p, name, klen))
	if (IS("db"))
		return number(&u->db, v, vlen, 65535);
	if (IS("user"))
		return unescape(&u->user, v, vlen);
	if (IS("password"))
		return unescape(&u->password, v, vlen);
	if (IS("cafile"))
		return unescape(&u->cafile, v, vlen);
	if (IS("insecure")) {
		u->insecure = vlen == 1 && *v == '1';
		return 0;
	}
#undef IS

	return EINVAL;
}

static int query_read(struct redis_url *u, const char *q)
{
	while (*q) {
		size_t len = strcspn(q, "&");
		int err = query_option(u, q, len);

		if (err)
			return err;
		q += len + (q[len] == '&');
	}

	return 0;
}

/* user:password@ -- returns what follows */
static int userinfo_read(struct redis_url *u, const char **pp, size_t len)
{
	const char *p = *pp, *at = NULL, *colon;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '@')
			at = p + i;
	}
	if (!at)
		return 0;

	*pp = at + 1;
	colon = memchr(p, ':', (size_t)(at - p));
	if (!colon)
		return unescape(&u->password, p, (size_t)(at - p));
	if (colon > p && unescape(&u->user, p, (size_t)(colon - p)))
		return EINVAL;

	return unescape(&u->password, colon + 1, (size_t)(at - colon - 1));
}

static int host_read(struct redis_url *u, const char *p, size_t len)
{
	const char *colon = NULL;
	size_t hlen = len;
	uint32_t port = 6379;

	if (len && *p == '[') {
		const char *end = memchr(p, ']', len);

		if (!end)
			return EINVAL;
		hlen = (size_t)(end - p - 1);
		p++;
		len--;
		if (end + 1 < p + len)
			colon = end + 1;
		if (colon && *colon != ':')
			return EINVAL;
	}
	else {
		colon = memchr(p, ':', len);
		if (colon)
			hlen = (size_t)(colon - p);
	}
	if (colon && (number(&port, colon + 1, (size_t)(p + len - colon - 1),
			     65535) || !port))
		return EINVAL;
	if (!hlen)
		return EINVAL;
	u->port = (uint16_t)port;

	return unescape(&u->host, p, hlen);
}

static int network_read(struct redis_url *u, const char *p)
{
	size_t len = strcspn(p, "/?");
	const char *end = p + len;
	int err;

	err = userinfo_read(u, &p, len);
	if (!err)
		err = host_read(u, p, (size_t)(end - p));
	if (err)
		return err;

	if (*end == '/') {
		size_t dlen = strcspn(++end, "?");

		if (dlen && number(&u->db, end, dlen, 65535))
			return EINVAL;
		end += dlen;
	}

	return *end == '?' ? query_read(u, end + 1) : 0;
}

static int unix_read(struct redis_url *u, const char *p)
{
	size_t len = strcspn(p, "?");
	int err;

	if (*p != '/' || len > 107)
		return EINVAL;

	err = unescape(&u->path, p, len);
	if (err)
		return err;

	return p[len] == '?' ? query_read(u, p + len + 1) : 0;
}

int redis_url_read(struct redis_url **up, const char *url, const char **errp)
{
	struct redis_url *u;
	int err = EINVAL;

	if (!up || !url)
		return EINVAL;

	u = mem_zalloc(sizeof(*u), url_destructor);
	if (!u)
		return ENOMEM;

	if (!strncmp(url, "redis://", 8)) {
		err = network_read(u, url + 8);
	}
	else if (!strncmp(url, "rediss://", 9)) {
		u->tls = true;
		err = network_read(u, url + 9);
	}
	else if (!strncmp(url, "unix://", 7)) {
		err = unix_read(u, url + 7);
	}

	if (err) {
		mem_deref(u);
		if (errp)
			*errp = allowed;
		return err;
	}
	*up = u;

	return 0;
}

int redis_url_check(const char *url, const char **errp)
{
	struct redis_url *u = NULL;
	int err = redis_url_read(&u, url ? url : "", errp);

	mem_deref(u);

	return err;
}
