/* SPDX-License-Identifier: MIT */
/* The audit: see audit.h. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/audit.h"
#include "proto/log.h"
#include "proto/store_past.h"

enum { PATH_MAX_BYTES = 512 };

int audit_init(struct api *api)
{
	api->met.audit_lost = metric_add(
		METRIC_COUNTER, "sy_gateway_audit_lost_total",
		"Changes that could not be written down: Redis was away",
		NULL);

	return api->met.audit_lost ? 0 : ENOMEM;
}

static void on_written(int err, void *arg)
{
	struct metric *lost = arg;

	if (err)
		metric_inc(lost);
}

/* What reads changes nothing; neither does a sender that is not known, who could
 * fill the audit with nothing, but for who tries to log in. */
static bool is_change(const struct api_req *a)
{
	static const char *const readv[] = {"GET", "HEAD", "OPTIONS"};

	for (size_t i = 0; i < ARRAY_SIZE(readv); i++) {
		if (!strcmp(a->web->method, readv[i]))
			return false;
	}

	/* Who has to wait for his next try at a password could fill it, too. */
	if (a->who.kind == PRINCIPAL_NONE && a->web->res.status == 429)
		return false;

	return a->route && *a->who.id;
}

static void add_fields(struct audit_fields *fields, const struct api_req *a)
{
	const uint8_t *p;
	size_t len;

	p = web_body(a->web, &len);
	if (a->body)
		audit_fields_add(fields, a->body);
	else if (a->route->body && len)
		audit_fields_add_json(fields, p, len);
}

void audit_request(const struct api_req *a)
{
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__AuditEntry entry = SY__AUDIT_ENTRY__INIT;
	struct audit_fields fields = {.n = 0};
	char path[PATH_MAX_BYTES], *changed[AUDIT_FIELDS];

	if (!a->api->view || !is_change(a))
		return;

	timestamp_set_ms(&at, timestamp_now_ms());
	add_fields(&fields, a);
	for (size_t i = 0; i < fields.n; i++)
		changed[i] = fields.v[i];
	str_ncpy(path, a->web->path, sizeof(path));
	entry.at = &at;
	entry.who = (char *)a->who.id;
	entry.peer = (char *)a->web->peer;
	entry.method = a->web->method;
	entry.path = path;
	entry.status = a->web->res.status;
	entry.request_id = (char *)a->id;
	entry.gateway = (char *)view_id(a->api->view);
	entry.changed = changed;
	entry.n_changed = fields.n;
	if (store_audit_put(view_redis(a->api->view), &entry, on_written,
			    a->api->met.audit_lost)) {
		metric_inc(a->api->met.audit_lost);
		log_warn("a change is missing in the audit",
			 LOG_S("who", entry.who),
			 LOG_S("method", entry.method), LOG_S("path", path),
			 LOG_U("status", entry.status),
			 LOG_S("id", entry.request_id));
	}
}
