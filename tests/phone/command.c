/* SPDX-License-Identifier: MIT */
/* Commands: checked against their table and handed on; see command.h. */

#include <stdlib.h>
#include <string.h>
#include "tests/phone/command.h"

static const struct command *const tables[] = {commands_phone, commands_farm,
					      commands_call, commands_tone};

/* ----------------------------------------------------------------- fields */

const char *command_str(const json_t *cmd, const char *name)
{
	return json_string_value(json_object_get(cmd, name));
}

int command_int(const json_t *cmd, const char *name, int def)
{
	const json_t *v = json_object_get(cmd, name);

	return v ? (int)json_integer_value(v) : def;
}

double command_num(const json_t *cmd, const char *name, double def)
{
	const json_t *v = json_object_get(cmd, name);

	return v ? json_number_value(v) : def;
}

bool command_bool(const json_t *cmd, const char *name, bool def)
{
	const json_t *v = json_object_get(cmd, name);

	return v ? json_is_true(v) : def;
}

int command_hostport(struct command_ctx *ctx, const char *name, char **textp)
{
	const char *s = command_str(ctx->cmd, name);

	*textp = NULL;
	if (!s || !s[0])
		return 0;
	if (!phone_hostport(textp, s))
		return 0;

	snprintf(ctx->error, sizeof(ctx->error),
		 "field '%s': \"host:port\" of a known host", name);
	return EINVAL;
}

enum sip_transp command_transport(const json_t *cmd, enum sip_transp def)
{
	const char *s = command_str(cmd, "transport");

	return !s ? def : strcmp(s, "tcp") ? SIP_TRANSP_UDP : SIP_TRANSP_TCP;
}

bool command_match(const char *pattern, const char *id)
{
	const size_t n = str_len(pattern);

	if (n && pattern[n - 1] == '*')
		return !strncmp(pattern, id, n - 1);

	return !str_cmp(pattern, id);
}

/* One of the words of "a|b|c". */
static bool word_in(const char *allowed, const char *word)
{
	const size_t n = str_len(word);

	while (allowed) {
		const char *bar = strchr(allowed, '|');
		const size_t l = bar ? (size_t)(bar - allowed)
				     : strlen(allowed);

		if (n && l == n && !strncmp(allowed, word, n))
			return true;
		allowed = bar ? bar + 1 : NULL;
	}

	return false;
}

static bool num_ok(const struct field *f, const json_t *v)
{
	return json_is_number(v) && json_number_value(v) >= f->min &&
	       json_number_value(v) <= f->max;
}

static bool answer_ok(const char *s)
{
	if (!s)
		return false;
	if (!strncmp(s, "reject:", 7))
		return atoi(s + 7) >= 400 && atoi(s + 7) < 700;

	return word_in("auto|manual", s);
}

static bool item_ok(const struct field *f, const json_t *v)
{
	switch (f->type) {

	case FIELD_CODECS:
		return json_is_string(v) &&
		       codec_find(json_string_value(v)) != CODEC_NONE;

	case FIELD_WORDS:
		return word_in(f->allowed, json_string_value(v));

	default:
		return json_is_integer(v) && num_ok(f, v);
	}
}

static bool list_ok(const struct field *f, const json_t *v)
{
	const size_t max = f->type == FIELD_CODECS ? DESC_CODECS_MAX : 64;

	if (!json_is_array(v) || !json_array_size(v) ||
	    json_array_size(v) > max)
		return false;

	for (size_t i = 0; i < json_array_size(v); i++)
		if (!item_ok(f, json_array_get(v, i)))
			return false;

	return true;
}

static bool value_ok(const struct field *f, const json_t *v)
{
	switch (f->type) {

	case FIELD_STR:
		return json_is_string(v);

	case FIELD_INT:
		return json_is_integer(v) && num_ok(f, v);

	case FIELD_NUM:
		return num_ok(f, v);

	case FIELD_BOOL:
		return json_is_boolean(v);

	case FIELD_ENUM:
		return word_in(f->allowed, json_string_value(v));

	case FIELD_ANSWER:
		return answer_ok(json_string_value(v));

	default:
		return list_ok(f, v);
	}
}

static void allowed_print(char *buf, size_t size, const struct field *f)
{
	static const char codecs[] = "PCMU, PCMA, G722, opus, L16, L16/16000";

	switch (f->type) {

	case FIELD_STR:
		str_ncpy(buf, "a string", size);
		break;

	case FIELD_INT:
		snprintf(buf, size, "%g to %g", f->min, f->max);
		break;

	case FIELD_NUM:
		snprintf(buf, size, "a number, %g to %g", f->min, f->max);
		break;

	case FIELD_BOOL:
		str_ncpy(buf, "true or false", size);
		break;

	case FIELD_ENUM:
		snprintf(buf, size, "one of %s", f->allowed);
		break;

	case FIELD_CODECS:
		snprintf(buf, size, "a list of %s", codecs);
		break;

	case FIELD_WORDS:
		snprintf(buf, size, "a list of %s", f->allowed);
		break;

	case FIELD_NUMS:
		snprintf(buf, size, "a list of %g to %g", f->min, f->max);
		break;

	case FIELD_ANSWER:
		str_ncpy(buf, "auto, manual or reject:CODE (400-699)", size);
		break;
	}
}

