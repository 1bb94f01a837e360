/* SPDX-License-Identifier: MIT */
/* Lists: see list_text.h.  (jansson: no header of libre here.) */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/list_text.h"
#include "gateway/api/wire.h"
#include "proto/json.h"
#include "proto/json_write.h"

static int make_json(struct list_text *t, const ProtobufCMessage *const *msgv,
		     size_t n, const char *next)
{
	struct json_text j = {0};

	json_write_raw(&j, "{\"items\":[", 10);
	for (size_t i = 0; i < n; i++) {
		if (i)
			json_write_raw(&j, ",", 1);
		json_write(&j, msgv[i], JSON_DEFAULTS);
	}
	json_write_raw(&j, "],\"nextCursor\":", 15);
	json_write_string(&j, next ? next : "");
	json_write_raw(&j, "}", 1);
	if (j.failed) {
		free(j.p);
		return ENOMEM;
	}
	t->type = "application/json";
	t->p = (uint8_t *)j.p;
	t->len = j.len;

	return 0;
}

int list_text_make(struct list_text *t, bool wire,
		   const ProtobufCMessage *const *msgv, size_t n,
		   const char *next)
{
	if (!wire)
		return make_json(t, msgv, n, next);

	t->type = WIRE_TYPE;
	t->p = wire_list(msgv, n, next, &t->len);

	return t->p ? 0 : ENOMEM;
}

void list_text_reply(struct api_req *a, const struct list_text *t)
{
	(void)web_head(a->web, "cache-control", "no-store");
	(void)web_reply(a->web, 200, t->type, t->p, t->len);
}

void list_text_reset(struct list_text *t)
{
	free(t->p);
	t->p = NULL;
}
