/* SPDX-License-Identifier: MIT */
/* Commands that make phones, change them, and take them away. */

#include <stdlib.h>
#include <string.h>
#include "tests/phone/bulk.h"
#include "tests/phone/command.h"

#define F_PHONE {"phone", FIELD_STR, true, NULL, 0, 0, "an id, or \"p*\""}
#define F_END {NULL, 0, false, NULL, 0, 0, NULL}

/* What a phone is made of; `phone`, `phones` and `set` take parts of it. */
#define F_SETTINGS                                                             \
	{"password", FIELD_STR, false, NULL, 0, 0, NULL},                      \
	{"proxy", FIELD_STR, false, NULL, 0, 0, "host:port; none"},            \
	{"digest", FIELD_ENUM, false, "any|md5|sha256", 0, 0, "any"},          \
	{"codecs", FIELD_CODECS, false, NULL, 0, 0, "[\"PCMU\"]"},             \
	{"srtp", FIELD_ENUM, false, "off|optional|required|savpf", 0, 0,      \
	 "off"},                                                               \
	{"suites", FIELD_WORDS, false, SECURE_NAMES, 0, 0, "all"},             \
	{"tone_hz", FIELD_INT, false, NULL, 0, 3900, "440; 0 is silence"},     \
	{"tone_db", FIELD_NUM, false, NULL, -60, 0, "-20"},                    \
	{"loss_percent", FIELD_NUM, false, NULL, 0, 100, "0"},                 \
	{"answer", FIELD_ANSWER, false, NULL, 0, 0, "auto"},                   \
	{"answer_delay_ms", FIELD_INT, false, NULL, 0, 3600000, "0"},          \
	{"ring", FIELD_BOOL, false, NULL, 0, 0, "true"},                       \
	{"early", FIELD_BOOL, false, NULL, 0, 0, "false"},                     \
	{"sdp_in_invite", FIELD_BOOL, false, NULL, 0, 0, "true"},              \
	{"preauth", FIELD_BOOL, false, NULL, 0, 0, "false"},                   \
	{"quiet", FIELD_BOOL, false, NULL, 0, 0, "false"}

#define F_IDENTITY                                                             \
	{"user", FIELD_STR, false, NULL, 0, 0, "the id"},                      \
	{"domain", FIELD_STR, false, NULL, 0, 0, "laddr"},                     \
	{"transport", FIELD_ENUM, false, "udp|tcp", 0, 0, "udp"},              \
	{"laddr", FIELD_STR, false, NULL, 0, 0, "127.0.0.1"},                  \
	{"media", FIELD_BOOL, false, NULL, 0, 0, "true"}

static const struct field f_phone[] = {
	{"id", FIELD_STR, true, NULL, 0, 0, NULL}, F_IDENTITY, F_SETTINGS,
	F_END,
};

static const struct field f_phones[] = {
	{"id", FIELD_STR, true, NULL, 0, 0, "with %d"},
	{"count", FIELD_INT, true, NULL, 1, 20000, NULL},
	{"first", FIELD_INT, false, NULL, 0, 1000000, "1"},
	{"user_first", FIELD_INT, false, NULL, 0, 1e9, "first"},
	{"tone_step", FIELD_INT, false, NULL, 0, 3900, "0"},
	{"tone_count", FIELD_INT, false, NULL, 1, 20000, "count"},
	F_IDENTITY, F_SETTINGS, F_END,
};

static const struct field f_set[] = {F_PHONE, F_SETTINGS, F_END};

static const struct field f_phone_only[] = {F_PHONE, F_END};

/* --------------------------------------------------------------- settings */

static int text_set(char **textp, const char *s)
{
	if (!s)
		return 0;

	*textp = mem_deref(*textp);
	return s[0] ? str_dup(textp, s) : 0;
}

static void digest_set(struct phone *p, const char *s)
{
	if (!s)
		return;

	p->cred.allowed = !strcmp(s, "md5")	 ? DIGEST_MD5
			  : !strcmp(s, "sha256") ? DIGEST_SHA256
						 : DIGEST_ANY;
}

