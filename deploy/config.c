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

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <re.h>

#include "proto/config.h"
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/redis.h"

enum { CONNECT_MS = 5000, LOOK_MS = 50 };

struct apply {
	const Sy__Config *conf;
	const char *url;
	struct redis *redis;
	struct loop *loop;
	struct loop_timer *timer;
	uint32_t waited_ms;
	int status;
	bool sent;
};

/* Where Redis is, without the user, password and options in its URL. */
static void print_place(char *buf, size_t size, const char *url)
{
	const char *head = strstr(url, "://");
	const size_t skip = head ? (size_t)(head - url) + 3 : 0;
	const char *rest = url + skip, *at = strrchr(rest, '@');

	if (at)
		rest = at + 1;
	(void)snprintf(buf, size, "%.*s%.*s", (int)skip, url,
		       (int)strcspn(rest, "?"), rest);
}

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

static void look_later(struct apply *a);

/* It may be about to start; but what it refuses now it refuses later. */
static void look_handler(void *arg)
{
	struct apply *a = arg;
	const int err = redis_error(a->redis);
	const bool refused = err == EACCES || err == EKEYREJECTED;
	char place[256];

	a->waited_ms += LOOK_MS;
	if (!refused && a->waited_ms < CONNECT_MS) {
		look_later(a);
		return;
	}

	print_place(place, sizeof(place), a->url);
	if (refused)
		(void)fprintf(stderr, "switchyard-config: Redis at %s: %s\n",
			      place, err == EACCES ?
			      "wrong user or password" :
			      "its certificate does not prove who it is");
	else
		(void)fprintf(stderr, "switchyard-config: no answer from "
			      "Redis at %s within %d s: %s\n", place,
			      CONNECT_MS / 1000,
			      strerror(err ? err : ETIMEDOUT));
	finish(a, 1);
}

static void look_later(struct apply *a)
{
	a->timer = mem_deref(a->timer);
	if (loop_timer_start(&a->timer, a->loop, LOOK_MS, look_handler, a))
		finish(a, 1);
}

static int apply(const char *url, const Sy__Config *conf)
{
	/* What is wrong is told once, and by us. */
	const struct log_conf quiet = {.level = LOG_L_ERROR,
				       .proc = "switchyard-config"};
	struct apply a = {.conf = conf, .url = url, .status = 1};
	int err;

	err = libre_init();
	if (err)
		return 1;

	log_init(&quiet);
	err = loop_re_alloc(&a.loop);
	if (!err)
		err = redis_alloc(&a.redis, a.loop, url, state_handler, &a);
	if (!err)
		err = loop_timer_start(&a.timer, a.loop, LOOK_MS,
				       look_handler, &a);
	if (!err)
		err = re_main(NULL);
	if (err)
		(void)fprintf(stderr, "switchyard-config: %s\n",
			      strerror(err));

	mem_deref(a.timer);
	mem_deref(a.redis);
	mem_deref(a.loop);
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
			(void)fprintf(stderr, "switchyard-config: --redis: "
				      "not a URL of Redis; %s\n", why);
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
