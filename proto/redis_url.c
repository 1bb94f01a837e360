/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "proto/redis.h"
#include "proto/redis_url.h"

static const char allowed[] =
	"allowed: redis://[user:password@]host[:port][/db], rediss://... "
	"(TLS), redis+sentinel://[user:password@]host[:port][,host...]/master"
	"[/db], rediss+sentinel://... (TLS) or unix:///path";

enum { PORT = 6379, PORT_SENTINEL = 26379, DB_MAX = 65535 };

/* What is said to the sentinels, who have users of their own. */
struct sentinel_auth {
	char *user, *password;
};

static void url_destructor(void *arg)
{
	struct redis_url *u = arg;

	mem_deref(u->host);
	mem_deref(u->path);
	mem_deref(u->user);
	mem_deref(u->password);
	mem_deref(u->cafile);
	mem_deref(u->master);
	for (size_t i = 0; i < u->sentinelc; i++)
		mem_deref(u->sentinelv[i]);
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

static int query_option(struct redis_url *u, struct sentinel_auth *sa,
			const char *p, size_t len)
{
	const char *eq = memchr(p, '=', len);
	size_t klen = eq ? (size_t)(eq - p) : len;
	const char *v = eq ? eq + 1 : p + len;
	size_t vlen = (size_t)(p + len - v);

#define IS(name) (klen == sizeof(name) - 1 && !memcmp(p, name, klen))
	if (IS("db"))
		return number(&u->db, v, vlen, DB_MAX);
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
	if (sa && IS("sentinel_user"))
		return unescape(&sa->user, v, vlen);
	if (sa && IS("sentinel_password"))
		return unescape(&sa->password, v, vlen);
#undef IS

	return EINVAL;
}

static int query_read(struct redis_url *u, struct sentinel_auth *sa,
		      const char *q)
{
	while (*q) {
		size_t len = strcspn(q, "&");
		int err = query_option(u, sa, q, len);

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

static int host_read(struct redis_url *u, const char *p, size_t len,
		     uint32_t port)
{
	const char *colon = NULL;
	size_t hlen = len;

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
		err = host_read(u, p, (size_t)(end - p), PORT);
	if (err)
		return err;

	if (*end == '/') {
		size_t dlen = strcspn(++end, "?");

		if (dlen && number(&u->db, end, dlen, DB_MAX))
			return EINVAL;
		end += dlen;
	}

	return *end == '?' ? query_read(u, NULL, end + 1) : 0;
}

/* ------------------------------------------------------------- sentinels */

static int sentinel_add(struct redis_url *u, const char *p, size_t len)
{
	struct redis_url *s;

	if (u->sentinelc == REDIS_SENTINELS_MAX)
		return EINVAL;
	s = mem_zalloc(sizeof(*s), url_destructor);
	if (!s)
		return ENOMEM;
	u->sentinelv[u->sentinelc++] = s;

	return host_read(s, p, len, PORT_SENTINEL);
}

/* What they share with the server, and what they do not. */
static void sentinels_finish(struct redis_url *u,
			     const struct sentinel_auth *sa)
{
	for (size_t i = 0; i < u->sentinelc; i++) {
		struct redis_url *s = u->sentinelv[i];

		s->tls = u->tls;
		s->insecure = u->insecure;
		s->cafile = mem_ref(u->cafile);
		s->user = mem_ref(sa->user);
		s->password = mem_ref(sa->password);
	}
}

/* /master[/db] -- returns what follows */
static int master_read(struct redis_url *u, const char **pp)
{
	const char *p = *pp;
	size_t len;
	int err;

	if (*p != '/')
		return EINVAL;
	len = strcspn(++p, "/?");
	if (!len)
		return EINVAL;
	err = unescape(&u->master, p, len);
	p += len;
	if (!err && *p == '/') {
		len = strcspn(++p, "?");
		err = len ? number(&u->db, p, len, DB_MAX) : 0;
		p += len;
	}
	*pp = p;

	return err;
}

static int sentinel_read(struct redis_url *u, const char *p)
{
	size_t len = strcspn(p, "/?");
	const char *end = p + len;
	struct sentinel_auth sa = {NULL, NULL};
	int err;

	err = userinfo_read(u, &p, len);
	while (!err && p <= end) {
		len = strcspn(p, ",/?");
		err = sentinel_add(u, p, len);
		p += len + 1;
	}
	if (!err)
		err = master_read(u, &end);
	if (!err && *end == '?')
		err = query_read(u, &sa, end + 1);
	if (!err)
		sentinels_finish(u, &sa);
	mem_deref(sa.user);
	mem_deref(sa.password);

	return err;
}

int redis_url_at(struct redis_url **up, const struct redis_url *url,
		 const char *host, uint16_t port)
{
	struct redis_url *u;

	if (!up || !url || !host || !*host || !port)
		return EINVAL;

	u = mem_zalloc(sizeof(*u), url_destructor);
	if (!u)
		return ENOMEM;
	if (str_dup(&u->host, host)) {
		mem_deref(u);
		return ENOMEM;
	}
	u->port = port;
	u->tls = url->tls;
	u->insecure = url->insecure;
	u->db = url->db;
	u->user = mem_ref(url->user);
	u->password = mem_ref(url->password);
	u->cafile = mem_ref(url->cafile);
	*up = u;

	return 0;
}

/* ----------------------------------------------------------------- whole */

static int unix_read(struct redis_url *u, const char *p)
{
	size_t len = strcspn(p, "?");
	int err;

	if (*p != '/' || len > 107)
		return EINVAL;

	err = unescape(&u->path, p, len);
	if (err)
		return err;

	return p[len] == '?' ? query_read(u, NULL, p + len + 1) : 0;
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
	else if (!strncmp(url, "redis+sentinel://", 17)) {
		err = sentinel_read(u, url + 17);
	}
	else if (!strncmp(url, "rediss+sentinel://", 18)) {
		u->tls = true;
		err = sentinel_read(u, url + 18);
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
