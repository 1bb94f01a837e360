/* SPDX-License-Identifier: MIT */
/* Merge patches (RFC 7396); messages, with a mask or without one.  (No header
 * of libre: see body.c.) */

#include <errno.h>
#include <stdio.h>

#include "gateway/api/api.h"
#include "gateway/api/body.h"
#include "gateway/api/faults.h"
#include "gateway/api/mask.h"
#include "gateway/api/query.h"
#include "gateway/api/wire.h"
#include "proto/json.h"

enum { MASK_SIZE = 2048 };

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

/* What was sent, as a merge patch. */
static int merge_text(const struct api_req *a, json_t *target)
{
	size_t len;
	const uint8_t *p = web_body(a->web, &len);
	json_t *patch = json_loadb((const char *)p, len,
				   JSON_REJECT_DUPLICATES, NULL);
	int err = patch ? merge(target, patch) : ENOMEM;

	json_decref(patch);

	return err ? ENOMEM : 0;
}

/* What was sent, as a message. @return 0, ENOMEM, EINVAL (told). */
static int merge_message(const struct api_req *a, json_t *target,
			 const char *mask, struct faults *faults)
{
	json_t *patch = json_from_message(a->body, 0);
	char bad[128], text[256];
	int err = ENOMEM;

	if (patch && !*mask)
		err = mask_set(target, patch, a->route->body);
	else if (patch)
		err = mask_apply(target, patch, a->route->body, mask, bad,
				 sizeof(bad));
	json_decref(patch);
	if (err == EINVAL) {
		(void)snprintf(text, sizeof(text), "updateMask: names \"%s\", "
			       "which is no field; allowed: paths of fields, "
			       "such as displayName, or *", bad);
		faults_add(text, faults);
	}

	return err;
}

bool body_merge(struct api_req *a, ProtobufCMessage **msgp,
		const ProtobufCMessage *old)
{
	json_t *target = json_from_message(old, 0);
	struct faults faults = {.n = 0};
	char mask[MASK_SIZE];
	int err = target ? 0 : ENOMEM;

	if (!query_text(a, "updateMask", mask, sizeof(mask))) {
		json_decref(target);
		return false;
	}
	if (!err)
		err = *mask || wire_is_sent(a)
			      ? merge_message(a, target, mask, &faults)
			      : merge_text(a, target);
	if (!err)
		err = json_to_message_all(msgp, a->route->body, target,
					  faults_add, &faults);
	json_decref(target);
	if (err == ENOMEM)
		(void)problem(a->web, 500, "internal", "out of memory");
	else if (err)
		faults_refuse(a->web, &faults);
	faults_reset(&faults);

	return !err;
}
