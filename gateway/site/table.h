/* SPDX-License-Identifier: MIT */
/* A folder in memory: names to bytes, with their compressed forms. */

#ifndef SY_GATEWAY_SITE_TABLE_H
#define SY_GATEWAY_SITE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SITE_FILES_MAX = 4096,
	SITE_FILE_BYTES_MAX = 16 << 20,
	SITE_BYTES_MAX = 128 << 20, /* all of them, with compressed forms  */
	SITE_DEPTH_MAX = 8,
	SITE_NAME_SIZE = 512,
	SITE_ETAG_SIZE = 32,
};

/* The better one first. */
enum site_coding { SITE_BR, SITE_GZIP, SITE_PLAIN, SITE_CODINGS };

/* RO once read. */
struct site_file {
	char *name;          /* "assets/index-Bx3kPq9z.js"                */
	const char *type;    /* Content-Type                              */
	bool immutable;      /* its name has a hash of what it holds      */
	struct {
		uint8_t *p;  /* NULL: there is no such form               */
		size_t len;
		char etag[SITE_ETAG_SIZE]; /* strong, with quotes         */
	} v[SITE_CODINGS];
};

struct site_table;

/**
 * Read a folder.  Of NAME, NAME.br and NAME.gz the latter two are its
 * compressed forms.  Only regular files; what begins with a dot is left out.
 *
 * @param tp      Set on success; owned by the caller.
 * @param errbuf  On error, one line: which file and why.
 *
 * @return 0, ENOENT ..., EFBIG (a limit above), ENOMEM.
 */
int site_table_read(struct site_table **tp, const char *dir, char *errbuf,
		    size_t errsize);

size_t site_table_count(const struct site_table *t);

/** @return borrowed from the table, or NULL. */
const struct site_file *site_table_find(const struct site_table *t,
					const char *name);

#endif
