/* SPDX-License-Identifier: MIT */
/*
 * Checks section by section.  Each returns at the first error, whose path is
 * that of the JSON file.  References are looked up in sorted tables of ids,
 * so 10,000 devices are checked in a blink.
 */

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proto/config_check.h"
#include "proto/config_net.h"
#include "proto/dialplan.h"

enum {
	ID_MAX = 64,
	NAME_MAX_BYTES = 128,
	RING_MAX_S = 3600,
	REGISTER_MAX_S = 86400,
	CONTACTS_MAX = 100,
	OPUS_MIN_BPS = 6000,
	OPUS_MAX_BPS = 510000,
};

static const char *const codec_names[] = {"opus", "G722", "PCMU", "PCMA",
					  "L16"};
static const char *const scope_names[] = {
	"calls:read", "calls:write", "nodes:read", "nodes:write",
	"registrations:read", "config:read", "config:write", "*",
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* An id with its place in its section. */
struct ref {
	const char *id;
	size_t index;
};

struct refs {
	struct ref *v;
	size_t n;
};

struct checker {
	const Sy__Config *conf;
	struct refs devices, trunks;
	char *errbuf;
	size_t errsize;
	char path[96];     /* "routes[3]" */
};

static int wrong(struct checker *c, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* @param field  Within c->path. */
static int wrong(struct checker *c, const char *field, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!c->errbuf || !c->errsize)
		return EBADMSG;

	n = snprintf(c->errbuf, c->errsize, "%s%s%s: ", c->path,
		     c->path[0] && field[0] && field[0] != '[' ? "." : "",
		     field);
	if (n < 0 || (size_t)n >= c->errsize)
		return EBADMSG;
	va_start(ap, fmt);
	(void)vsnprintf(c->errbuf + n, c->errsize - (size_t)n, fmt, ap);
	va_end(ap);

	return EBADMSG;
}

static void at(struct checker *c, const char *section, size_t i)
{
	(void)snprintf(c->path, sizeof(c->path), "%s[%zu]", section, i);
}

/* -------------------------------------------------------------------- ids */

static int ref_cmp(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;
	const int d = strcmp(x->id, y->id);

	return d ? d : x->index < y->index ? -1 : x->index > y->index;
}

static int ref_cmp_id(const void *a, const void *b)
{
	return strcmp(((const struct ref *)a)->id,
		      ((const struct ref *)b)->id);
}

static bool refs_has(const struct refs *r, const char *id)
{
	const struct ref key = {id, 0};

	return r->n && bsearch(&key, r->v, r->n, sizeof(key), ref_cmp_id);
}

/* Of all ids that are there twice, the first one in the file. */
static const struct ref *refs_twice(const struct refs *r)
{
	const struct ref *found = NULL;
	size_t i;

	for (i = 1; i < r->n; i++) {
		if (!strcmp(r->v[i - 1].id, r->v[i].id) &&
		    (!found || r->v[i].index < found->index))
			found = &r->v[i];
	}

	return found;
}

static bool id_valid(const char *id)
{
	const char *p;

	for (p = id; *p; p++) {
		if ((unsigned char)*p >= 0x80 ||
		    (!isalnum((unsigned char)*p) && !strchr("._~+*#-", *p)))
			return false;
	}

	return p != id && p - id <= ID_MAX;
}

/* Every message that has an id has it as its first field. */
static int check_ids(struct checker *c, struct refs *r, const char *section,
		     void *const *msgv, size_t n, size_t offset)
{
	const struct ref *twice;
	size_t i;

	r->v = calloc(n + 1, sizeof(*r->v));
	if (!r->v)
		return wrong(c, section, "out of memory");

	for (i = 0; i < n; i++) {
		memcpy(&r->v[i].id, (const char *)msgv[i] + offset,
		       sizeof(char *));
		r->v[i].index = i;
		at(c, section, i);
		if (!id_valid(r->v[i].id))
			return wrong(c, "id", "\"%.80s\" is no id; allowed: "
				     "1 to %d letters, digits and ._~+*#-",
				     r->v[i].id, ID_MAX);
	}
	r->n = n;
	qsort(r->v, n, sizeof(*r->v), ref_cmp);

	twice = refs_twice(r);
	if (twice) {
		at(c, section, twice->index);
		return wrong(c, "id", "\"%s\" is there twice", twice->id);
	}

	return 0;
}

/* ----------------------------------------------------------------- pieces */

static int list_names(char *buf, size_t size, const char *const *namev,
		      size_t n)
{
	size_t i, len = 0;

	for (i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
					i ? ", " : "", namev[i]);

	return (int)len;
}

/* Strings of a list are names out of a fixed set, each once. */
static int check_names(struct checker *c, const char *field, char **strv,
		       size_t n, const char *const *namev, size_t namec)
{
	char where[64], allowed[256];
	size_t i, j;

	for (i = 0; i < n; i++) {
		(void)snprintf(where, sizeof(where), "%s[%zu]", field, i);
		for (j = 0; j < namec; j++) {
			if (!strcasecmp(strv[i], namev[j]))
				break;
		}
		if (j == namec) {
			(void)list_names(allowed, sizeof(allowed), namev,
					 namec);
			return wrong(c, where, "unknown name \"%.40s\"; "
				     "allowed: %s", strv[i], allowed);
		}
		for (j = 0; j < i; j++) {
			if (!strcasecmp(strv[i], strv[j]))
				return wrong(c, where, "\"%s\" is there "
					     "twice", strv[i]);
		}
	}

	return 0;
}

static int check_codecs(struct checker *c, char **strv, size_t n)
{
	return check_names(c, "codecs", strv, n, codec_names,
			   ARRAY_SIZE(codec_names));
}

static int check_max(struct checker *c, const char *field, uint32_t v,
		     uint32_t max)
{
	if (v > max)
		return wrong(c, field, "must be at most %u, is %u", max, v);

	return 0;
}

/* Text that people see: no control characters. */
static bool text_valid(const char *s, const char *without)
{
	size_t n;

	for (n = 0; s[n]; n++) {
		if ((unsigned char)s[n] < 0x20 || s[n] == 0x7f ||
		    strchr(without, s[n]))
			return false;
	}

	return n <= NAME_MAX_BYTES;
}

static bool is_hex(const char *s, size_t len)
{
	size_t n;

	for (n = 0; isxdigit((unsigned char)s[n]); n++)
		;

	return !s[n] && n == len;
}

/* --------------------------------------------------------------- sections */

static int check_domains(struct checker *c, const Sy__Settings *s)
{
	size_t i;

	for (i = 0; i < s->n_domains; i++) {
		const char *d = s->domains[i];
		char where[32];

		if (config_host_valid(d, strlen(d)))
			continue;
		(void)snprintf(where, sizeof(where), "domains[%zu]", i);
		return wrong(c, where, "\"%.80s\" is no host name", d);
	}

	return 0;
}

static int check_settings(struct checker *c)
{
	const Sy__Settings *s = c->conf->settings;
	const uint32_t min = s && s->register_min_s ? s->register_min_s : 60;
	const uint32_t max = s && s->register_max_s ? s->register_max_s : 3600;

	(void)snprintf(c->path, sizeof(c->path), "settings");
	if (!s || !s->realm[0])
		return c->conf->n_devices ?
		       wrong(c, "realm", "is needed for devices") : 0;

	if (!text_valid(s->realm, "\"\\:"))
		return wrong(c, "realm", "must be up to %d characters, "
			     "without \" \\ and :", NAME_MAX_BYTES);
	if (min > max)
		return wrong(c, "registerMinS", "%u is more than "
			     "registerMaxS, %u", min, max);
	if (s->opus_bitrate_bps && (s->opus_bitrate_bps < OPUS_MIN_BPS ||
				    s->opus_bitrate_bps > OPUS_MAX_BPS))
		return wrong(c, "opusBitrateBps", "must be from %d to %d, is "
			     "%u", OPUS_MIN_BPS, OPUS_MAX_BPS,
			     s->opus_bitrate_bps);
	if (check_max(c, "registerMaxS", max, REGISTER_MAX_S) ||
	    check_max(c, "ringSeconds", s->ring_seconds, RING_MAX_S) ||
	    check_domains(c, s))
		return EBADMSG;

	return check_codecs(c, s->codecs, s->n_codecs);
}

static int check_device(struct checker *c, const Sy__Device *d)
{
	const bool ha1 = d->ha1_md5[0] || d->ha1_sha256[0];

	if (!text_valid(d->display_name, ""))
		return wrong(c, "displayName", "must be up to %d characters, "
			     "none of them a control character",
			     NAME_MAX_BYTES);
	if (!d->password[0] && !ha1)
		return wrong(c, "password", "is needed, or ha1Md5 and "
			     "ha1Sha256");
	if (d->password[0] && ha1)
		return wrong(c, "password", "cannot be set together with "
			     "ha1Md5 or ha1Sha256");
	if (d->ha1_md5[0] && !is_hex(d->ha1_md5, 32))
		return wrong(c, "ha1Md5", "must be 32 hexadecimal digits");
	if (d->ha1_sha256[0] && !is_hex(d->ha1_sha256, 64))
		return wrong(c, "ha1Sha256", "must be 64 hexadecimal digits");
	if (check_max(c, "maxContacts", d->max_contacts, CONTACTS_MAX))
		return EBADMSG;

	return check_codecs(c, d->codecs, d->n_codecs);
}

static int check_devices(struct checker *c)
{
	size_t i;
	int err;

	err = check_ids(c, &c->devices, "devices",
			(void *const *)c->conf->devices, c->conf->n_devices,
			offsetof(Sy__Device, id));
	for (i = 0; !err && i < c->conf->n_devices; i++) {
		at(c, "devices", i);
		err = check_device(c, c->conf->devices[i]);
	}

	return err;
}

/* One address, one trunk. @param t  Trunk, @param s  source up to which. */
static bool source_taken(const Sy__Config *conf, size_t t, size_t s,
			 const struct config_net *net)
{
	struct config_net other;
	size_t i, j;

	for (i = 0; i <= t; i++) {
		const size_t n = i < t ? conf->trunks[i]->n_sources : s;

		for (j = 0; j < n; j++) {
			if (!config_net_read(&other,
					     conf->trunks[i]->sources[j],
					     NULL) &&
			    !config_net_cmp(&other, net))
				return true;
		}
	}

	return false;
}

static int check_trunk(struct checker *c, size_t t)
{
	const Sy__Trunk *tr = c->conf->trunks[t];
	struct config_net net;
	const char *why;
	char where[32];
	size_t i;

	for (i = 0; i < tr->n_sources; i++) {
		(void)snprintf(where, sizeof(where), "sources[%zu]", i);
		if (config_net_read(&net, tr->sources[i], &why))
			return wrong(c, where, "\"%.80s\" is wrong; %s",
				     tr->sources[i], why);
		if (source_taken(c->conf, t, i, &net))
			return wrong(c, where, "\"%s\" is a source of a trunk "
				     "already", tr->sources[i]);
	}
	if (!tr->n_sources && !tr->target[0])
		return wrong(c, "target", "is needed, or sources");
	if (tr->target[0] && config_target_check(tr->target, &why))
		return wrong(c, "target", "\"%.80s\" is wrong; %s",
			     tr->target, why);

	return check_codecs(c, tr->codecs, tr->n_codecs);
}

static int check_trunks(struct checker *c)
{
	size_t i;
	int err;

	err = check_ids(c, &c->trunks, "trunks",
			(void *const *)c->conf->trunks, c->conf->n_trunks,
			offsetof(Sy__Trunk, id));
	for (i = 0; !err && i < c->conf->n_trunks; i++) {
		at(c, "trunks", i);
		err = check_trunk(c, i);
	}

	return err;
}

/* ----------------------------------------------------------------- routes */

/* A name that is there, or one that is made from the number. */
static int check_ref(struct checker *c, const char *field,
		     const struct refs *refs, const char *what,
		     const char *id)
{
	if (!id[0])
		return wrong(c, field, "is empty");
	if (!strchr(id, '$') && !refs_has(refs, id))
		return wrong(c, field, "there is no %s \"%.80s\"", what, id);

	return 0;
}

static int check_source(struct checker *c, const char *src)
{
	if (!src[0] || !strcmp(src, "device") || !strcmp(src, "trunk") ||
	    !strcmp(src, "api"))
		return 0;
	if (!strncmp(src, "device:", 7))
		return check_ref(c, "source", &c->devices, "device", src + 7);
	if (!strncmp(src, "trunk:", 6))
		return check_ref(c, "source", &c->trunks, "trunk", src + 6);

	return wrong(c, "source", "\"%.80s\" is wrong; allowed: \"\" "
		     "(anyone), \"device\", \"device:ID\", \"trunk\", "
		     "\"trunk:ID\", \"api\"", src);
}

static int check_external(struct checker *c, const Sy__External *e)
{
	if (!e->number[0])
		return wrong(c, "target.external.number", "is empty");

	return check_ref(c, "target.external.trunk", &c->trunks, "trunk",
			 e->trunk);
}

static int check_tone(struct checker *c, const Sy__Tone *t)
{
	if (!(t->hz >= 20 && t->hz <= 20000))
		return wrong(c, "target.tone.hz", "must be from 20 to 20000");
	if (!(t->level_db >= -90 && t->level_db <= 0))
		return wrong(c, "target.tone.levelDb",
			     "must be from -90 to 0");

	return 0;
}

static int check_file(struct checker *c, const char *file)
{
	if (!file[0])
		return wrong(c, "target.file", "is empty");
	if (strstr(file, ".."))
		return wrong(c, "target.file", "must not contain \"..\"");

	return 0;
}

static int check_target(struct checker *c, const Sy__Destination *d)
{
	switch (d ? d->kind_case : SY__DESTINATION__KIND__NOT_SET) {

	case SY__DESTINATION__KIND_DEVICE:
		return check_ref(c, "target.device", &c->devices, "device",
				 d->device);

	case SY__DESTINATION__KIND_CONFERENCE:
		if (!d->conference[0] || !text_valid(d->conference, ""))
			return wrong(c, "target.conference",
				     "must be a name");
		return 0;

	case SY__DESTINATION__KIND_ECHO:
		return d->echo ? 0 : wrong(c, "target.echo", "must be true");

	case SY__DESTINATION__KIND_TONE:
		return check_tone(c, d->tone);

	case SY__DESTINATION__KIND_FILE:
		return check_file(c, d->file);

	case SY__DESTINATION__KIND_EXTERNAL:
		return check_external(c, d->external);

	default:
		return wrong(c, "target", "is needed; one of device, "
			     "conference, echo, tone, file, external");
	}
}

static int check_route(struct checker *c, const Sy__Route *r)
{
	const char *why;

	if (dialplan_pattern_check(r->pattern, &why))
		return wrong(c, "pattern", "\"%.80s\" is wrong; %s",
			     r->pattern, why);
	if (check_max(c, "ringSeconds", r->ring_seconds, RING_MAX_S) ||
	    check_source(c, r->source))
		return EBADMSG;

	return check_target(c, r->target);
}

/* Two rules with one order would be tried in an order that nobody chose. */
static int check_order(struct checker *c, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++) {
		if (c->conf->routes[j]->order == c->conf->routes[i]->order)
			return wrong(c, "order", "%u is that of route \"%s\" "
				     "already", c->conf->routes[i]->order,
				     c->conf->routes[j]->id);
	}

	return 0;
}

