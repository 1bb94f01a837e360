/* SPDX-License-Identifier: MIT */
/* Names and numbers: see target.h. */

#include <errno.h>
#include <string.h>

#include "gateway/api/target.h"
#include "proto/callee.h"

void complaints_add(struct complaints *c, const char *field, const char *cause,
		    const char *allowed)
{
	if (c->n < FIELDS_MAX)
		c->v[c->n++] = (struct problem_field){field, cause, allowed};
}

bool complaints_answer(const struct complaints *c, struct web_req *req)
{
	if (!c->n)
		return false;

	(void)problem_fields(req, c->v, c->n);

	return true;
}

static bool is_plain(const char *str, char least)
{
	for (; *str; str++) {
		if ((unsigned char)*str < (unsigned char)least || *str == 0x7f)
			return false;
	}

	return true;
}

void check_number(struct complaints *c, const char *field, const char *str)
{
	size_t len = strlen(str);

	if (!len)
		complaints_add(c, field, "is missing", "a device or a number");
	else if (len > TARGET_MAX_LEN)
		complaints_add(c, field, "is too long", "up to 64 characters");
	else if (!is_plain(str, '!'))
		complaints_add(c, field, "has a blank or a control character",
			       "a device or a number");
}

void check_name(struct complaints *c, const char *field, const char *str)
{
	if (strlen(str) > TARGET_MAX_LEN || !is_plain(str, ' '))
		complaints_add(c, field,
			       "is too long, or has a control "
			       "character",
			       "up to 64 characters");
}

void check_ring(struct complaints *c, uint32_t ring_seconds)
{
	if (ring_seconds > RING_MAX_S)
		complaints_add(c, "ringSeconds", "is too long",
			       "1 to 600; 0: the default");
}

int target_number(struct dialplan_match *m, const struct api_req *a,
		  const char *number)
{
	Sy__Source src = SY__SOURCE__INIT;

	src.kind_case = SY__SOURCE__KIND_API;
	src.api = (char *)(uintptr_t)principal_source(&a->who);

	return callee_find(m, view_config_table(a->api->view), number, &src);
}

int target_party(struct dialplan_match *m, const struct api_req *a,
		 const char *name)
{
	int err;

	if (!view_config(a->api->view))
		return EAGAIN;
	if (callee_device(m, view_config_table(a->api->view), name))
		return 0;

	err = target_number(m, a, name);
	if (err)
		return err;

	return m->dest.kind_case == SY__DESTINATION__KIND_DEVICE ||
		       m->dest.kind_case == SY__DESTINATION__KIND_EXTERNAL
		   ? 0
		   : EINVAL;
}

void complaints_target(struct complaints *c, const char *field, int err)
{
	if (err == ENOENT)
		complaints_add(c, field,
			       "is no device, and no route has this "
			       "number",
			       "a device, or a number of the dial plan");
	else if (err == EINVAL)
		complaints_add(c, field, "cannot be rung",
			       "a device, or a number that leads to a trunk");
	else if (err == EACCES)
		complaints_add(c, field, "costs, and nobody may call it", NULL);
	else if (err && err != EAGAIN)
		complaints_add(c, field, "cannot be resolved", NULL);
}
