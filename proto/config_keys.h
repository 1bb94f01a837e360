/* SPDX-License-Identifier: MIT */
/* The keys of the configuration in Redis, in the order of the scripts. */

#ifndef SY_PROTO_CONFIG_KEYS_H
#define SY_PROTO_CONFIG_KEYS_H

#define CONFIG_KEY "sy:{config}"
#define CONFIG_KEYS                                                           \
	CONFIG_KEY, CONFIG_KEY ":settings", CONFIG_KEY ":devices",            \
	CONFIG_KEY ":trunks", CONFIG_KEY ":routes", CONFIG_KEY ":tokens",     \
	CONFIG_KEY ":groups"

enum { CONFIG_KEYC = 7 };

#endif
