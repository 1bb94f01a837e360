/* SPDX-License-Identifier: MIT */
/*
 * Checks section by section; trunks and routes are in
 * config_check_route.c, what phones do with calls in config_check_feature.c.
 * Each returns at the first error, whose path is that of the JSON file.
 * References are looked up in sorted tables of ids, so 10,000 devices are
 * checked in a blink.
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
#include "proto/config_check_impl.h"
#include "proto/config_net.h"
#include "proto/config_turn.h"
#include "proto/scope.h"

enum {
	ID_MAX = 64,
	REGISTER_MAX_S = 86400,
	CONTACTS_MAX = 100,
	SESSION_MIN_S = 90, /* RFC 4028 5 */
	SESSION_MAX_S = 86400,
	TRACE_MAX_S = 86400,
	SESSION_S = 1800,
	OPUS_MIN_BPS = 6000,
	OPUS_MAX_BPS = 510000,
};

static const char *const codec_names[] = {"opus", "G722", "PCMU", "PCMA",
					  "L16"};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* @param field  Within c->path. */
int check_wrong(struct checker *c, const char *field, const char *fmt, ...)
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

void check_at(struct checker *c, const char *section, size_t i)
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
	return strcmp(((const struct ref *)a)->id, ((const struct ref *)b)->id);
}

bool check_refs_has(const struct refs *r, const char *id)
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
int check_ids(struct checker *c, struct refs *r, const char *section,
	      void *const *msgv, size_t n, size_t offset)
{
	const struct ref *twice;
	size_t i;

	r->v = calloc(n + 1, sizeof(*r->v));
	if (!r->v)
		return check_wrong(c, section, "out of memory");

	for (i = 0; i < n; i++) {
		memcpy(&r->v[i].id, (const char *)msgv[i] + offset,
		       sizeof(char *));
		r->v[i].index = i;
		check_at(c, section, i);
		if (!id_valid(r->v[i].id))
			return check_wrong(
			    c, "id",
			    "\"%.80s\" is no id; allowed: "
			    "1 to %d letters, digits and ._~+*#-",
			    r->v[i].id, ID_MAX);
	}
	r->n = n;
	qsort(r->v, n, sizeof(*r->v), ref_cmp);

	twice = refs_twice(r);
	if (twice) {
		check_at(c, section, twice->index);
		return check_wrong(c, "id", "\"%s\" is there twice", twice->id);
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
	char where[64], allowed[512];
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
			return check_wrong(c, where,
					   "unknown name \"%.40s\"; "
					   "allowed: %s",
					   strv[i], allowed);
		}
		for (j = 0; j < i; j++) {
			if (!strcasecmp(strv[i], strv[j]))
				return check_wrong(c, where,
						   "\"%s\" is there "
						   "twice",
						   strv[i]);
		}
	}

	return 0;
}

int check_dtmf(struct checker *c, const char *name)
{
	static const char *const namev[] = {"auto", "rfc4733", "info",
					    "inband"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(namev); i++) {
		if (!name[0] || !strcasecmp(name, namev[i]))
			return 0;
	}

	return check_wrong(c, "dtmf",
			   "unknown name \"%.40s\"; allowed: auto, rfc4733, "
			   "info, inband", name);
}

int check_codecs(struct checker *c, char **strv, size_t n)
{
	return check_names(c, "codecs", strv, n, codec_names,
			   ARRAY_SIZE(codec_names));
}

int check_srtp(struct checker *c, const char *mode)
{
	if (!mode[0] || !strcmp(mode, "off") || !strcmp(mode, "optional") ||
	    !strcmp(mode, "required"))
		return 0;

	return check_wrong(c, "srtp",
			   "unknown name \"%.40s\"; allowed: off, optional, "
			   "required",
			   mode);
}

static int check_media(struct checker *c, const char *mode)
{
	if (!mode[0] || !strcmp(mode, "auto") || !strcmp(mode, "rtp") ||
	    !strcmp(mode, "webrtc"))
		return 0;

	return check_wrong(c, "media",
			   "unknown name \"%.40s\"; allowed: auto, rtp, "
			   "webrtc",
			   mode);
}

int check_max(struct checker *c, const char *field, uint32_t v, uint32_t max)
{
	if (v > max)
		return check_wrong(c, field, "must be at most %u, is %u", max,
				   v);

	return 0;
}

/* Text that people see: no control characters. */
bool check_text_valid(const char *s, const char *without)
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

