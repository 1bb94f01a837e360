/* SPDX-License-Identifier: MIT */
/* The files of proto/lua/, made into C by embed_lua.cmake. */

#ifndef SY_PROTO_SCRIPT_TEXTS_H
#define SY_PROTO_SCRIPT_TEXTS_H

struct script_text {
	const char *name; /* file name without .lua; NULL: end of the list */
	const char *text;
};

extern const struct script_text script_texts[];

#endif
