/* SPDX-License-Identifier: MIT */
/* GET /api/audit: who changed what. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/history.h"
#include "gateway/api/query.h"
#include "proto/store_past.h"

enum { WORD_SIZE = 128, METHOD_SIZE = 16 };

struct filter {
	char who[WORD_SIZE], path[WORD_SIZE], method[METHOD_SIZE];
	char status[METHOD_SIZE];
};

static bool is_wanted(const ProtobufCMessage *msg, const void *filter)
{
	const Sy__AuditEntry *entry = (const Sy__AuditEntry *)msg;
	const struct filter *f = filter;

	if (*f->status && entry->status != strtoul(f->status, NULL, 10))
		return false;

	return (!*f->who || !strcmp(entry->who, f->who)) &&
	       (!*f->method || !strcmp(entry->method, f->method)) &&
	       !strncmp(entry->path, f->path, strlen(f->path));
}

static char **id_of(ProtobufCMessage *msg)
{
	return &((Sy__AuditEntry *)msg)->id;
}

static bool read_filter(struct api_req *a, struct filter *f)
{
	static const struct problem_field bad = {
	    .field = "status",
	    .cause = "is no status",
	    .allowed = "200 to 599",
	};

	if (!query_text(a, "who", f->who, WORD_SIZE) ||
	    !query_text(a, "path", f->path, WORD_SIZE) ||
	    !query_choice(a, "method", f->method, METHOD_SIZE,
			  "POST|PUT|PATCH|DELETE") ||
	    !query_text(a, "status", f->status, METHOD_SIZE))
		return false;
	if (!*f->status || (strlen(f->status) == 3 &&
			    strspn(f->status, "0123456789") == 3))
		return true;
	(void)problem_fields(a->web, &bad, 1);

	return false;
}

void api_audit_list(struct api_req *a)
{
	static const struct history_def def = {
	    .stream = STORE_AUDIT,
	    .what = "entry",
	    .desc = &sy__audit_entry__descriptor,
	    .wantedh = is_wanted,
	    .idp = id_of,
	};
	struct filter f = {.who = ""}, *filter = NULL;

	if (!read_filter(a, &f))
		return;
	if (*f.who || *f.path || *f.method || *f.status) {
		filter = mem_alloc(sizeof(*filter), NULL);
		if (!filter) {
			api_reply_err(a, ENOMEM, "entry");
			return;
		}
		*filter = f;
	}
	history_list(a, &def, filter);
}
