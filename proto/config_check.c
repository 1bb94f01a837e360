/* SPDX-License-Identifier: MIT */
/*
 * Checks section by section; settings are in config_check_settings.c, trunks
 * and routes in config_check_route.c, what phones do with calls in
 * config_check_feature.c.  Each goes on behind an error, so that all of them
 * are told at once; their paths are those of the JSON file.
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
#include "proto/scope.h"

enum {
	ID_MAX = 64,
	CONTACTS_MAX = 100,
	TEXT_MAX = 768,     /* of an error */
};

static const char *const codec_names[] = {"opus", "G722", "PCMU", "PCMA",
					  "L16"};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* @param field  Within c->path. */
int check_wrong(struct checker *c, const char *field, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;
	int n;

	if (c->told++ >= CONFIG_WRONG_MAX || !c->wrongh)
		return EBADMSG;

	n = snprintf(text, sizeof(text), "%s%s%s: ", c->path,
		     c->path[0] && field[0] && field[0] != '[' ? "." : "",
		     field);
	if (n < 0 || (size_t)n >= sizeof(text))
		return EBADMSG;
	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	c->wrongh(text, c->arg);

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

/* Is it the id of one that comes earlier in the file? */
static bool is_twice(const struct refs *r, const char *id, size_t index)
{
	const struct ref key = {id, 0};
	const struct ref *found =
		bsearch(&key, r->v, r->n, sizeof(key), ref_cmp_id);

	while (found && found > r->v && !strcmp(found[-1].id, id))
		found--;

	return found && found->index < index;
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
	int err = 0;

	r->v = calloc(n + 1, sizeof(*r->v));
	if (!r->v)
		return check_wrong(c, section, "out of memory");

	for (size_t i = 0; i < n; i++) {
		memcpy(&r->v[i].id, (const char *)msgv[i] + offset,
		       sizeof(char *));
		r->v[i].index = i;
	}
	r->n = n;
	qsort(r->v, n, sizeof(*r->v), ref_cmp);

	for (size_t i = 0; i < n; i++) {
		const char *id;

		memcpy(&id, (const char *)msgv[i] + offset, sizeof(id));
		check_at(c, section, i);
		if (!id_valid(id))
			err |= check_wrong(c, "id",
					   "\"%.80s\" is no id; allowed: "
					   "1 to %d letters, digits and "
					   "._~+*#-", id, ID_MAX);
		else if (is_twice(r, id, i))
			err |= check_wrong(c, "id", "\"%s\" is there twice",
					   id);
	}

	return err;
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

static bool is_name(const char *str, const char *const *namev, size_t namec)
{
	for (size_t i = 0; i < namec; i++) {
		if (!strcasecmp(str, namev[i]))
			return true;
	}

	return false;
}

/* Strings of a list are names out of a fixed set, each once. */
static int check_names(struct checker *c, const char *field, char **strv,
		       size_t n, const char *const *namev, size_t namec)
{
	char where[64], allowed[512];
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		(void)snprintf(where, sizeof(where), "%s[%zu]", field, i);
		if (!is_name(strv[i], namev, namec)) {
			(void)list_names(allowed, sizeof(allowed), namev,
					 namec);
			err |= check_wrong(c, where,
					   "unknown name \"%.40s\"; "
					   "allowed: %s",
					   strv[i], allowed);
		}
		else if (is_name(strv[i], (const char *const *)strv, i)) {
			err |= check_wrong(c, where, "\"%s\" is there twice",
					   strv[i]);
		}
	}

	return err;
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

static int check_password(struct checker *c, const Sy__Device *d)
{
	const bool ha1 = d->ha1_md5[0] || d->ha1_sha256[0];
	int err = 0;

	if (!d->password[0] && !ha1)
		return check_wrong(c, "password",
				   "is needed, or ha1Md5 and "
				   "ha1Sha256");
	if (d->password[0] && ha1)
		return check_wrong(c, "password",
				   "cannot be set together with "
				   "ha1Md5 or ha1Sha256");
	if (d->ha1_md5[0] && !is_hex(d->ha1_md5, 32))
		err = check_wrong(c, "ha1Md5",
				  "must be 32 hexadecimal digits");
	if (d->ha1_sha256[0] && !is_hex(d->ha1_sha256, 64))
		err = check_wrong(c, "ha1Sha256",
				  "must be 64 hexadecimal digits");

	return err;
}

static int check_device(struct checker *c, const Sy__Device *d)
{
	int err = 0;

	if (!check_text_valid(d->display_name, ""))
		err = check_wrong(c, "displayName",
				  "must be up to %d characters, "
				  "none of them a control character",
				  NAME_MAX_BYTES);
	err |= check_password(c, d);
	err |= check_max(c, "maxContacts", d->max_contacts, CONTACTS_MAX);
	err |= check_srtp(c, d->srtp);
	if (d->set_qualify_case == SY__DEVICE__SET_QUALIFY_QUALIFY_S)
		err |= check_qualify(c, d->qualify_s);
	err |= check_dtmf(c, d->dtmf);
	err |= check_media(c, d->media);
	err |= check_device_calls(c, d);
	err |= check_permissions(c, d->permissions, d->n_permissions);
	err |= check_forward(c, d->forward);
	err |= check_codecs(c, d->codecs, d->n_codecs);

	return err;
}

static int check_devices(struct checker *c)
{
	int err = check_ids(c, &c->devices, "devices",
			    (void *const *)c->conf->devices,
			    c->conf->n_devices, offsetof(Sy__Device, id));

	for (size_t i = 0; i < c->conf->n_devices; i++) {
		check_at(c, "devices", i);
		err |= check_device(c, c->conf->devices[i]);
	}

	return err;
}

static int check_tokens(struct checker *c)
{
	struct refs refs = {NULL, 0};
	int err = check_ids(c, &refs, "tokens",
			    (void *const *)c->conf->tokens, c->conf->n_tokens,
			    offsetof(Sy__ApiToken, id));

	free(refs.v);
	for (size_t i = 0; i < c->conf->n_tokens; i++) {
		const Sy__ApiToken *t = c->conf->tokens[i];

		check_at(c, "tokens", i);
		if (!is_hex(t->hash, 64))
			err |= check_wrong(c, "hash",
					   "must be 64 hexadecimal "
					   "digits: the SHA-256 of the token");
		if (!t->n_scopes)
			err |= check_wrong(c, "scopes",
					   "at least one is needed");
		err |= check_names(c, "scopes", t->scopes, t->n_scopes,
				   scope_names, scope_count());
	}

	return err;
}

int config_check_all(const Sy__Config *conf, config_wrong_h *h, void *arg)
{
	struct checker c = {.conf = conf, .wrongh = h, .arg = arg};
	int err;

	err = check_settings(&c);
	err |= check_devices(&c);
	err |= check_trunks(&c);
	err |= check_groups(&c);
	err |= check_routes(&c);
	err |= check_tokens(&c);

	free(c.devices.v);
	free(c.trunks.v);
	free(c.groups.v);

	return err;
}

/* Where the first error goes. */
struct first {
	char *buf;
	size_t size;
};

static void keep_first(const char *text, void *arg)
{
	struct first *f = arg;

	if (f->buf && f->size)
		(void)snprintf(f->buf, f->size, "%s", text);
	f->buf = NULL;
}

int config_check(const Sy__Config *conf, char *errbuf, size_t errsize)
{
	struct first first = {.buf = errbuf, .size = errsize};

	return config_check_all(conf, keep_first, &first);
}
