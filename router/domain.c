/* SPDX-License-Identifier: MIT */
/* The names of this cluster; see domain.h. */

#include "router/core.h"
#include "router/domain.h"

bool domain_is_ours(const struct worker *w, const struct pl *host)
{
	const Sy__Settings *set = config_get(w->config)->settings;
	const struct wire_set *wires = &w->router->wires;

	if (!pl_strcasecmp(host, set->realm))
		return true;
	for (size_t i = 0; i < set->n_domains; i++) {
		if (!pl_strcasecmp(host, set->domains[i]))
			return true;
	}
	for (size_t i = 0; i < wires->portc; i++) {
		if (msg_host_is_port(host, &wires->portv[i]))
			return true;
	}

	return false;
}
