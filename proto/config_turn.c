/* SPDX-License-Identifier: MIT */
/* STUN and TURN servers: see config_turn.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "proto/config_turn.h"
#include "proto/seal.h"

enum { CONTEXT_MAX = 300, URL_MAX = 256, URLS_MAX = 8 };

static bool is_url(const char *url)
{
	static const char *const schemes[] = {"stun:", "stuns:", "turn:",
					      "turns:"};
	const size_t len = strlen(url);

	if (len > URL_MAX || strspn(url, "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789.:-_[]?=") != len)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		const size_t n = strlen(schemes[i]);

		if (!strncmp(url, schemes[i], n) && len > n)
			return true;
	}

	return false;
}

const char *config_turn_wrong(const Sy__TurnServer *t, const char **field)
{
	*field = "urls";
	if (!t->n_urls || t->n_urls > URLS_MAX)
		return "1 to 8 are wanted";
	for (size_t i = 0; i < t->n_urls; i++) {
		if (!is_url(t->urls[i]))
			return "is no URL; allowed: such as stun:host:port "
			       "or turn:host:port?transport=udp";
	}
	*field = "secret";
	if (strlen(t->secret) > CONFIG_PASSWORD_MAX)
		return "is too long; allowed: up to 256 characters";
	*field = "noSecret";
	if (t->no_secret && t->secret[0])
		return "is there beside a secret; allowed: one of the two";
	*field = "ttlSeconds";
	if (t->ttl_seconds && (t->ttl_seconds < CONFIG_TURN_TTL_MIN_S ||
			       t->ttl_seconds > CONFIG_TURN_TTL_MAX_S))
		return "is out of range; allowed: 60 to 86400, or 0: 3600";

	return NULL;
}

/* A sealed secret opens for the server that it was sealed for alone. */
static int print_context(char *buf, const Sy__TurnServer *t)
{
	return !t->n_urls || re_snprintf(buf, CONTEXT_MAX, "turn:%s",
					 t->urls[0]) < 0 ? EINVAL : 0;
}

static void wipe(char *s)
{
	if (s && s[0])
		explicit_bzero(s, strlen(s));
}

void config_turn_wipe(Sy__Settings *set)
{
	for (size_t i = 0; set && i < set->n_ice_servers; i++)
		wipe(set->ice_servers[i]->secret);
}

static void drop_all(Sy__Settings *set)
{
	for (size_t i = 0; i < set->n_ice_secrets; i++)
		free(set->ice_secrets[i].data);
	free(set->ice_secrets);
	set->ice_secrets = NULL;
	set->n_ice_secrets = 0;
}

bool config_turn_is_plain(const Sy__Settings *set)
{
	for (size_t i = 0; set && i < set->n_ice_servers; i++) {
		if (set->ice_servers[i]->secret[0])
			return true;
	}

	return false;
}

void config_turn_forget(Sy__Settings *set)
{
	config_turn_wipe(set);
	if (set)
		drop_all(set);
}

/* One for each server; those that there are stay. */
static int make_room(Sy__Settings *set)
{
	ProtobufCBinaryData *v;

	if (set->n_ice_secrets == set->n_ice_servers)
		return 0;

	drop_all(set);
	v = calloc(set->n_ice_servers, sizeof(*v));
	if (!v)
		return ENOMEM;
	set->ice_secrets = v;
	set->n_ice_secrets = set->n_ice_servers;

	return 0;
}

static int seal_one(ProtobufCBinaryData *out, const Sy__TurnServer *t,
		    const struct token_key *key)
{
	const size_t len = strlen(t->secret);
	char context[CONTEXT_MAX];
	uint8_t *sealed = malloc(len + SEAL_EXTRA_BYTES);
	int err = sealed ? print_context(context, t) : ENOMEM;

	if (!err)
		err = seal_close(sealed, key, context, t->secret, len);
	if (err) {
		free(sealed);
		return err;
	}
	free(out->data);
	out->data = sealed;
	out->len = len + SEAL_EXTRA_BYTES;

	return 0;
}

