/* SPDX-License-Identifier: MIT */
/* What is wrong with a body: see faults.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/faults.h"

/* One, its text cut up. */
struct fault {
	struct problem_field f;
	char *text;        /* owned: field and cause point into it         */
	char *name;        /* owned: the field, where text has it elsewhere */
};

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
	ft->f.cause = "is not known";
}

void faults_add(const char *text, void *arg)
{
	struct faults *fs = arg;
	struct fault *v = realloc(fs->v, (fs->n + 1) * sizeof(*v));

	if (!v)
		return;
	fs->v = v;
	v += fs->n;
	memset(v, 0, sizeof(*v));
	v->text = strdup(text);
	if (!v->text)
		return;
	cut(v);
	fs->n++;
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
	}
	free(fs->v);
	*fs = (struct faults){NULL, 0};
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
