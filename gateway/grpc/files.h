/* SPDX-License-Identifier: MIT */
/* The schema as files, for who asks by name: see proto/services.h. */

#ifndef SY_GATEWAY_GRPC_FILES_H
#define SY_GATEWAY_GRPC_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct files;

/** One file; borrowed of the files. */
struct file {
	const char *name;
	const uint8_t *p;    /* packed FileDescriptorProto */
	size_t len;
};

/**
 * Read the schema that was built in.
 *
 * @param fp  Owned by the caller (mem_deref).
 *
 * @return 0, ENOMEM, EBADMSG (it is broken).
 */
int files_alloc(struct files **fp);

/** The index of a file of that name; -1: there is none. */
int files_find(const struct files *f, const char *name);

/** The index of the file that has a symbol: the full name of a message, an
 * enum, a service, a method ...; -1: none has. */
int files_find_symbol(const struct files *f, const char *symbol);

/** A file by its index. */
void files_get(const struct files *f, int index, struct file *file);

/**
 * A file and all that it imports, those first.
 *
 * @param indexv  Room for files_count().
 *
 * @return how many.
 */
size_t files_with_imports(const struct files *f, int index, int *indexv);

size_t files_count(const struct files *f);

/** Names of services, full; i from 0. @return NULL: no more. */
const char *files_service(const struct files *f, size_t i);

bool files_has_service(const struct files *f, const char *name);

#endif