static int check_routes(struct checker *c)
{
	struct refs refs = {NULL, 0};
	size_t i;
	int err;

	err = check_ids(c, &refs, "routes", (void *const *)c->conf->routes,
			c->conf->n_routes, offsetof(Sy__Route, id));
	free(refs.v);
	for (i = 0; !err && i < c->conf->n_routes; i++) {
		at(c, "routes", i);
		err = check_route(c, c->conf->routes[i]);
		if (!err)
			err = check_order(c, i);
	}

	return err;
}

static int check_tokens(struct checker *c)
{
	struct refs refs = {NULL, 0};
	size_t i;
	int err;

	err = check_ids(c, &refs, "tokens", (void *const *)c->conf->tokens,
			c->conf->n_tokens, offsetof(Sy__ApiToken, id));
	free(refs.v);
	for (i = 0; !err && i < c->conf->n_tokens; i++) {
		const Sy__ApiToken *t = c->conf->tokens[i];

		at(c, "tokens", i);
		if (!is_hex(t->hash, 64))
			err = wrong(c, "hash", "must be 64 hexadecimal "
				    "digits: the SHA-256 of the token");
		else if (!t->n_scopes)
			err = wrong(c, "scopes", "at least one is needed");
		else
			err = check_names(c, "scopes", t->scopes, t->n_scopes,
					  scope_names,
					  ARRAY_SIZE(scope_names));
	}

	return err;
}

int config_check(const Sy__Config *conf, char *errbuf, size_t errsize)
{
	struct checker c = {.conf = conf, .errbuf = errbuf,
			    .errsize = errsize};
	int err;

	err = check_settings(&c);
	if (!err)
		err = check_devices(&c);
	if (!err)
		err = check_trunks(&c);
	if (!err)
		err = check_routes(&c);
	if (!err)
		err = check_tokens(&c);

	free(c.devices.v);
	free(c.trunks.v);

	return err;
}
