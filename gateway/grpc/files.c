/* SPDX-License-Identifier: MIT */
/* The schema, searched: see files.h.  A few dozen files' worth of names, asked
 * for by people who look around: no index but the list of services. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <re.h>
#include <google/protobuf/descriptor.pb-c.h>

#include "gateway/grpc/files.h"
#include "proto/services.h"

typedef Google__Protobuf__FileDescriptorSet set_t;
typedef Google__Protobuf__FileDescriptorProto file_t;
typedef Google__Protobuf__DescriptorProto message_t;

enum { FILES_MAX = 32, SERVICES_MAX = 64, NAME_SIZE = 128 };

struct files {
	set_t *set;
	struct file filev[FILES_MAX];
	char servicev[SERVICES_MAX][NAME_SIZE];
	size_t services;
};

static void destructor(void *arg)
{
	struct files *f = arg;

	if (f->set)
		google__protobuf__file_descriptor_set__free_unpacked(f->set,
								     NULL);
}

/* The files' own bytes, as they lie in the set: field 1, one by one. */
static int slice(struct files *f)
{
	const uint8_t *p = service_descriptors;
	const uint8_t *end = p + service_descriptors_size;

	for (size_t i = 0; i < f->set->n_file; i++) {
		size_t len = 0;
		unsigned shift = 0;

		if (p >= end || *p++ != (1 << 3 | 2))
			return EBADMSG;
		do {
			if (p >= end || shift > 28)
				return EBADMSG;
			len |= (size_t)(*p & 0x7f) << shift;
			shift += 7;
		} while (*p++ & 0x80);
		if (len > (size_t)(end - p))
			return EBADMSG;

		f->filev[i] = (struct file){f->set->file[i]->name, p, len};
		p += len;
	}

	return 0;
}

static int list_services(struct files *f)
{
	for (size_t i = 0; i < f->set->n_file; i++) {
		const file_t *file = f->set->file[i];

		for (size_t k = 0; k < file->n_service; k++) {
			if (f->services == SERVICES_MAX)
				return EBADMSG;
			(void)snprintf(f->servicev[f->services++], NAME_SIZE,
				       "%s.%s", file->package,
				       file->service[k]->name);
		}
	}

	return 0;
}

int files_alloc(struct files **fp)
{
	struct files *f;
	int err = 0;

	f = mem_zalloc(sizeof(*f), destructor);
	if (!f)
		return ENOMEM;

	f->set = google__protobuf__file_descriptor_set__unpack(
		NULL, service_descriptors_size, service_descriptors);
	if (!f->set || f->set->n_file > FILES_MAX)
		err = EBADMSG;
	if (!err)
		err = slice(f);
	if (!err)
		err = list_services(f);
	if (err)
		mem_deref(f);
	else
		*fp = f;

	return err;
}

int files_find(const struct files *f, const char *name)
{
	for (size_t i = 0; i < f->set->n_file; i++) {
		if (!strcmp(f->filev[i].name, name))
			return (int)i;
	}

	return -1;
}

/* ----------------------------------------------------------------- symbols */

/* What follows "name." in a symbol; "" when it is the name itself; NULL: it is
 * another one. */
static const char *after(const char *symbol, const char *name)
{
	size_t len = name ? strlen(name) : 0;

	if (!len || strncmp(symbol, name, len))
		return NULL;
	if (!symbol[len])
		return "";

	return symbol[len] == '.' && symbol[len + 1] ? symbol + len + 1 : NULL;
}

static bool in_message(const message_t *m, const char *symbol)
{
	const char *rest = after(symbol, m->name);

	if (!rest || !*rest)
		return rest != NULL;
	for (size_t i = 0; i < m->n_field; i++) {
		if (!strcmp(m->field[i]->name, rest))
			return true;
	}
	for (size_t i = 0; i < m->n_enum_type; i++) {
		if (!strcmp(m->enum_type[i]->name, rest))
			return true;
	}
	for (size_t i = 0; i < m->n_nested_type; i++) {
		if (in_message(m->nested_type[i], rest))
			return true;
	}

	return false;
}

static bool in_service(const Google__Protobuf__ServiceDescriptorProto *s,
		       const char *symbol)
{
	const char *rest = after(symbol, s->name);

	for (size_t i = 0; rest && *rest && i < s->n_method; i++) {
		if (!strcmp(s->method[i]->name, rest))
			return true;
	}

	return rest && !*rest;
}

static bool in_enum(const Google__Protobuf__EnumDescriptorProto *e,
		    const char *symbol)
{
	/* Values are named beside their enum, not within. */
	for (size_t i = 0; i < e->n_value; i++) {
		if (!strcmp(e->value[i]->name, symbol))
			return true;
	}

	return !strcmp(e->name, symbol);
}

static bool in_file(const file_t *file, const char *symbol)
{
	bool found = false;

	symbol = after(symbol, file->package);
	if (!symbol || !*symbol)
		return false;

	for (size_t i = 0; i < file->n_message_type && !found; i++)
		found = in_message(file->message_type[i], symbol);
	for (size_t i = 0; i < file->n_enum_type && !found; i++)
		found = in_enum(file->enum_type[i], symbol);
	for (size_t i = 0; i < file->n_service && !found; i++)
		found = in_service(file->service[i], symbol);

	return found;
}

int files_find_symbol(const struct files *f, const char *symbol)
{
	for (size_t i = 0; i < f->set->n_file; i++) {
		if (in_file(f->set->file[i], symbol))
			return (int)i;
	}

	return -1;
}

void files_get(const struct files *f, int index, struct file *file)
{
	*file = f->filev[index];
}

/* ----------------------------------------------------------------- imports */

static size_t add(const struct files *f, int index, int *indexv, size_t n)
{
	const file_t *file = f->set->file[index];

	for (size_t i = 0; i < n; i++) {
		if (indexv[i] == index)
			return n;
	}
	for (size_t i = 0; i < file->n_dependency; i++) {
		int needed = files_find(f, file->dependency[i]);

		if (needed >= 0)
			n = add(f, needed, indexv, n);
	}
	indexv[n++] = index;

	return n;
}

size_t files_with_imports(const struct files *f, int index, int *indexv)
{
	return add(f, index, indexv, 0);
}

size_t files_count(const struct files *f)
{
	return f->set->n_file;
}

/* ---------------------------------------------------------------- services */

const char *files_service(const struct files *f, size_t i)
{
	return i < f->services ? f->servicev[i] : NULL;
}

bool files_has_service(const struct files *f, const char *name)
{
	for (size_t i = 0; i < f->services; i++) {
		if (!strcmp(f->servicev[i], name))
			return true;
	}

	return false;
}
