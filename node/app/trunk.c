/* SPDX-License-Identifier: MIT */

#include <errno.h>
#include <string.h>
#include <re.h>
#include "node/app/trunk.h"

#define ANONYMOUS_URI "sip:anonymous@anonymous.invalid" /* RFC 3323 4.1 */

/* What there is to show. */
struct shown {
	char number[NUMBER_SIZE]; /* "": nothing may be */
	const char *name;         /* or NULL            */
	bool private;
};

static int user_uri(char *buf, size_t size, const char *user,
		    const char *host)
{
	struct pl pl;

	pl_set_str(&pl, user);

	return re_snprintf(buf, size, "sip:%H@%s", uri_user_escape, &pl,
			   host) < 0
		       ? EOVERFLOW
		       : 0;
}

static int choose(struct shown *s, const Sy__Trunk *trunk,
		  const struct trunk_who *who)
{
	const Sy__Device *dev = who->device;
	const char *number = who->number;

	s->private = who->private || (dev && dev->anonymous);
	s->name = trunk->send_name && str_isset(who->name) ? who->name : NULL;
	if (dev && dev->caller_id[0])
		number = dev->caller_id;
	if (!strcmp(number, "anonymous"))
		number = "";

	return number_shown(s->number, trunk, number);
}

/* A display name within quotes, and what follows it. */
static int print_name(struct re_printf *pf, const char *name)
{
	int err = 0;

	if (!str_isset(name))
		return 0;

	err = pf->vph("\"", 1, pf->arg);
	for (; *name && !err; name++) {
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			continue;
		if (*name == '"' || *name == '\\')
			err = pf->vph("\\", 1, pf->arg);
		if (!err)
			err = pf->vph(name, 1, pf->arg);
	}

	return err ? err : pf->vph("\" ", 2, pf->arg);
}

/* Only what is asserted stands in these two; From may be of no use. */
static int print_identity(char *buf, size_t size, const Sy__Trunk *trunk,
			  const struct shown *s, const char *uri)
{
	const char *privacy = s->private ? "Privacy: id\r\n" : "";
	const bool known = s->number[0];
	int n;

	if (known && !strcmp(trunk->identity, "pai"))
		n = re_snprintf(buf, size,
				"P-Asserted-Identity: %H<%s>\r\n%s",
				print_name, s->name, uri, privacy);
	else if (known && !strcmp(trunk->identity, "rpid"))
		n = re_snprintf(buf, size,
				"Remote-Party-ID: %H<%s>;party=calling;"
				"privacy=%s;screen=yes\r\n%s",
				print_name, s->name, uri,
				s->private ? "full" : "off", privacy);
	else
		n = re_snprintf(buf, size, "%s", privacy);

	return n < 0 ? EOVERFLOW : 0;
}

int trunk_call_init(struct trunk_call *tc, const Sy__Trunk *trunk,
		    const struct trunk_who *who)
{
	const char *host =
	    trunk->from_domain[0] ? trunk->from_domain : who->domain;
	char called[NUMBER_SIZE], uri[TRUNK_URI_MAX] = "";
	struct shown s;
	int err;

	memset(tc, 0, sizeof(*tc));
	err = number_called_out(called, trunk, who->called);
	if (!err)
		err = user_uri(tc->uri, sizeof(tc->uri), called,
			       trunk->target);
	if (!err)
		err = choose(&s, trunk, who);
	if (!err && s.number[0])
		err = user_uri(uri, sizeof(uri), s.number, host);
	if (err)
		return err;

	if (s.private || !s.number[0]) {
		str_ncpy(tc->from, ANONYMOUS_URI, sizeof(tc->from));
		tc->name = "Anonymous";
	}
	else {
		str_ncpy(tc->from, uri, sizeof(tc->from));
		tc->name = s.name;
	}

	return print_identity(tc->extra, sizeof(tc->extra), trunk, &s, uri);
}

const char *trunk_attempt(const Sy__External *ext, uint32_t attempt)
{
	if (!attempt)
		return ext->trunk;

	return attempt <= ext->n_failover ? ext->failover[attempt - 1] : NULL;
}

bool trunk_fails_over(const Sy__Trunk *trunk, uint16_t code)
{
	/* 401, 407: it does not know us, or our password has changed. */
	if (code == 401 || code == 407 || code == 408 || code == 430 ||
	    (code >= 500 && code < 600))
		return true;

	for (size_t i = 0; trunk && i < trunk->n_failover_codes; i++) {
		if (trunk->failover_codes[i] == code)
			return true;
	}

	return false;
}
