/* SPDX-License-Identifier: MIT */
/* Bodies and answers in JSON.  (jansson's names and libre's collide: no
 * header of libre here.) */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/api.h"
#include "gateway/api/body.h"
#include "gateway/api/faults.h"
#include "gateway/api/list_text.h"
#include "gateway/api/once.h"
#include "gateway/api/wire.h"
#include "proto/json.h"

#define TYPE_JSON "application/json"

static void refuse(struct api_req *a, struct faults *faults)
{
	const struct api_route *r = a->route;

	if (r->other_path)
		faults_elsewhere(faults, r->other_body, r->other_path,
				 a->params.v[0]);
	faults_refuse(a->web, faults);
}

bool body_read(struct api_req *a)
{
	struct faults faults = {.n = 0};
	json_error_t je;
	const uint8_t *p;
	size_t len;
	json_t *j;
	int err;

	if (wire_is_sent(a))
		return wire_read(a);

	p = web_body(a->web, &len);
	j = json_loadb((const char *)p, len, JSON_REJECT_DUPLICATES, &je);
	if (!j) {
		(void)problem_json(a->web, je.line, je.column, je.text);
		return false;
	}

	err = json_to_message_all(&a->body, a->route->body, j, faults_add,
				  &faults);
	json_decref(j);
	if (err == ENOMEM)
		(void)problem(a->web, 500, "internal", "out of memory");
	else if (err)
		refuse(a, &faults);
	faults_reset(&faults);

	return !err;
}

bool body_has_empty(const struct api_req *a, const char *name)
{
	const uint8_t *p;
	const json_t *v;
	size_t len;
	bool empty;
	json_t *j;

	if (wire_is_sent(a))
		return false;
	p = web_body(a->web, &len);
	j = json_loadb((const char *)p, len, JSON_REJECT_DUPLICATES, NULL);
	v = json_object_get(j, name);
	empty = json_is_array(v) && !json_array_size(v);
	json_decref(j);

	return empty;
}

static void answer(struct api_req *a, unsigned status, const char *str)
{
	if (!str) {
		(void)problem(a->web, 500, "internal", "out of memory");
		return;
	}
	once_keep(a, TYPE_JSON, str, strlen(str));
	(void)web_head(a->web, "cache-control", "no-store");
	(void)web_reply(a->web, status, TYPE_JSON, str, strlen(str));
}

char *body_print(const ProtobufCMessage *msg)
{
	return json_print(msg, JSON_DEFAULTS);
}

void api_reply(struct api_req *a, unsigned status,
	       const ProtobufCMessage *msg)
{
	char *str;

	if (wire_is_wanted(a)) {
		wire_reply(a, status, msg);
		return;
	}
	str = body_print(msg);
	answer(a, status, str);
	free(str);
}

void body_reply_brief(struct api_req *a, unsigned status,
		      const ProtobufCMessage *msg)
{
	char *str;

	if (wire_is_wanted(a)) {
		wire_reply(a, status, msg);
		return;
	}
	str = json_print(msg, 0);
	answer(a, status, str);
	free(str);
}

void api_reply_list(struct api_req *a, const ProtobufCMessage *const *msgv,
		    size_t msgc, const char *next)
{
	struct list_text t = {0};

	if (list_text_make(&t, wire_is_wanted(a), msgv, msgc, next))
		(void)problem(a->web, 500, "internal", "out of memory");
	else
		list_text_reply(a, &t);
	list_text_reset(&t);
}

void api_listed(struct api_req *a, int err, const char *what, const void *msgv,
		size_t n, const char *next)
{
	if (err)
		api_reply_err(a, err, what);
	else
		api_reply_list(a, msgv, n, next);
	api_release(a);
}