/* What is done to the voices of new legs. */
static int check_voice(struct checker *c, const Sy__Settings *s)
{
	static const char *const makers[] = {"", "off", "speex", "rnnoise",
					     "auto"};
	const float db = s->comfort_noise_db;
	size_t i;

	if (db != 0 && !(db >= -90 && db <= -30))
		return check_wrong(c, "comfortNoiseDb",
				   "must be from -90 to -30, or 0");

	for (i = 0; i < ARRAY_SIZE(makers); i++) {
		if (!strcmp(s->denoise, makers[i]))
			return 0;
	}

	return check_wrong(c, "denoise",
			   "must be off, speex, rnnoise or auto");
}

static int check_domains(struct checker *c, const Sy__Settings *s)
{
	size_t i;

	for (i = 0; i < s->n_domains; i++) {
		const char *d = s->domains[i];
		char where[32];

		if (config_host_valid(d, strlen(d)))
			continue;
		(void)snprintf(where, sizeof(where), "domains[%zu]", i);
		return check_wrong(c, where, "\"%.80s\" is no host name", d);
	}

	return 0;
}

static int check_prack(struct checker *c, const char *mode)
{
	if (!mode[0] || !strcmp(mode, "supported") || !strcmp(mode, "off") ||
	    !strcmp(mode, "required"))
		return 0;

	return check_wrong(c, "prack",
			   "unknown name \"%.40s\"; allowed: supported, off, "
			   "required",
			   mode);
}

static int check_unreachable(struct checker *c, const char *mode)
{
	if (!mode[0] || !strcmp(mode, "skip") || !strcmp(mode, "ring"))
		return 0;

	return check_wrong(c, "unreachable",
			   "unknown name \"%.40s\"; allowed: skip, ring",
			   mode);
}

static int check_session(struct checker *c, const Sy__Settings *s)
{
	const bool set = s->set_session_expires_case ==
			 SY__SETTINGS__SET_SESSION_EXPIRES_SESSION_EXPIRES_S;
	const uint32_t expires = set ? s->session_expires_s : SESSION_S;
	const uint32_t min =
	    s->session_min_s ? s->session_min_s : SESSION_MIN_S;

	if (expires && (expires < SESSION_MIN_S || expires > SESSION_MAX_S))
		return check_wrong(c, "sessionExpiresS",
				   "must be from %d to %d, or 0, is %u",
				   SESSION_MIN_S, SESSION_MAX_S, expires);
	if (min < SESSION_MIN_S || min > SESSION_MAX_S)
		return check_wrong(c, "sessionMinS",
				   "must be from %d to %d, or 0, is %u",
				   SESSION_MIN_S, SESSION_MAX_S, min);
	if (expires && min > expires)
		return check_wrong(c, "sessionMinS",
				   "%u is more than sessionExpiresS, %u", min,
				   expires);

	return 0;
}

/* "host:port", an IPv6 address in brackets. */
static bool hep_valid(const char *s)
{
	const char *colon = strrchr(s, ':');
	const size_t len = colon ? (size_t)(colon - s) : 0;
	char *end;
	long port;

	if (!len || !isdigit((unsigned char)colon[1]))
		return false;
	port = strtol(colon + 1, &end, 10);
	if (*end || port < 1 || port > 65535)
		return false;

	return s[0] == '[' ? s[len - 1] == ']' &&
				     config_host_valid(s + 1, len - 2)
			   : config_host_valid(s, len) &&
				     memchr(s, ':', len) == NULL;
}

static int check_trace(struct checker *c, const Sy__Settings *s)
{
	if (s->trace[0] && strcmp(s->trace, "calls") && strcmp(s->trace, "off"))
		return check_wrong(c, "trace",
				   "unknown name \"%.40s\"; allowed: calls, "
				   "off",
				   s->trace);
	if (s->hep[0] && !hep_valid(s->hep))
		return check_wrong(c, "hep",
				   "\"%.80s\" must be host:port, for example "
				   "homer.example.com:9060",
				   s->hep);

	return check_max(c, "traceSeconds", s->trace_seconds, TRACE_MAX_S);
}

