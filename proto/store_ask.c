/* SPDX-License-Identifier: MIT */
/* Questions to Redis: see store_ask.h. */

#include <errno.h>
#include <stdarg.h>
#include <re.h>
#include "proto/store_ask.h"

struct ask *ask_alloc(ask_h *h, void *arg)
{
	struct ask *a = mem_zalloc(sizeof(*a), NULL);

	if (a) {
		a->h = h;
		a->arg = arg;
	}

	return a;
}

/* @return err; the question is the connection's now, or gone. */
static int asked(struct redis *r, int err, struct ask *a)
{
	if (err)
		mem_deref(a);
	else
		redis_arg_owned(r);

	return err;
}

int ask_command(struct redis *r, redis_reply_h *replied, struct ask *a,
		const char *fmt, ...)
{
	va_list ap;
	int err;

	if (!a)
		return ENOMEM;
	va_start(ap, fmt);
	err = redis_vcommand(r, 0, replied, a, fmt, ap);
	va_end(ap);

	return asked(r, err, a);
}

int ask_argv(struct redis *r, redis_reply_h *replied, struct ask *a, int argc,
	     const char **argv, const size_t *lenv)
{
	if (!a)
		return ENOMEM;

	return asked(
		r, redis_command_argv(r, 0, replied, a, argc, argv, lenv), a);
}

int ask_script(struct redis *r, enum script script, redis_reply_h *replied,
	       struct ask *a, int keyc, int argc, const char **argv,
	       const size_t *lenv)
{
	int err;

	if (!a)
		return ENOMEM;
	err = script_run_owned(r, script, 0, replied, a, keyc, argc, argv,
			       lenv);
	if (err)
		mem_deref(a);

	return err;
}
