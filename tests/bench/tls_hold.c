/* SPDX-License-Identifier: MIT */
/*
 * Opens TLS connections one after another, tells it by one JSON object, and
 * holds them idle until its input ends.  They come from some addresses in
 * turn, since a server may allow one address few.
 *
 *   tls-hold IP:PORT COUNT
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/ssl.h>
#include "tests/bench/load_end.h"

enum { SOURCES = 16 };

static int open_socket(const struct sockaddr_in *to, unsigned i)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i % SOURCES);
	if (fd >= 0 && (bind(fd, (void *)&from, sizeof(from)) ||
			connect(fd, (void *)to, sizeof(*to)))) {
		close(fd);
		return -1;
	}

	return fd;
}

static int open_tls(SSL_CTX *ctx, const struct sockaddr_in *to, unsigned i)
{
	const int fd = open_socket(to, i);
	SSL *ssl = fd < 0 ? NULL : SSL_new(ctx);

	return ssl && SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1 ? 0
									: -1;
}

int main(int argc, char **argv)
{
	const unsigned count = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	struct sockaddr_in to;
	uint64_t start;
	unsigned n = 0;

	if (!count || load_address(&to, argv[1])) {
		fprintf(stderr, "usage: tls-hold IP:PORT COUNT\n");
		return 2;
	}
	start = load_now_us();
	while (ctx && n < count && !open_tls(ctx, &to, n))
		++n;
	printf("{\"open\":%u,\"seconds\":%.3f}\n", n,
	       (double)(load_now_us() - start) / 1e6);
	fflush(stdout);
	if (n < count)
		return 1;
	while (getchar() != EOF)
		;

	return 0;
}
