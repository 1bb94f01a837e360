/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <openssl/sha.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/script_texts.h"

static const char *const names[SCRIPT_COUNT] = {
	[SCRIPT_MEMBER_BEAT] = "member_beat",
	[SCRIPT_MEMBER_LIST] = "member_list",
	[SCRIPT_MEMBER_LEAVE] = "member_leave",
	[SCRIPT_MEMBER_DIED] = "member_died",
	[SCRIPT_MEMBER_EXPIRED] = "member_expired",
	[SCRIPT_PLACE_CALL] = "place_call",
	[SCRIPT_PLACE_DROP] = "place_drop",
	[SCRIPT_HUB_PUT] = "hub_put",
	[SCRIPT_HUB_DROP] = "hub_drop",
	[SCRIPT_HUB_CLAIM] = "hub_claim",
	[SCRIPT_REG_PUT] = "reg_put",
	[SCRIPT_REG_GET] = "reg_get",
	[SCRIPT_REG_AGAIN] = "reg_again",
	[SCRIPT_REG_LAPSE] = "reg_lapse",
	[SCRIPT_CONFIG_PUT] = "config_put",
	[SCRIPT_CONFIG_GET] = "config_get",
	[SCRIPT_CONFIG_ITEM_PUT] = "config_item_put",
	[SCRIPT_QUALITY_PUT] = "quality_put",
	[SCRIPT_CDR_PUT] = "cdr_put",
	[SCRIPT_LIMIT_TAKE] = "limit_take",
	[SCRIPT_LEASE] = "lease",
	[SCRIPT_BAN_PUT] = "ban_put",
	[SCRIPT_BAN_LIST] = "ban_list",
	[SCRIPT_BAN_DROP] = "ban_drop",
	[SCRIPT_COSTLY_TAKE] = "costly_take",
	[SCRIPT_COSTLY_GIVE] = "costly_give",
	[SCRIPT_DEVICE_STATE] = "device_state",
	[SCRIPT_SUB_PUT] = "sub_put",
	[SCRIPT_SUB_NEXT] = "sub_next",
	[SCRIPT_SUB_CLAIM] = "sub_claim",
	[SCRIPT_SUB_LIST] = "sub_list",
	[SCRIPT_RING_PUT] = "ring_put",
	[SCRIPT_TRACE_PUT] = "trace_put",
	[SCRIPT_QUAL_DUE] = "qual_due",
	[SCRIPT_QUAL_TAKE] = "qual_take",
	[SCRIPT_QUAL_PUT] = "qual_put",
	[SCRIPT_ACCT_GET] = "acct_get",
	[SCRIPT_ACCT_PUT] = "acct_put",
	[SCRIPT_ACCT_AGAIN] = "acct_again",
	[SCRIPT_ACCT_TRY] = "acct_try",
	[SCRIPT_ACCT_TRIED] = "acct_tried",
	[SCRIPT_TICKET_PUT] = "ticket_put",
	[SCRIPT_TICKET_LIST] = "ticket_list",
	[SCRIPT_HOOK_DUE] = "hook_due",
	[SCRIPT_HOOK_PUT] = "hook_put",
	[SCRIPT_HOOK_DONE] = "hook_done",
	[SCRIPT_HOOK_LIST] = "hook_list",
	[SCRIPT_HOOK_STAT] = "hook_stat",
	[SCRIPT_CDR_GET] = "cdr_get",
	[SCRIPT_IDEM_TAKE] = "idem_take",
	[SCRIPT_IDEM_PUT] = "idem_put",
};

/* A run that may have to be sent again whole, with the script's text. */
struct run {
	struct redis *redis;  /* borrowed: derefs us when it goes       */
	redis_reply_h *h;
	void *arg;
	bool arg_owned;       /* the same for what is above us          */
	const char **argv;    /* points into data                       */
	size_t *lenv;
	int argc;
	uint32_t deadline_ms;
	enum script script;
};

/* Text and digest of each; any thread may be the first to need them. */
static struct loaded {
	const char *text;     /* NULL: no such file */
	char digest[41];
} table[SCRIPT_COUNT];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void digest_print(char hex[41], const char *text)
{
	static const char digit[] = "0123456789abcdef";
	uint8_t md[SHA_DIGEST_LENGTH];

	SHA1((const unsigned char *)text, strlen(text), md);
	for (size_t i = 0; i < sizeof(md); i++) {
		hex[2 * i] = digit[md[i] >> 4];
		hex[2 * i + 1] = digit[md[i] & 15];
	}
	hex[40] = '\0';
}

