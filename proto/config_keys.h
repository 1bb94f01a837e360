/* SPDX-License-Identifier: MIT */
/* The keys of the configuration in Redis, in the order of the scripts. */

#ifndef SY_PROTO_CONFIG_KEYS_H
#define SY_PROTO_CONFIG_KEYS_H

#define CONFIG_KEYS                                                           \
	"sy:{config}", "sy:{config}:settings", "sy:{config}:devices",         \
	"sy:{config}:trunks", "sy:{config}:routes", "sy:{config}:tokens",     \
	"sy:{config}:groups"

enum { CONFIG_KEYC = 7 };

#endif