static void answer_set(struct phone *p, const char *s)
{
	if (!s)
		return;

	p->answer = !strcmp(s, "auto")	   ? ANSWER_AUTO
		    : !strcmp(s, "manual") ? ANSWER_MANUAL
					   : ANSWER_REJECT;
	if (p->answer == ANSWER_REJECT)
		p->reject_code = atoi(s + 7);
}

static void srtp_set(struct phone *p, const json_t *cmd)
{
	const char *s = command_str(cmd, "srtp");
	const json_t *suites = json_object_get(cmd, "suites");

	if (s)
		p->srtp = !strcmp(s, "off")	   ? SRTP_OFF
			  : !strcmp(s, "optional") ? SRTP_OPTIONAL
			  : !strcmp(s, "required") ? SRTP_REQUIRED
						   : SRTP_SAVPF;
	if (!suites)
		return;

	p->suitec = 0;
	for (size_t i = 0; i < json_array_size(suites) &&
			   p->suitec < ARRAY_SIZE(p->suitev); i++) {
		struct pl name;

		pl_set_str(&name,
			   json_string_value(json_array_get(suites, i)));
		p->suitev[p->suitec++] = secure_find(&name);
	}
}

static int settings_apply(struct command_ctx *ctx, struct phone *p)
{
	const json_t *cmd = ctx->cmd;
	const json_t *codecs = json_object_get(cmd, "codecs");
	char *proxy;
	int err;

	err = command_hostport(ctx, "proxy", &proxy);
	if (err)
		return err;

	if (json_object_get(cmd, "proxy")) {
		mem_deref(p->proxy);
		p->proxy = proxy;
	}

	err = text_set(&p->cred.password, command_str(cmd, "password"));
	digest_set(p, command_str(cmd, "digest"));
	answer_set(p, command_str(cmd, "answer"));
	srtp_set(p, cmd);
	p->tone_hz = command_int(cmd, "tone_hz", p->tone_hz);
	p->tone_db = command_num(cmd, "tone_db", p->tone_db);
	p->loss_percent = command_num(cmd, "loss_percent", p->loss_percent);
	p->answer_delay_ms = command_int(cmd, "answer_delay_ms",
					 p->answer_delay_ms);
	p->ring = command_bool(cmd, "ring", p->ring);
	p->early = command_bool(cmd, "early", p->early);
	p->sdp_in_invite = command_bool(cmd, "sdp_in_invite",
					p->sdp_in_invite);
	p->preauth = command_bool(cmd, "preauth", p->preauth);
	p->quiet = command_bool(cmd, "quiet", p->quiet);

	if (codecs) {
		p->codecc = json_array_size(codecs);
		for (size_t i = 0; i < p->codecc; i++)
			p->codecv[i] = codec_find(json_string_value(
				json_array_get(codecs, i)));
	}

	return err;
}

static void defaults(struct phone *p)
{
	p->tp = SIP_TRANSP_UDP;
	p->codecv[0] = CODEC_PCMU;
	for (unsigned i = 1; i < SECURE_COUNT; i++)
		p->suitev[p->suitec++] = i;
	p->codecc = 1;
	p->tone_hz = 440;
	p->tone_db = -20.0;
	p->answer = ANSWER_AUTO;
	p->ring = true;
	p->sdp_in_invite = true;
	p->media = true;
}

/* ------------------------------------------------------------------- make */

static int laddr_set(struct command_ctx *ctx, struct phone *p)
{
	const char *s = command_str(ctx->cmd, "laddr");

	if (!sa_set_str(&p->laddr, s ? s : "127.0.0.1", 0))
		return 0;

	snprintf(ctx->error, sizeof(ctx->error),
		 "field 'laddr': an IPv4 or IPv6 address");
	return EINVAL;
}

static int domain_set(struct phone *p, const json_t *cmd)
{
	const char *s = command_str(cmd, "domain");

	if (s)
		return str_dup(&p->domain, s);

	return re_sdprintf(&p->domain,
			   sa_af(&p->laddr) == AF_INET6 ? "[%j]" : "%j",
			   &p->laddr);
}

