/* SPDX-License-Identifier: MIT */
/* What is wrong with a body: see faults.h. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/faults.h"
#include "proto/json_scalar.h"

enum { TEXT_SIZE = 512 };

/* One, its text cut up. */
struct fault {
	struct problem_field f;
	char *text;        /* owned: field and cause point into it         */
	char *name;        /* owned: the field, where text has it elsewhere */
	char *cause;       /* owned: likewise                             */
};

static const char unknown_cause[] = "is not known";

/* "unknown field "x"": the field is the one that is unknown. */
static char *unknown_field(char *cause)
{
	static const char lead[] = "unknown field \"";
	char *end;

	if (strncmp(cause, lead, sizeof(lead) - 1))
		return NULL;

	cause += sizeof(lead) - 1;
	end = strchr(cause, '"');
	if (!end)
		return NULL;
	*end = '\0';

	return cause;
}

static char *join(const char *path, const char *name)
{
	const size_t size = strlen(path) + strlen(name) + 2;
	char *s = malloc(size);

	if (s)
		(void)snprintf(s, size, "%s%s%s", path, *path ? "." : "",
			       name);

	return s;
}

static void cut(struct fault *ft)
{
	char *cause = ft->text, *colon = strstr(cause, ": "), *allowed, *name;

	ft->f = (struct problem_field){.field = ""};
	if (colon && !memchr(cause, ' ', (size_t)(colon - cause))) {
		*colon = '\0';
		ft->f.field = cause;
		cause = colon + 2;
	}
	ft->f.cause = cause;
	allowed = strstr(cause, "; allowed: ");
	if (allowed) {
		*allowed = '\0';
		ft->f.allowed = allowed + strlen("; allowed: ");
	}

	name = unknown_field(cause);
	if (!name)
		return;
	ft->name = join(ft->f.field, name);
	ft->f.field = ft->name ? ft->name : name;
	ft->f.cause = unknown_cause;
}

void faults_add(const char *text, void *arg)
{
	struct faults *fs = arg;
	struct fault *v = realloc(fs->v, (fs->n + 1) * sizeof(*v));

	fs->lost |= !v;
	if (!v)
		return;
	fs->v = v;
	v += fs->n;
	memset(v, 0, sizeof(*v));
	v->text = strdup(text);
	fs->lost |= !v->text;
	if (!v->text)
		return;
	cut(v);
	fs->n++;
}

void faults_say(struct faults *fs, const char *field, const char *cause,
		const char *allowed)
{
	char text[TEXT_SIZE];

	(void)snprintf(text, sizeof(text), "%s: %s%s%s", field, cause,
		       allowed ? "; allowed: " : "", allowed ? allowed : "");
	faults_add(text, fs);
}

/* Has it a field of that name, as JSON or the schema spells it? */
static bool has_field(const ProtobufCMessageDescriptor *d, const char *name)
{
	char buf[JSON_NAME_MAX];

	for (unsigned i = 0; i < d->n_fields; i++) {
		if (!strcmp(d->fields[i].name, name) ||
		    !strcmp(json_name(buf, &d->fields[i]), name))
			return true;
	}

	return false;
}

void faults_elsewhere(struct faults *fs, const ProtobufCMessageDescriptor *d,
		      const char *path, const char *id)
{
	static const char text[] = "is configured at ";
	const size_t size = sizeof(text) + strlen(path) + 1 + strlen(id);

	for (size_t i = 0; i < fs->n; i++) {
		struct fault *ft = &fs->v[i];

		if (ft->f.cause != unknown_cause || !has_field(d, ft->f.field))
			continue;
		ft->cause = malloc(size);
		if (!ft->cause)
			continue;
		(void)snprintf(ft->cause, size, "%s%s/%s", text, path, id);
		ft->f.cause = ft->cause;
	}
}

const struct problem_field *faults_field(const struct faults *fs, size_t i)
{
	return &fs->v[i].f;
}

void faults_reset(struct faults *fs)
{
	for (size_t i = 0; i < fs->n; i++) {
		free(fs->v[i].text);
		free(fs->v[i].name);
		free(fs->v[i].cause);
	}
	free(fs->v);
	*fs = (struct faults){.n = 0};
}

void faults_refuse(struct web_req *req, struct faults *fs)
{
	struct problem_field *v = calloc(fs->n + 1, sizeof(*v));

	if (v && fs->n) {
		for (size_t i = 0; i < fs->n; i++)
			v[i] = fs->v[i].f;
		(void)problem_fields(req, v, fs->n);
	}
	else {
		(void)problem(req, 500, "internal", "out of memory");
	}
	free(v);
	faults_reset(fs);
}
