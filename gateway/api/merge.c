/* SPDX-License-Identifier: MIT */
/* Merge patches (RFC 7396).  (No header of libre: see body.c.) */

#include <errno.h>

#include "gateway/api/api.h"
#include "gateway/api/body.h"
#include "gateway/api/wire.h"
#include "proto/json.h"

/* What is wrong with the outcome is found when it is read as a message. */
static int merge(json_t *target, const json_t *patch)
{
	const char *key;
	json_t *val;
	int err = 0;

	json_object_foreach((json_t *)(uintptr_t)patch, key, val) {
		json_t *have = json_object_get(target, key);

		if (json_is_null(val)) {
			(void)json_object_del(target, key);
			continue;
		}
		if (!json_is_object(val)) {
			err |= json_object_set(target, key, val);
			continue;
		}
		if (!json_is_object(have)) {
			err |= json_object_set_new(target, key,
						   json_object());
			have = json_object_get(target, key);
		}
		err |= merge(have, val);
	}

	return err;
}

/* A message that came as such has no null: what it sets is changed. */
static json_t *read_patch(const struct api_req *a)
{
	const uint8_t *p;
	size_t len;

	if (wire_is_sent(a))
		return json_from_message(a->body, 0);
	p = web_body(a->web, &len);

	return json_loadb((const char *)p, len, JSON_REJECT_DUPLICATES, NULL);
}

bool body_merge(struct api_req *a, ProtobufCMessage **msgp,
		const ProtobufCMessage *old)
{
	json_t *target = json_from_message(old, 0), *patch = read_patch(a);
	char errbuf[512] = "";
	int err;

	err = target && patch && !merge(target, patch) ? 0 : ENOMEM;
	if (!err)
		err = json_to_message(msgp, a->route->body, target, errbuf,
				      sizeof(errbuf));
	json_decref(target);
	json_decref(patch);
	if (err == ENOMEM)
		(void)problem(a->web, 500, "internal", "out of memory");
	else if (err)
		body_refuse(a->web, errbuf);

	return !err;
}