/* It had its effect; beside a secret it stays, and is found to be wrong. */
static bool take_no_secret(Sy__TurnServer *t)
{
	const bool none = t->no_secret;

	if (!t->secret[0])
		t->no_secret = false;

	return none;
}

int config_turn_seal(Sy__Settings *set, const struct token_key *key)
{
	int err = 0;

	for (size_t i = 0; !err && set && i < set->n_ice_servers; i++) {
		Sy__TurnServer *t = set->ice_servers[i];

		(void)take_no_secret(t);
		if (!t->secret[0])
			continue;
		err = make_room(set);
		if (!err)
			err = seal_one(&set->ice_secrets[i], t, key);
		if (!err)
			wipe(t->secret);
	}

	return err;
}

/* The server of that first URL that has a sealed secret; its place, or the
 * number of servers: none. */
static size_t find(const Sy__Settings *set, const Sy__TurnServer *t)
{
	for (size_t i = 0; i < set->n_ice_servers && i < set->n_ice_secrets;
	     i++) {
		const Sy__TurnServer *o = set->ice_servers[i];

		if (o->n_urls && t->n_urls && !strcmp(o->urls[0], t->urls[0]))
			return set->ice_secrets[i].len ? i
						       : set->n_ice_servers;
	}

	return set->n_ice_servers;
}

/* The i-th server gets a seal that there was. */
static int copy_seal(Sy__Settings *set, size_t i, const Sy__Settings *old,
		     size_t from)
{
	const ProtobufCBinaryData *b = &old->ice_secrets[from];
	int err = make_room(set);
	uint8_t *copy;

	if (err)
		return err;
	copy = malloc(b->len);
	if (!copy)
		return ENOMEM;
	memcpy(copy, b->data, b->len);
	free(set->ice_secrets[i].data);
	set->ice_secrets[i].data = copy;
	set->ice_secrets[i].len = b->len;

	return 0;
}

int config_turn_keep(Sy__Settings *set, const Sy__Settings *old)
{
	drop_all(set); /* nobody may bring sealed ones */
	for (size_t i = 0; i < set->n_ice_servers; i++) {
		Sy__TurnServer *t = set->ice_servers[i];
		const size_t from = old ? find(old, t) : 0;
		int err;

		if (take_no_secret(t) || !old || t->secret[0] ||
		    from == old->n_ice_servers)
			continue;
		err = copy_seal(set, i, old, from);
		if (err)
			return err;
	}

	return 0;
}

int config_turn_again(Sy__Settings *set, const struct token_key *key,
		      const Sy__Settings *old)
{
	char have[CONFIG_PASSWORD_MAX + 1];
	int err = 0;

	for (size_t i = 0; set && old && !err && i < set->n_ice_servers; i++) {
		Sy__TurnServer *t = set->ice_servers[i];
		const size_t from = find(old, t);

		if (!t->secret[0] || from == old->n_ice_servers ||
		    config_turn_secret(have, key, old, from) ||
		    strcmp(have, t->secret) != 0)
			continue;
		err = copy_seal(set, i, old, from);
		if (!err)
			wipe(t->secret);
	}
	explicit_bzero(have, sizeof(have));

	return err;
}

int config_turn_secret(char *str, const struct token_key *key,
		       const Sy__Settings *set, size_t i)
{
	char context[CONTEXT_MAX];

	if (i >= set->n_ice_servers || i >= set->n_ice_secrets ||
	    !set->ice_secrets[i].len)
		return ENOENT;
	if (!key || print_context(context, set->ice_servers[i]))
		return EINVAL;

	return seal_open(str, CONFIG_PASSWORD_MAX + 1, key, context,
			 set->ice_secrets[i].data, set->ice_secrets[i].len);
}
