/* SPDX-License-Identifier: MIT */
/*
 * libre and jansson together.  Both have enumerators JSON_STRING and
 * JSON_NULL; nobody here uses libre's JSON, so its two get another name.
 */
#ifndef PHONE_BASE_H
#define PHONE_BASE_H

#define JSON_STRING RE_JSON_STRING
#define JSON_NULL RE_JSON_NULL
#include <re.h>
#undef JSON_STRING
#undef JSON_NULL
#include <jansson.h>

#endif
