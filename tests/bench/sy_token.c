/* SPDX-License-Identifier: MIT */
/*
 * Prints a NODE token: the Route that lets a load generator send through a
 * router to anywhere, as a node does.
 *
 *   sy-token --key-file FILE [--hub ULID] [--leg N] [--epoch N]
 *            [--instance N]
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "proto/token.h"

static int complain(const char *what, const char *why)
{
	(void)fprintf(stderr, "sy-token: %s: %s\n", what, why);

	return 2;
}

static size_t read_secret(char *buf, size_t size, const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return 0;
	n = fread(buf, 1, size, f);
	(void)fclose(f);
	while (n && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		--n;

	return n;
}

static bool number(uint32_t *np, const char *str)
{
	char *end;
	unsigned long n = strtoul(str, &end, 10);

	*np = (uint32_t)n;

	return *str && !*end && n <= UINT32_MAX;
}

int main(int argc, char **argv)
{
	struct token tok = {.kind = TOKEN_NODE, .leg = 1, .epoch = 1,
			    .instance = 1};
	const char *file = NULL, *hub = NULL;
	char secret[4096], id[ULID_LEN + 1], str[TOKEN_LEN];
	struct token_key *key;
	size_t n;

	for (int i = 1; i < argc; i += 2) {
		const char *name = argv[i], *val = argv[i + 1];
		bool ok = val;

		if (ok && !strcmp(name, "--key-file"))
			file = val;
		else if (ok && !strcmp(name, "--hub"))
			hub = val;
		else if (ok && !strcmp(name, "--leg"))
			ok = number(&tok.leg, val);
		else if (ok && !strcmp(name, "--epoch"))
			ok = number(&tok.epoch, val);
		else if (ok && !strcmp(name, "--instance"))
			ok = number(&tok.instance, val);
		else
			ok = false;
		if (!ok)
			return complain(name,
					"--key-file FILE [--hub ULID] "
					"[--leg N] [--epoch N] "
					"[--instance N]");
	}
	if (!file)
		return complain("--key-file", "is needed");
	n = read_secret(secret, sizeof(secret), file);
	if (token_key_alloc(&key, secret, n))
		return complain(file, "no secret of 16 bytes or more");
	if (!hub) {
		ulid_make(id);
		hub = id;
	}
	if (ulid_read(tok.hub, hub, strlen(hub)))
		return complain("--hub", "a ULID is wanted");

	token_print(str, key, &tok, NULL, 0);
	(void)printf("%.*s\n", TOKEN_LEN, str);
	mem_deref(key);

	return 0;
}
