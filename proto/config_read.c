/* SPDX-License-Identifier: MIT */
/*
 * A configuration from its JSON file.  Passwords leave memory here: those of
 * the text, of the JSON tree and of the message are wiped once the HA1s are
 * made, on error too.  Only those of trunks go on, in the message, to who
 * seals them (config_secret.h).
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/config.h"
#include "proto/config_check.h"
#include "proto/config_secret.h"
#include "proto/json.h"

enum {
	FILE_MAX_BYTES = 64 << 20,
	CHUNK_BYTES = 64 << 10,
	REASON_MAX_BYTES = 1024,
};

static void wipe_section(json_t *j, const char *section)
{
	json_t *records = json_object_get(j, section);
	size_t i;

	for (i = 0; i < json_array_size(records); i++) {
		json_t *pw = json_object_get(json_array_get(records, i),
					     "password");

		if (json_is_string(pw))
			explicit_bzero((char *)json_string_value(pw),
				       json_string_length(pw));
	}
}

static void wipe_tree(json_t *j)
{
	wipe_section(j, "devices");
	wipe_section(j, "trunks");
}

static int order_cmp(const void *a, const void *b)
{
	const Sy__Route *x = *(Sy__Route *const *)a;
	const Sy__Route *y = *(Sy__Route *const *)b;

	return x->order < y->order ? -1 : x->order > y->order;
}

static void sort_routes(Sy__Config *conf)
{
	if (conf->n_routes)
		qsort(conf->routes, conf->n_routes, sizeof(conf->routes[0]),
		      order_cmp);
}

static int read_tree(Sy__Config **cp, const json_t *j, char *reason,
		     size_t size)
{
	ProtobufCMessage *msg = NULL;
	Sy__Config *conf;
	int err;

	err = json_to_message(&msg, &sy__config__descriptor, j, reason, size);
	if (err)
		return err;

	conf = (Sy__Config *)msg;
	err = config_check(conf, reason, size);
	if (!err) {
		err = config_secret_hash(conf);
		if (err)
			(void)snprintf(reason, size, "%s", strerror(err));
	}

	if (err) {
		config_secret_wipe(conf);
		sy__config__free_unpacked(conf, NULL);
	} else {
		sort_routes(conf);
		*cp = conf;
	}

	return err;
}

int config_read(Sy__Config **cp, const char *name, const char *json,
		size_t len, char *errbuf, size_t errsize)
{
	char reason[REASON_MAX_BYTES] = "";
	json_error_t e;
	json_t *j;
	int err;

	if (!cp || !json)
		return EINVAL;

	j = json_loadb(json, len, JSON_REJECT_DUPLICATES, &e);
	if (j) {
		err = read_tree(cp, j, reason, sizeof(reason));
		wipe_tree(j);
		json_decref(j);
	} else {
		err = EBADMSG;
		(void)snprintf(reason, sizeof(reason), "line %d, column %d: "
			       "not JSON: %s", e.line, e.column, e.text);
	}

	if (err && errbuf && errsize)
		(void)snprintf(errbuf, errsize, "%s: %s",
			       name ? name : "configuration", reason);

	return err;
}

/* @param textp  Owned by the caller; @param lenp  [bytes]. */
static int read_all(char **textp, size_t *lenp, FILE *f)
{
	size_t len = 0, size = 0, n;
	char *text = NULL, *more;

	for (;;) {
		if (len + CHUNK_BYTES > size) {
			/* Not realloc(): what it leaves behind would
			 * hold passwords. */
			size = 2 * size + CHUNK_BYTES;
			more = malloc(size);
			if (!more)
				break;
			if (text) {
				memcpy(more, text, len);
				explicit_bzero(text, len);
				free(text);
			}
			text = more;
		}
		n = fread(text + len, 1, CHUNK_BYTES, f);
		len += n;
		if (!n && !ferror(f)) {
			*textp = text;
			*lenp = len;
			return 0;
		}
		if (!n || len > FILE_MAX_BYTES)
			break;
	}

	if (text)
		explicit_bzero(text, len);
	free(text);

	return ferror(f) ? EIO : len > FILE_MAX_BYTES ? EFBIG : ENOMEM;
}

int config_read_file(Sy__Config **cp, const char *path, char *errbuf,
		     size_t errsize)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f;
	int err;

	if (!cp || !path)
		return EINVAL;

	f = fopen(path, "re");
	err = f ? 0 : errno;
	if (f) {
		(void)setvbuf(f, NULL, _IONBF, 0);
		errno = 0;
		err = read_all(&text, &len, f);
		if (err == EIO && errno)
			err = errno; /* EISDIR */
		(void)fclose(f);
	}
	if (err) {
		if (errbuf && errsize)
			(void)snprintf(errbuf, errsize, "%s: %s", path,
				       strerror(err));
		return err;
	}

	err = config_read(cp, path, text, len, errbuf, errsize);
	explicit_bzero(text, len);
	free(text);

	return err;
}