static int check_turn(struct checker *c, const Sy__Settings *s)
{
	if (s->n_ice_servers > CONFIG_TURN_MAX)
		return check_wrong(c, "iceServers", "at most %d",
				   CONFIG_TURN_MAX);
	for (size_t i = 0; i < s->n_ice_servers; i++) {
		const char *wrong = config_turn_wrong(s->ice_servers[i]);

		if (wrong)
			return check_wrong(c, "iceServers", "%s", wrong);
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
		return c->conf->n_devices
			   ? check_wrong(c, "realm", "is needed for devices")
			   : 0;

	if (!check_text_valid(s->realm, "\"\\:"))
		return check_wrong(c, "realm",
				   "must be up to %d characters, "
				   "without \" \\ and :",
				   NAME_MAX_BYTES);
	if (min > max)
		return check_wrong(c, "registerMinS",
				   "%u is more than "
				   "registerMaxS, %u",
				   min, max);
	if (s->opus_bitrate_bps && (s->opus_bitrate_bps < OPUS_MIN_BPS ||
				    s->opus_bitrate_bps > OPUS_MAX_BPS))
		return check_wrong(c, "opusBitrateBps",
				   "must be from %d to %d, is "
				   "%u",
				   OPUS_MIN_BPS, OPUS_MAX_BPS,
				   s->opus_bitrate_bps);
	if (check_max(c, "registerMaxS", max, REGISTER_MAX_S) ||
	    check_max(c, "ringSeconds", s->ring_seconds, RING_MAX_S) ||
	    check_domains(c, s) || check_srtp(c, s->srtp) ||
	    check_voice(c, s) || check_session(c, s) ||
	    check_prack(c, s->prack) || check_guard(c, s) ||
	    check_trace(c, s) || check_qualify(c, s->qualify_s) ||
	    check_unreachable(c, s->unreachable) ||
	    check_music(c, s->music_on_hold) || check_turn(c, s) ||
	    check_park(c, s))
		return EBADMSG;

	return check_codecs(c, s->codecs, s->n_codecs);
}

static int check_device(struct checker *c, const Sy__Device *d)
{
	const bool ha1 = d->ha1_md5[0] || d->ha1_sha256[0];

	if (!check_text_valid(d->display_name, ""))
		return check_wrong(c, "displayName",
				   "must be up to %d characters, "
				   "none of them a control character",
				   NAME_MAX_BYTES);
	if (!d->password[0] && !ha1)
		return check_wrong(c, "password",
				   "is needed, or ha1Md5 and "
				   "ha1Sha256");
	if (d->password[0] && ha1)
		return check_wrong(c, "password",
				   "cannot be set together with "
				   "ha1Md5 or ha1Sha256");
	if (d->ha1_md5[0] && !is_hex(d->ha1_md5, 32))
		return check_wrong(c, "ha1Md5",
				   "must be 32 hexadecimal digits");
	if (d->ha1_sha256[0] && !is_hex(d->ha1_sha256, 64))
		return check_wrong(c, "ha1Sha256",
				   "must be 64 hexadecimal digits");
	if (check_max(c, "maxContacts", d->max_contacts, CONTACTS_MAX) ||
	    check_srtp(c, d->srtp))
		return EBADMSG;

	if (d->set_qualify_case == SY__DEVICE__SET_QUALIFY_QUALIFY_S &&
	    check_qualify(c, d->qualify_s))
		return EBADMSG;

	if (check_dtmf(c, d->dtmf) || check_media(c, d->media) ||
	    check_device_calls(c, d) ||
	    check_permissions(c, d->permissions, d->n_permissions) ||
	    check_forward(c, d->forward))
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
		check_at(c, "devices", i);
		err = check_device(c, c->conf->devices[i]);
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

		check_at(c, "tokens", i);
		if (!is_hex(t->hash, 64))
			err = check_wrong(c, "hash",
					  "must be 64 hexadecimal "
					  "digits: the SHA-256 of the token");
		else if (!t->n_scopes)
			err =
			    check_wrong(c, "scopes", "at least one is needed");
		else
			err = check_names(c, "scopes", t->scopes, t->n_scopes,
					  scope_names, scope_count());
	}

	return err;
}

int config_check(const Sy__Config *conf, char *errbuf, size_t errsize)
{
	struct checker c = {.conf = conf, .errbuf = errbuf, .errsize = errsize};
	int err;

	err = check_settings(&c);
	if (!err)
		err = check_devices(&c);
	if (!err)
		err = check_trunks(&c);
	if (!err)
		err = check_groups(&c);
	if (!err)
		err = check_routes(&c);
	if (!err)
		err = check_tokens(&c);

	free(c.devices.v);
	free(c.trunks.v);
	free(c.groups.v);

	return err;
}