static void table_init(void)
{
	for (size_t i = 0; script_texts[i].name; i++) {
		for (int k = 0; k < SCRIPT_COUNT; k++) {
			if (strcmp(script_texts[i].name, names[k]))
				continue;
			table[k].text = script_texts[i].text;
			digest_print(table[k].digest, table[k].text);
		}
	}
}

static const struct loaded *loaded(enum script script)
{
	pthread_once(&table_once, table_init);

	return &table[script];
}

static void run_destructor(void *arg)
{
	struct run *run = arg;

	mem_deref(run->argv);
	mem_deref(run->lenv);
	if (run->arg_owned)
		mem_deref(run->arg);
}

static void reply_handler(int err, const redisReply *reply, void *arg)
{
	struct run *run = arg;

	if (err == EPROTO && reply && !strncmp(reply->str, "NOSCRIPT", 8)) {
		run->argv[0] = "EVAL";
		run->lenv[0] = 4;
		run->argv[1] = loaded(run->script)->text;
		run->lenv[1] = strlen(run->argv[1]);
		err = redis_command_argv(run->redis, run->deadline_ms,
					 reply_handler, run, run->argc,
					 run->argv, run->lenv);
		if (!err) {
			redis_arg_owned(run->redis);
			return;
		}
		reply = NULL;
	}

	run->arg_owned = false;
	if (run->h)
		run->h(err, reply, run->arg);
	mem_deref(run);
}

/* One block holds the vector and the bytes, so that what the caller lent may
 * go before the answer comes. */
static int copy_args(struct run *run, int keyc, int argc, const char **argv,
		     const size_t *lenv)
{
	size_t size = (size_t)(argc + 3) * sizeof(char *), n = 0;
	char *data;

	for (int i = 0; i < argc; i++)
		n += lenv ? lenv[i] : strlen(argv[i]);

	run->argc = argc + 3;
	run->argv = mem_alloc(size + n + 16, NULL);
	run->lenv = mem_alloc((size_t)run->argc * sizeof(size_t), NULL);
	if (!run->argv || !run->lenv)
		return ENOMEM;

	data = (char *)run->argv + size;
	run->argv[0] = "EVALSHA";
	run->lenv[0] = 7;
	run->argv[1] = loaded(run->script)->digest;
	run->lenv[1] = 40;
	run->argv[2] = data;
	run->lenv[2] = (size_t)re_snprintf(data, 16, "%d", keyc);
	data += 16;
	for (int i = 0; i < argc; i++) {
		size_t len = lenv ? lenv[i] : strlen(argv[i]);

		if (len)
			memcpy(data, argv[i], len);
		run->argv[i + 3] = data;
		run->lenv[i + 3] = len;
		data += len;
	}

	return 0;
}

static int start(struct redis *r, enum script script, uint32_t deadline_ms,
		 redis_reply_h *h, void *arg, bool owned, int keyc, int argc,
		 const char **argv, const size_t *lenv)
{
	struct run *run;
	int err;

	if (!r || script >= SCRIPT_COUNT || keyc > argc)
		return EINVAL;
	if (!loaded(script)->text)
		return ENOSYS;

	run = mem_zalloc(sizeof(*run), run_destructor);
	if (!run)
		return ENOMEM;

	run->redis = r;
	run->h = h;
	run->arg = arg;
	run->deadline_ms = deadline_ms;
	run->script = script;
	err = copy_args(run, keyc, argc, argv, lenv);
	if (!err)
		err = redis_command_argv(r, deadline_ms, reply_handler, run,
					 run->argc, run->argv, run->lenv);
	if (err) {
		mem_deref(run);
		return err;
	}
	run->arg_owned = owned;
	redis_arg_owned(r);

	return 0;
}

int script_run(struct redis *r, enum script script, uint32_t deadline_ms,
	       redis_reply_h *h, void *arg, int keyc, int argc,
	       const char **argv, const size_t *lenv)
{
	return start(r, script, deadline_ms, h, arg, false, keyc, argc, argv,
		     lenv);
}

int script_run_owned(struct redis *r, enum script script,
		     uint32_t deadline_ms, redis_reply_h *h, void *arg,
		     int keyc, int argc, const char **argv,
		     const size_t *lenv)
{
	return start(r, script, deadline_ms, h, arg, true, keyc, argc, argv,
		     lenv);
}

void script_load_all(struct redis *r)
{
	for (size_t i = 0; script_texts[i].name; i++)
		(void)redis_command(r, 0, NULL, NULL, "SCRIPT LOAD %s",
				    script_texts[i].text);
}
