/* SPDX-License-Identifier: MIT */
/*
 * switchyard-config: checks a configuration file, or puts it into Redis,
 * where every process of the cluster finds it.
 *
 *   switchyard-config check FILE
 *   switchyard-config --redis URL apply FILE
 *
 * Exit 0: done; 1: Redis is not there or refused; 2: wrong call or file.
 */

#include <stdio.h>
#include <string.h>
#include <re.h>

#include "proto/config.h"
#include "proto/loop.h"
#include "proto/redis.h"

enum { CONNECT_MS = 5000 };

struct apply {
	const Sy__Config *conf;
	const char *url;
	struct redis *redis;
	struct loop_timer *timer;
	int status;
	bool sent;
};

static void finish(struct apply *a, int status)
{
	a->status = status;
	re_cancel();
}

static void put_handler(int err, uint64_t revision, void *arg)
{
	struct apply *a = arg;

	if (err) {
		(void)fprintf(stderr, "switchyard-config: Redis did not take "
			      "the configuration: %s\n", strerror(err));
		finish(a, 1);
		return;
	}

	(void)printf("revision %llu\n", (unsigned long long)revision);
	finish(a, 0);
}

static void state_handler(bool up, int err, void *arg)
{
	struct apply *a = arg;
	(void)err;

	if (!up || a->sent)
		return;

	a->sent = true;
	err = config_put(a->redis, a->conf, UINT64_MAX, put_handler, a);
	if (err)
		put_handler(err, 0, a);
}

static void timeout_handler(void *arg)
{
	struct apply *a = arg;

	(void)fprintf(stderr, "switchyard-config: no answer from Redis at %s "
		      "within %d s\n", a->url, CONNECT_MS / 1000);
	finish(a, 1);
}

static int apply(const char *url, const Sy__Config *conf)
{
	struct apply a = {.conf = conf, .url = url, .status = 1};
	struct loop *loop = NULL;
	int err;

	err = libre_init();
	if (err)
		return 1;

	err = loop_re_alloc(&loop);
	if (!err)
		err = redis_alloc(&a.redis, loop, url, state_handler, &a);
	if (!err)
		err = loop_timer_start(&a.timer, loop, CONNECT_MS,
				       timeout_handler, &a);
	if (!err)
		err = re_main(NULL);
	if (err)
		(void)fprintf(stderr, "switchyard-config: %s\n",
			      strerror(err));

	mem_deref(a.timer);
	mem_deref(a.redis);
	mem_deref(loop);
	libre_close();

	return a.status;
}

static int usage(FILE *f, int status)
{
	(void)fprintf(f, "usage: switchyard-config check FILE\n"
		      "       switchyard-config --redis URL apply FILE\n");
	return status;
}

int main(int argc, char **argv)
{
	const char *url = NULL, *file, *why;
	Sy__Config *conf;
	char errbuf[512];
	int i = 1, status;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage(stdout, 0);

	if (argc > 2 && !strcmp(argv[1], "--redis")) {
		url = argv[2];
		i = 3;
		if (redis_url_check(url, &why)) {
			(void)fprintf(stderr, "switchyard-config: --redis "
				      "%s: %s\n", url, why);
			return 2;
		}
	}

	if (argc != i + 2 || (strcmp(argv[i], "check") &&
			      (strcmp(argv[i], "apply") || !url)))
		return usage(stderr, 2);

	file = argv[i + 1];
	if (config_read_file(&conf, file, errbuf, sizeof(errbuf))) {
		(void)fprintf(stderr, "switchyard-config: %s\n", errbuf);
		return 2;
	}

	status = strcmp(argv[i], "apply") ? 0 : apply(url, conf);
	sy__config__free_unpacked(conf, NULL);

	return status;
}
