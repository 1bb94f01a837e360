/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
/* Random bytes: given out once, in every thread and every process. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <pthread.h>
#include <cmocka.h>
#include <re.h>
#include "proto/random.h"

enum { N = 1000 };

static int cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint64_t));
}

static void assert_all_differ(uint64_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), cmp);
	for (size_t i = 1; i < n; i++)
		assert_true(v[i - 1] != v[i]);
}

static void test_differ(void **state)
{
	uint64_t v[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		random_bytes(&v[i], sizeof(v[i]));
	assert_all_differ(v, N);
}

/* Every length fills all of its bytes, and not one more. */
static void test_lengths(void **state)
{
	uint8_t buf[1100];

	(void)state;
	for (size_t len = 0; len <= 1024; len++) {
		uint8_t seen = 0;

		for (int turn = 0; turn < 20 && (!seen || !turn); turn++) {
			memset(buf, 0, sizeof(buf));
			random_bytes(buf, len);
			seen = len ? buf[len - 1] : 1;
			for (size_t i = len; i < sizeof(buf); i++)
				assert_int_equal(buf[i], 0);
		}
		assert_int_not_equal(seen, 0);
	}
}

static void *take(void *arg)
{
	uint64_t *v = arg;

	for (size_t i = 0; i < N; i++)
		random_bytes(&v[i], sizeof(v[i]));

	return NULL;
}

static void test_threads(void **state)
{
	static uint64_t v[4 * N];
	pthread_t t[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, take, v + i * N),
				 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	assert_all_differ(v, ARRAY_SIZE(v));
}

static void test_fork(void **state)
{
	uint64_t mine, its = 0;
	int fd[2], st;
	pid_t pid;

	(void)state;
	random_bytes(&mine, sizeof(mine)); /* there is a filled buffer */
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		random_bytes(&its, sizeof(its));
		_exit(write(fd[1], &its, sizeof(its)) != sizeof(its));
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	assert_int_equal(read(fd[0], &its, sizeof(its)), sizeof(its));
	random_bytes(&mine, sizeof(mine));
	assert_true(mine != its);
	close(fd[0]);
	close(fd[1]);
}

/* libre asks OpenSSL, and OpenSSL asks us. */
static void test_openssl(void **state)
{
	uint64_t v[N];

	(void)state;
	random_serve_openssl();
	for (size_t i = 0; i < N; i++)
		v[i] = rand_u64();
	assert_all_differ(v, N);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differ),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_openssl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
