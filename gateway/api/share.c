/* SPDX-License-Identifier: MIT */
/* One read for many: see share.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/list_text.h"
#include "gateway/api/share.h"
#include "gateway/api/wire.h"

/* Who waits. */
struct waiter {
	struct le le;
	struct api_req *a;       /* held                                  */
};

struct share_job {
	struct share_job *other; /* the next one of api->shares           */
	struct api *api;         /* borrowed                              */
	char *query;
	bool wire;               /* messages, not JSON                    */
	share_read_h *readh;
	const char *what;
	struct list nowl;        /* for the read that is under way        */
	struct list nextl;       /* for the next one                      */
};

static void job_destructor(void *arg)
{
	struct share_job *job = arg;
	struct share_job **jobp = &job->api->shares;

	while (*jobp && *jobp != job)
		jobp = &(*jobp)->other;
	if (*jobp)
		*jobp = job->other;
	mem_deref(job->query);
}

static struct share_job *find(struct api_req *a, share_read_h *readh)
{
	struct share_job *job = a->api->shares;

	while (job && (job->readh != readh ||
		       job->wire != wire_is_wanted(a) ||
		       strcmp(job->query, a->web->query)))
		job = job->other;

	return job;
}

static struct share_job *job_alloc(struct api_req *a, share_read_h *readh,
				   const char *what)
{
	struct share_job *job = mem_zalloc(sizeof(*job), job_destructor);

	if (!job)
		return NULL;
	job->api = a->api;
	if (str_dup(&job->query, a->web->query))
		return mem_deref(job);

	job->wire = wire_is_wanted(a);
	job->readh = readh;
	job->what = what;
	job->other = a->api->shares;
	a->api->shares = job;

	return job;
}

static void read_now(struct share_job *job)
{
	struct waiter *w = list_ledata(list_head(&job->nowl));
	int err = job->api->view ? job->readh(job, w->a) : ENOTCONN;

	if (err)
		share_done(job, err, NULL, 0, NULL);
}

void share_ask(struct api_req *a, share_read_h *readh, const char *what)
{
	struct waiter *w = mem_zalloc(sizeof(*w), NULL);
	struct share_job *job = find(a, readh);
	const bool busy = job != NULL;

	if (!job)
		job = job_alloc(a, readh, what);
	if (!w || !job) {
		mem_deref(w);
		if (!busy)
			mem_deref(job);
		api_reply_err(a, ENOMEM, what);
		return;
	}

	api_hold(a);
	w->a = a;
	list_append(busy ? &job->nextl : &job->nowl, &w->le, w);
	if (!busy)
		read_now(job);
}

void share_done(struct share_job *job, int err,
		const ProtobufCMessage *const *msgv, size_t n,
		const char *next)
{
	struct list_text text = {0};

	if (!err)
		err = list_text_make(&text, job->wire, msgv, n, next);
	while (job->nowl.head) {
		struct waiter *w = job->nowl.head->data;
		struct api_req *a = w->a;

		list_unlink(&w->le);
		mem_deref(w);
		if (err)
			api_reply_err(a, err, job->what);
		else
			list_text_reply(a, &text);
		api_release(a);
	}
	list_text_reset(&text);

	/* Whoever came while we answered waits there, too. */
	while (job->nextl.head) {
		struct le *le = job->nextl.head;

		list_unlink(le);
		list_append(&job->nowl, le, le->data);
	}
	if (job->nowl.head)
		read_now(job);
	else
		mem_deref(job);
}

struct api *share_api(struct share_job *job)
{
	return job->api;
}
