/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "proto/token_file.h"

enum { SECRET_MAX = 4096 };

static int read_file(char *buf, size_t *np, const char *path)
{
	FILE *f = fopen(path, "re");
	size_t n;
	int err;

	if (!f)
		return errno;
	(void)setvbuf(f, NULL, _IONBF, 0);
	n = fread(buf, 1, SECRET_MAX, f);
	err = ferror(f) ? EIO : 0;
	(void)fclose(f);
	while (n && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		--n;
	*np = n;

	return err;
}

int token_file_read(struct token_key **kp, const char *path,
		    const char *secret, char *errbuf, size_t errsize)
{
	const bool file = path && *path;
	char buf[SECRET_MAX];
	size_t n = secret && !file ? strlen(secret) : 0;
	int err = 0;

	if (file) {
		err = read_file(buf, &n, path);
		secret = buf;
	}
	if (!err)
		err = token_key_alloc(kp, secret, n);
	explicit_bzero(buf, sizeof(buf));
	if (err)
		(void)snprintf(errbuf, errsize, "%s: %s",
			       file ? path : "SWITCHYARD_CLUSTER_KEY",
			       err == EINVAL ? "at least 16 bytes are wanted"
					     : strerror(err));

	return err;
}