static int phone_make(struct command_ctx *ctx, const char *id,
		      const char *user, struct phone **pp)
{
	struct phone *p;
	int err;

	if (!id[0] || strchr(id, '*') || farm_find(ctx->farm, id)) {
		snprintf(ctx->error, sizeof(ctx->error),
			 "field 'id': '%s' is %s", id,
			 id[0] && !strchr(id, '*') ? "in use" : "not allowed");
		return EEXIST;
	}

	err = phone_alloc(&p, ctx->farm, id);
	if (err)
		return err;

	defaults(p);
	p->tp = command_transport(ctx->cmd, SIP_TRANSP_UDP);
	p->media = command_bool(ctx->cmd, "media", true);
	err = laddr_set(ctx, p);
	if (!err)
		err = domain_set(p, ctx->cmd);
	if (!err)
		err = str_dup(&p->cred.user, user);
	if (!err)
		err = settings_apply(ctx, p);
	if (!err)
		err = phone_open(p);

	if (err)
		mem_deref(p);
	else
		*pp = p;

	return err;
}

static int cmd_phone(struct command_ctx *ctx)
{
	const char *id = command_str(ctx->cmd, "id");
	const char *user = command_str(ctx->cmd, "user");
	struct phone *p;
	char addr[64];
	int err;

	err = phone_make(ctx, id, user ? user : id, &p);
	if (err)
		return err;

	re_snprintf(addr, sizeof(addr), "%J", &p->addr);
	json_object_set_new(ctx->reply, "phone", json_string(p->id));
	json_object_set_new(ctx->reply, "address", json_string(addr));
	return 0;
}

static int phones_make_one(struct command_ctx *ctx, int i)
{
	const json_t *cmd = ctx->cmd;
	const int n = command_int(cmd, "first", 1) + i;
	const int u = command_int(cmd, "user_first",
				  command_int(cmd, "first", 1)) + i;
	const int tones = command_int(cmd, "tone_count",
				      command_int(cmd, "count", 1));
	const char *user = command_str(cmd, "user");
	const char *pass = command_str(cmd, "password");
	char id[128], name[128], word[128];
	struct phone *p;
	int err;

	bulk_name(id, sizeof(id), command_str(cmd, "id"), n);
	bulk_name(name, sizeof(name), user ? user : "%d", u);
	err = phone_make(ctx, id, name, &p);
	if (err)
		return err;

	p->tone_hz += command_int(cmd, "tone_step", 0) * (i % tones);
	if (!pass)
		return 0;

	bulk_name(word, sizeof(word), pass, u);
	return text_set(&p->cred.password, word);
}

static int cmd_phones(struct command_ctx *ctx)
{
	const int count = command_int(ctx->cmd, "count", 1);
	int err = 0;

	if (!strstr(command_str(ctx->cmd, "id"), "%d")) {
		snprintf(ctx->error, sizeof(ctx->error),
			 "field 'id': a string with %%d");
		return EINVAL;
	}

	for (int i = 0; i < count && !err; i++)
		err = phones_make_one(ctx, i);

	json_object_set_new(ctx->reply, "count", json_integer(count));
	return err;
}

static int cmd_set(struct command_ctx *ctx)
{
	struct le *le;
	int err;

	err = settings_apply(ctx, ctx->phone);
	LIST_FOREACH(&ctx->phone->calll, le) {
		struct stream *s = call_stream(le->data);

		stream_set_loss(s, ctx->phone->loss_percent);
		err |= stream_set_tone(s, ctx->phone->tone_hz,
				       ctx->phone->tone_db);
	}
	return err;
}

static int cmd_remove(struct command_ctx *ctx)
{
	return bulk_remove(ctx->phone);
}

const struct command commands_phone[] = {
	{"phone", 0, f_phone, cmd_phone, "make a phone"},
	{"phones", 0, f_phones, cmd_phones,
	 "make many; %d in id counts from first, in user and password from "
	 "user_first"},
	{"set", COMMAND_PHONE | COMMAND_MANY, f_set, cmd_set,
	 "change it: the tone at once, the rest from the next call on"},
	{"remove", COMMAND_PHONE | COMMAND_MANY, f_phone_only, cmd_remove,
	 "hang up, unregister, and forget it"},
	{NULL, 0, NULL, NULL, NULL},
};
