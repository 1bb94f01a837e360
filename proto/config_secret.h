/* SPDX-License-Identifier: MIT */
/*
 * Passwords of a configuration become hashes, and go.
 */

#ifndef SY_PROTO_CONFIG_SECRET_H
#define SY_PROTO_CONFIG_SECRET_H

#include "proto/schema.h"

/**
 * Make the HA1s of all devices that have a plain password, and wipe it;
 * hexadecimal digits become small letters.
 *
 * @param conf  Checked; it was unpacked or read (its strings are its own).
 *
 * @return 0 or ENOMEM.
 */
int config_secret_hash(Sy__Config *conf);

/** Wipe all plain passwords. */
void config_secret_wipe(Sy__Config *conf);

#endif
