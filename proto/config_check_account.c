/* SPDX-License-Identifier: MIT */
/* What is said of our account at a trunk, and of how we know it; how often
 * trunks and devices are asked whether they are there. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/config_check_impl.h"
#include "proto/config_net.h"
#include "proto/config_secret.h"

enum {
	EXPIRES_MIN_S = 60,
	EXPIRES_MAX_S = 86400,
	OPTIONS_MIN_S = 2,
	OPTIONS_MAX_S = 3600,
	QUALIFY_MIN_S = 5,
	USER_MAX = 64,
};

static int check_password(struct checker *c, const Sy__Trunk *tr)
{
	const bool sealed = tr->password_sealed.len > 0;

	if (!check_text_valid(tr->username, "\"\\"))
		return check_wrong(c, "username",
				   "must be up to %d characters, without "
				   "\" and \\", NAME_MAX_BYTES);
	if ((tr->password[0] || sealed) && !tr->username[0])
		return check_wrong(c, "username", "is needed for a password");
	if (tr->username[0] && !tr->password[0] && !sealed)
		return check_wrong(c, "password",
				   "is needed for a username");
	if (tr->password[0] && sealed)
		return check_wrong(c, "password",
				   "cannot be set together with "
				   "passwordSealed");
	if (strlen(tr->password) > CONFIG_PASSWORD_MAX)
		return check_wrong(c, "password",
				   "must be at most %d bytes",
				   CONFIG_PASSWORD_MAX);

	return 0;
}

/* The user part of a URI, as it stands. */
static int check_user(struct checker *c, const char *field, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_.!~*'()&=+$,?/%";
	const size_t n = strspn(s, plain);

	if (!s[n] && n <= USER_MAX)
		return 0;

	return check_wrong(c, field,
			   "\"%.80s\" cannot be the user of a URI; allowed: "
			   "up to %d letters, digits and -_.!~*'()&=+$,?/, "
			   "all else as %%XX",
			   s, USER_MAX);
}

static int check_target_text(struct checker *c, const char *field,
			     const char *s)
{
	const char *why;

	return s[0] && config_target_check(s, &why)
		       ? check_wrong(c, field, "\"%.80s\" is wrong; %s", s,
				     why)
		       : 0;
}

static int check_registration(struct checker *c, const Sy__Trunk *t)
{
	const Sy__TrunkRegistration *r = t->registration;
	int err = 0;

	if (!r)
		return 0;
	if (!r->registrar[0])
		err = check_wrong(c, "registration.registrar", "is needed");
	err |= check_target_text(c, "registration.registrar", r->registrar);
	err |= check_user(c, "registration.user", r->user);
	err |= check_user(c, "registration.contactUser", r->contact_user);
	if (!r->user[0] && !t->username[0])
		err |= check_wrong(c, "registration.user",
				   "is needed, or a username");
	else if (!r->user[0])
		err |= check_user(c, "username", t->username);
	if (r->expires_s && (r->expires_s < EXPIRES_MIN_S ||
			     r->expires_s > EXPIRES_MAX_S))
		err |= check_wrong(c, "registration.expiresS",
				   "must be from %d to %d, or 0, is %u",
				   EXPIRES_MIN_S, EXPIRES_MAX_S,
				   r->expires_s);

	return err;
}

static int check_health(struct checker *c, const Sy__Trunk *t)
{
	const uint32_t s =
		t->set_options_case == SY__TRUNK__SET_OPTIONS_OPTIONS_S
			? t->options_s
			: 0;

	if (s && (s < OPTIONS_MIN_S || s > OPTIONS_MAX_S))
		return check_wrong(c, "optionsS",
				   "must be from %d to %d, or 0, is %u",
				   OPTIONS_MIN_S, OPTIONS_MAX_S, s);

	return 0;
}

int check_qualify(struct checker *c, uint32_t s)
{
	if (s && (s < QUALIFY_MIN_S || s > OPTIONS_MAX_S))
		return check_wrong(c, "qualifyS",
				   "must be from %d to %d, or 0, is %u",
				   QUALIFY_MIN_S, OPTIONS_MAX_S, s);

	return 0;
}

/* Whose certificate it is must be plain. */
static bool name_taken(const struct checker *c, const Sy__Trunk *t, size_t n)
{
	for (size_t i = 0; i < c->conf->n_trunks; i++) {
		const Sy__Trunk *o = c->conf->trunks[i];
		const size_t max = o == t ? n : o->n_certificates;

		for (size_t k = 0; k < max; k++) {
			if (!strcmp(o->certificates[k], t->certificates[n]))
				return true;
		}
		if (o == t)
			break;
	}

	return false;
}

static int check_certificates(struct checker *c, const Sy__Trunk *t)
{
	char where[64];
	int err = 0;

	for (size_t i = 0; i < t->n_certificates; i++) {
		const char *name = t->certificates[i];

		(void)snprintf(where, sizeof(where), "certificates[%zu]", i);
		if (!name[0] || !check_text_valid(name, ""))
			err |= check_wrong(c, where,
					   "must be a name of 1 to %d "
					   "characters",
					   NAME_MAX_BYTES);
		else if (name_taken(c, t, i))
			err |= check_wrong(c, where,
					   "\"%.80s\" names a trunk already",
					   name);
	}

	return err;
}

int check_trunk_account(struct checker *c, const Sy__Trunk *t)
{
	int err = check_password(c, t);

	err |= check_registration(c, t);
	err |= check_target_text(c, "proxy", t->proxy);
	err |= check_health(c, t);
	err |= check_certificates(c, t);

	return err;
}
