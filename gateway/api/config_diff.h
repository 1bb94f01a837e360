/* SPDX-License-Identifier: MIT */
/* What is different between two configurations. */

#ifndef SY_GATEWAY_API_CONFIG_DIFF_H
#define SY_GATEWAY_API_CONFIG_DIFF_H

#include "proto/config_section.h"

/**
 * Add the changes from one to the other, section by section, each in order of
 * the ids.  Of secrets it is told that they change, not what they are.
 *
 * @param out   Its changes are owned by it afterwards
 *              (sy__config_check__free_unpacked).
 * @param from  Sections are compared as they are in it; both borrowed.
 *
 * @return 0 or ENOMEM.
 */
int config_diff(Sy__ConfigCheck *out, const Sy__Config *from,
		const Sy__Config *to);

#endif