static const struct field *field_find(const struct command *c,
				      const char *name)
{
	for (const struct field *f = c->fields; f->name; f++)
		if (!strcmp(f->name, name))
			return f;

	return NULL;
}

static void names_print(char *buf, size_t size, const struct command *c)
{
	size_t n = 0;

	buf[0] = 0;
	for (const struct field *f = c->fields; f->name && n < size; f++)
		n += snprintf(buf + n, size - n, "%s%s", n ? ", " : "",
			      f->name);
}

static int fields_check(struct command_ctx *ctx, const struct command *c)
{
	const char *key;
	json_t *v;
	char text[192];

	json_object_foreach((json_t *)ctx->cmd, key, v) {
		const struct field *f = field_find(c, key);

		if (!strcmp(key, "cmd") || (!f && (c->flags & COMMAND_ANY)))
			continue;

		if (!f) {
			names_print(text, sizeof(text), c);
			snprintf(ctx->error, sizeof(ctx->error),
				 "unknown field '%s' (allowed: %s)", key,
				 text);
			return EINVAL;
		}
		if (!value_ok(f, v)) {
			allowed_print(text, sizeof(text), f);
			snprintf(ctx->error, sizeof(ctx->error),
				 "field '%s': %s", key, text);
			return EINVAL;
		}
	}

	for (const struct field *f = c->fields; f->name; f++) {
		if (!f->must || json_object_get(ctx->cmd, f->name))
			continue;
		allowed_print(text, sizeof(text), f);
		snprintf(ctx->error, sizeof(ctx->error),
			 "field '%s' is missing: %s", f->name, text);
		return EINVAL;
	}

	return 0;
}

/* --------------------------------------------------------------- dispatch */

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(tables); i++)
		for (const struct command *c = tables[i]; c->name; c++)
			if (!strcmp(c->name, name))
				return c;

	return NULL;
}

static int handle(struct command_ctx *ctx, const struct command *c)
{
	const int err = c->h(ctx);

	if (err && !ctx->error[0])
		snprintf(ctx->error, sizeof(ctx->error), "%s", strerror(err));

	return err;
}

static int run_many(struct command_ctx *ctx, const struct command *c,
		    const char *pattern)
{
	struct le *le = list_head(&ctx->farm->phonel);
	unsigned n = 0;
	int err = 0;

	while (le && !err) {
		struct phone *p = le->data;

		le = le->next;
		if (!command_match(pattern, p->id))
			continue;

		ctx->phone = p;
		err = handle(ctx, c);
		++n;
	}

	json_object_set_new(ctx->reply, "count", json_integer(n));
	return err;
}

static int dispatch(struct command_ctx *ctx, const struct command *c)
{
	const char *id = command_str(ctx->cmd, "phone");

	if (!(c->flags & COMMAND_PHONE))
		return handle(ctx, c);

	if ((c->flags & COMMAND_MANY) && strchr(id, '*'))
		return c->flags & COMMAND_ONCE ? handle(ctx, c)
					       : run_many(ctx, c, id);

	ctx->phone = farm_find(ctx->farm, id);
	if (!ctx->phone) {
		snprintf(ctx->error, sizeof(ctx->error),
			 "field 'phone': there is no phone '%s'", id);
		return ENOENT;
	}

	return handle(ctx, c);
}

static void reply(struct command_ctx *ctx, const char *name, int err)
{
	json_t *ev = json_pack("{s:s s:s?}", "event", err ? "error" : "ok",
			       "cmd", name);
	const char *id = command_str(ctx->cmd, "phone");

	if (id)
		json_object_set_new(ev, "phone", json_string(id));
	if (err)
		json_object_set_new(ev, "error", json_string(ctx->error));
	else
		json_object_update(ev, ctx->reply);

	events_put(ctx->farm->events, ev);
}

void command_run(struct farm *farm, const char *line)
{
	struct command_ctx ctx = {.farm = farm};
	const struct command *c = NULL;
	json_error_t jerr;
	const char *name;
	json_t *cmd;
	int err = EINVAL;

	cmd = json_loads(line, 0, &jerr);
	ctx.cmd = cmd;
	ctx.reply = json_object();
	name = command_str(cmd, "cmd");

	if (!json_is_object(cmd))
		snprintf(ctx.error, sizeof(ctx.error), "not a JSON object: %s",
			 cmd ? "another value" : jerr.text);
	else if (!name)
		snprintf(ctx.error, sizeof(ctx.error),
			 "field 'cmd' is missing: the name of a command");
	else if (!(c = command_find(name)))
		snprintf(ctx.error, sizeof(ctx.error),
			 "field 'cmd': there is no command '%s' (see --help)",
			 name);
	else
		err = fields_check(&ctx, c);

	if (!err)
		err = dispatch(&ctx, c);

	reply(&ctx, name, err);
	json_decref(ctx.reply);
	json_decref(cmd);
}

void command_help(FILE *f)
{
	char text[192];

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		for (const struct command *c = tables[i]; c->name; c++) {
			fprintf(f, "\n%s: %s\n", c->name, c->help);
			for (const struct field *fd = c->fields; fd->name;
			     fd++) {
				allowed_print(text, sizeof(text), fd);
				fprintf(f, "    %-16s %s%s%s%s\n", fd->name,
					fd->must ? "(must) " : "", text,
					fd->help ? "; " : "",
					fd->help ? fd->help : "");
			}
		}
	}
}
