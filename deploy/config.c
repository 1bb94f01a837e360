/* SPDX-License-Identifier: MIT */
/*
 * switchyard-config: checks a configuration file, or puts it into Redis,
 * where every process of the cluster finds it.
 *
 *   switchyard-config check FILE
 *   switchyard-config --redis URL [--cluster-key-file KEY] apply FILE
 *
 * Passwords of trunks are sealed under the cluster's key, which is in a file
 * or in SWITCHYARD_CLUSTER_KEY.
 *
 * Exit 0: done; 1: Redis is not there or refused; 2: wrong call or file.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "proto/config.h"
#include "proto/config_secret.h"
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/redis.h"
#include "proto/token_file.h"

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

/* --------------------------------------------------------------- secrets */

static int seal(Sy__Config *conf, const char *key_file)
{
	const char *secret = getenv("SWITCHYARD_CLUSTER_KEY");
	struct token_key *key = NULL;
	char errbuf[512];
	int err;

	if (key_file || secret) {
		err = token_file_read(&key, key_file, secret, errbuf,
				      sizeof(errbuf));
		if (err) {
			(void)fprintf(stderr, "switchyard-config: %s\n",
				      errbuf);
			return err;
		}
	}

	err = config_secret_seal(conf, key);
	if (err)
		(void)fprintf(stderr, "switchyard-config: %s\n",
			      key ? strerror(err)
				  : "passwords of trunks need "
				    "--cluster-key-file (or "
				    "SWITCHYARD_CLUSTER_KEY)");
	mem_deref(key);

	return err;
}

/* ------------------------------------------------------------------ call */

struct args {
	const char *url, *key_file, *file;
	bool apply;
};

static int usage(FILE *f, int status)
{
	(void)fprintf(f, "usage: switchyard-config check FILE\n"
		      "       switchyard-config --redis URL "
		      "[--cluster-key-file KEY] apply FILE\n");
	return status;
}

/* @return 0, or the exit status after a complaint. */
static int read_args(struct args *a, int argc, char **argv)
{
	const char *why;
	int i;

	for (i = 1; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2) {
		if (!strcmp(argv[i], "--redis"))
			a->url = argv[i + 1];
		else if (!strcmp(argv[i], "--cluster-key-file"))
			a->key_file = argv[i + 1];
		else
			return usage(stderr, 2);
	}
	if (a->url && redis_url_check(a->url, &why)) {
		(void)fprintf(stderr, "switchyard-config: --redis: "
			      "not a URL of Redis; %s\n", why);
		return 2;
	}
	if (argc != i + 2)
		return usage(stderr, 2);

	a->apply = !strcmp(argv[i], "apply");
	a->file = argv[i + 1];
	if (a->apply ? !a->url : strcmp(argv[i], "check") != 0)
		return usage(stderr, 2);

	return 0;
}

int main(int argc, char **argv)
{
	struct args a = {.apply = false};
	Sy__Config *conf;
	char errbuf[512];
	int status;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage(stdout, 0);

	status = read_args(&a, argc, argv);
	if (status)
		return status;

	if (config_read_file(&conf, a.file, errbuf, sizeof(errbuf))) {
		(void)fprintf(stderr, "switchyard-config: %s\n", errbuf);
		return 2;
	}

	if (a.apply)
		status = seal(conf, a.key_file) ? 2 : apply(a.url, conf);
	config_secret_wipe(conf);
	sy__config__free_unpacked(conf, NULL);

	return status;
}
