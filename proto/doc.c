/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/doc.h"

enum { NAME_SIZE = 128 };

static int compare(const void *key, const void *elem)
{
	return strcmp(key, ((const struct doc_text *)elem)->name);
}

const char *doc_find(const char *type, const char *member)
{
	const struct doc_text *found;
	char name[NAME_SIZE];
	int n;

	n = snprintf(name, sizeof(name), "%s%s%s", type, member ? "." : "",
		     member ? member : "");
	if (n < 0 || (size_t)n >= sizeof(name))
		return NULL;

	found = bsearch(name, doc_texts, doc_textc, sizeof(*doc_texts),
			compare);

	return found ? found->text : NULL;
}
