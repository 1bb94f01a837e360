/* SPDX-License-Identifier: MIT */
/* What the settings say about strangers (Guard) and costly numbers. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/config_check_impl.h"
#include "proto/config_net.h"

enum {
	RATE_MAX = 100000,
	BURST_MAX = 1000000,
	COUNT_MAX = 10000,
	USERS_MAX = 50,        /* more are not told apart: router/suspect.h */
	BAN_MAX_S = 30 * 86400,
	BAN_S = 60,
	BAN_DEFAULT_MAX_S = 86400,
	NETS_MAX = 4096,
	SCANNERS_MAX = 64,
	RULES_MAX = 1024,
	PREFIX_MAX = 32,
	WORD_MAX = 64,
};

static int check_nets(struct checker *c, const char *field, char **strv,
		      size_t n)
{
	struct config_net net;
	char where[48];
	const char *why;
	int err = 0;

	if (n > NETS_MAX)
		return check_wrong(c, field, "at most %d, are %zu", NETS_MAX,
				   n);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(where, sizeof(where), "%s[%zu]", field, i);
		if (config_net_read(&net, strv[i], &why))
			err |= check_wrong(c, where, "\"%.80s\" is wrong; %s",
					   strv[i], why);
		else if (net.port)
			err |= check_wrong(c, where,
					   "\"%.80s\" names a port; allowed: "
					   "an address or a network",
					   strv[i]);
	}

	return err;
}

static int check_scanners(struct checker *c, const Sy__Guard *g)
{
	char where[48];
	int err = 0;

	if (g->n_scanners > SCANNERS_MAX)
		return check_wrong(c, "guard.scanners", "at most %d, are %zu",
				   SCANNERS_MAX, g->n_scanners);
	for (size_t i = 0; i < g->n_scanners; i++) {
		const char *s = g->scanners[i];

		(void)snprintf(where, sizeof(where), "guard.scanners[%zu]", i);
		if (strlen(s) < 3 || !check_text_valid(s, ""))
			err |= check_wrong(c, where,
					   "must be the beginning of a "
					   "User-Agent, 3 to %d characters",
					   NAME_MAX_BYTES);
	}

	return err;
}

static int check_bans(struct checker *c, const Sy__Guard *g)
{
	const uint32_t first = g->ban_seconds ? g->ban_seconds : BAN_S;
	const uint32_t most = g->ban_max_seconds ? g->ban_max_seconds
						 : BAN_DEFAULT_MAX_S;

	int err = check_max(c, "guard.failures", g->failures, COUNT_MAX);

	err |= check_max(c, "guard.users", g->users, USERS_MAX);
	err |= check_max(c, "guard.banMaxSeconds", most, BAN_MAX_S);
	if (first > most)
		err |= check_wrong(c, "guard.banSeconds",
				   "%u is more than banMaxSeconds, %u", first,
				   most);

	return err;
}

static bool is_prefix(const char *s)
{
	const char *p = *s == '+' ? s + 1 : s;

	if (!*p || strlen(s) > PREFIX_MAX)
		return false;
	for (; *p; p++) {
		if (!isdigit((unsigned char)*p) && *p != '*' && *p != '#')
			return false;
	}

	return true;
}

static bool is_word(const char *s)
{
	const char *p;

	for (p = s; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	}

	return p != s && p - s <= WORD_MAX;
}

static bool prefix_is_twice(const Sy__Settings *s, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (!strcmp(s->costly[j]->prefix, s->costly[i]->prefix))
			return true;
	}

	return false;
}

static int check_costly(struct checker *c, const Sy__Settings *s)
{
	char where[48];
	int err = 0;

	if (s->n_costly > RULES_MAX)
		return check_wrong(c, "costly", "at most %d, are %zu",
				   RULES_MAX, s->n_costly);
	for (size_t i = 0; i < s->n_costly; i++) {
		const Sy__Costly *k = s->costly[i];

		(void)snprintf(where, sizeof(where), "costly[%zu].prefix", i);
		if (!is_prefix(k->prefix))
			err |= check_wrong(c, where,
					   "\"%.40s\" is wrong; allowed: 1 to "
					   "%d of 0-9 * #, also behind a +",
					   k->prefix, PREFIX_MAX);
		else if (prefix_is_twice(s, i))
			err |= check_wrong(c, where, "\"%s\" is there twice",
					   k->prefix);
		(void)snprintf(where, sizeof(where), "costly[%zu].permission",
			       i);
		if (*k->permission && !is_word(k->permission))
			err |= check_wrong(c, where,
					   "\"%.80s\" is wrong; allowed: "
					   "letters, digits and ._-, up to %d",
					   k->permission, WORD_MAX);
	}

	return err;
}

int check_guard(struct checker *c, const Sy__Settings *s)
{
	const Sy__Guard *g = s->guard;
	int err = check_costly(c, s);

	if (!g)
		return err;

	err |= check_nets(c, "guard.allow", g->allow, g->n_allow);
	err |= check_nets(c, "guard.deny", g->deny, g->n_deny);
	err |= check_max(c, "guard.rate", g->rate, RATE_MAX);
	err |= check_max(c, "guard.burst", g->burst, BURST_MAX);
	err |= check_max(c, "guard.registersPerMinute",
			 g->registers_per_minute, BURST_MAX);
	err |= check_max(c, "guard.callsPerMinute", g->calls_per_minute,
			 BURST_MAX);
	err |= check_max(c, "guard.messagesPerMinute",
			 g->messages_per_minute, BURST_MAX);
	err |= check_bans(c, g);
	err |= check_scanners(c, g);

	return err;
}

/* A word that no rule names is most likely a slip. */
int check_permissions(struct checker *c, char **strv, size_t n)
{
	const Sy__Settings *s = c->conf->settings;
	char where[48];
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		while (s && j < s->n_costly &&
		       strcmp(s->costly[j]->permission, strv[i]))
			++j;
		if (s && j < s->n_costly && *strv[i])
			continue;
		(void)snprintf(where, sizeof(where), "permissions[%zu]", i);
		err |= check_wrong(c, where,
				   "\"%.80s\" is the permission of no entry "
				   "of settings.costly",
				   strv[i]);
	}

	return err;
}
