/* SPDX-License-Identifier: MIT */
/* Requests sent again: see store_idem.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store_idem.h"

enum { KEY_SIZE = 256, ARGS_MAX = 8, PIECES = 5 };

struct taking {
	store_idem_h *h;
	void *arg;
};

/* A call of a script, as it is put together. */
struct run {
	char key[KEY_SIZE], all[KEY_SIZE];
	const char *argv[ARGS_MAX];
	size_t lenv[ARGS_MAX];
	int argc;
};

static void add(struct run *run, const char *p, size_t len)
{
	run->argv[run->argc] = p;
	run->lenv[run->argc++] = len;
}

static void add_text(struct run *run, const char *text)
{
	add(run, text, strlen(text));
}

/* Keys, then the fingerprint.  @return 0 or EINVAL. */
static int begin(struct run *run, const struct store_idem *idem)
{
	run->argc = 0;
	if (re_snprintf(run->key, KEY_SIZE, "sy:idem:{%s}:%s", idem->sender,
			idem->key) < 0 ||
	    re_snprintf(run->all, KEY_SIZE, "sy:idem:{%s}", idem->sender) < 0)
		return EINVAL;

	add_text(run, run->key);
	add_text(run, run->all);
	add_text(run, idem->mark);

	return 0;
}

/* ------------------------------------------------------------------ take */

static const char *text(const redisReply *r)
{
	return r->type == REDIS_REPLY_STRING ? r->str : "";
}

static enum store_idem_out read_out(const redisReply *reply,
				    struct store_idem_answer *ans)
{
	static const char *const wordv[] = {
	    [STORE_IDEM_NEW] = "new",
	    [STORE_IDEM_OTHER] = "other",
	    [STORE_IDEM_RUNNING] = "running",
	    [STORE_IDEM_UNKNOWN] = "unknown",
	};
	const char *word = text(reply->element[0]);

	for (size_t i = 0; i < ARRAY_SIZE(wordv); i++) {
		if (!strcmp(word, wordv[i]))
			return (enum store_idem_out)i;
	}
	if (reply->elements < PIECES)
		return STORE_IDEM_UNKNOWN;

	ans->status = (unsigned)strtoul(text(reply->element[1]), NULL, 10);
	ans->type = text(reply->element[2]);
	ans->location = text(reply->element[3]);
	ans->body = text(reply->element[4]);
	ans->len = reply->element[4]->len;

	return STORE_IDEM_DONE;
}

static void take_handler(int err, const redisReply *reply, void *arg)
{
	struct store_idem_answer ans = {.status = 0};
	enum store_idem_out out = STORE_IDEM_UNKNOWN;
	struct taking *tk = arg;

	if (!err && (reply->type != REDIS_REPLY_ARRAY || !reply->elements))
		err = EBADMSG;
	if (!err)
		out = read_out(reply, &ans);
	tk->h(err, out, &ans, tk->arg);
	mem_deref(tk);
}

int store_idem_take(struct redis *r, const struct store_idem *idem,
		    store_idem_h *h, void *arg)
{
	char run_ms[16], ttl_ms[16], max[16];
	struct taking *tk;
	struct run run;
	int err;

	if (!r || !idem || !h)
		return EINVAL;

	err = begin(&run, idem);
	if (err)
		return err;

	tk = mem_zalloc(sizeof(*tk), NULL);
	if (!tk)
		return ENOMEM;

	tk->h = h;
	tk->arg = arg;
	(void)re_snprintf(run_ms, sizeof(run_ms), "%d", STORE_IDEM_RUN_MS);
	(void)re_snprintf(ttl_ms, sizeof(ttl_ms), "%d",
			  STORE_IDEM_TTL_S * 1000);
	(void)re_snprintf(max, sizeof(max), "%d", STORE_IDEM_MAX);
	add_text(&run, run_ms);
	add_text(&run, ttl_ms);
	add_text(&run, max);
	err = script_run_owned(r, SCRIPT_IDEM_TAKE, 0, take_handler, tk, 2,
			       run.argc, run.argv, run.lenv);
	if (err)
		mem_deref(tk);

	return err;
}

/* ------------------------------------------------------------------- put */

static int put(struct redis *r, struct run *run)
{
	return script_run(r, SCRIPT_IDEM_PUT, 0, NULL, NULL, 2, run->argc,
			  run->argv, run->lenv);
}

int store_idem_put(struct redis *r, const struct store_idem *idem,
		   const struct store_idem_answer *ans)
{
	char status[16];
	struct run run;
	int err;

	if (!r || !idem || !ans)
		return EINVAL;

	err = begin(&run, idem);
	if (err)
		return err;

	(void)re_snprintf(status, sizeof(status), "%u", ans->status);
	add_text(&run, status);
	add_text(&run, ans->type);
	add_text(&run, ans->location);
	add(&run, ans->body, ans->len);

	return put(r, &run);
}

int store_idem_drop(struct redis *r, const struct store_idem *idem)
{
	struct run run;

	if (!r || !idem || begin(&run, idem))
		return EINVAL;

	return put(r, &run);
}

int store_idem_lose(struct redis *r, const struct store_idem *idem)
{
	struct run run;

	if (!r || !idem || begin(&run, idem))
		return EINVAL;

	add_text(&run, "unknown");

	return put(r, &run);
}
