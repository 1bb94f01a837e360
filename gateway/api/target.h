/* SPDX-License-Identifier: MIT */
/* Who is meant by a name or number in a body, and checks of such bodies. */

#ifndef SY_GATEWAY_API_TARGET_H
#define SY_GATEWAY_API_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/api.h"
#include "proto/dialplan.h"

enum { TARGET_MAX_LEN = 64, RING_MAX_S = 600, FIELDS_MAX = 8 };

/** What is wrong with a body, collected. */
struct complaints {
	struct problem_field v[FIELDS_MAX];
	size_t n;
};

void complaints_add(struct complaints *c, const char *field, const char *cause,
		    const char *allowed);

/** Answer, if there is something. @return true if so. */
bool complaints_answer(const struct complaints *c, struct web_req *req);

/** Number or name: not empty, no blanks, not too long. */
void check_number(struct complaints *c, const char *field, const char *str);

void check_ring(struct complaints *c, uint32_t ring_seconds);

void check_name(struct complaints *c, const char *field, const char *str);

/**
 * Where a number leads when the API dials it: the dial plan, else a device
 * of that name.
 *
 * @param m  Set on success; never copied: it points into itself.
 *
 * @return 0, ENOENT (nothing has this number), EAGAIN (no configuration).
 */
int target_number(struct dialplan_match *m, const struct api_req *a,
		  const char *number);

/** Who is to be rung: a device of that name, else as target_number(), and
 * then it must be a device or an outside number: else EINVAL. */
int target_party(struct dialplan_match *m, const struct api_req *a,
		 const char *name);

/** target_number(), target_party(): put an error into the list, except
 * EAGAIN. */
void complaints_target(struct complaints *c, const char *field, int err);

#endif
