/* SPDX-License-Identifier: MIT */
/* Header fields: see fields.h. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <re.h>

#include "gateway/http/fields.h"

enum { TEXT_START = 512, POS_START = 16, VALUE_MAX = 1024 };

void fields_reset(struct fields *f)
{
	if (!f)
		return;

	f->text = mem_deref(f->text);
	f->posv = mem_deref(f->posv);
	f->len = f->size = f->count = f->room = 0;
}

static int grow(void **p, size_t *have, size_t want, size_t start,
		size_t unit)
{
	size_t size = *have ? *have : start;
	void *q;

	if (want <= *have)
		return 0;

	while (size < want)
		size *= 2;

	q = *p ? mem_realloc(*p, size * unit) : mem_alloc(size * unit, NULL);
	if (!q)
		return ENOMEM;

	*p = q;
	*have = size;

	return 0;
}

/* RFC 9110 5.5: visible characters, obs-text, space and tab. */
static int check_value(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return EINVAL;
	}

	return 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static int check_name(const char *p, size_t len)
{
	if (!len)
		return EINVAL;

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)p[i] <= ' ' || p[i] == ':' ||
		    (unsigned char)p[i] >= 0x7f)
			return EINVAL;
	}

	return 0;
}

int fields_add(struct fields *f, const char *name, size_t namelen,
	       const char *value, size_t valuelen)
{
	size_t need = namelen + valuelen + 2;
	char *p;

	if (!f || !name || !value || check_name(name, namelen) ||
	    check_value(value, valuelen))
		return EINVAL;

	if (grow((void **)&f->text, &f->size, f->len + need, TEXT_START, 1) ||
	    grow((void **)&f->posv, &f->room, f->count + 1, POS_START,
		 sizeof(*f->posv)))
		return ENOMEM;

	f->posv[f->count].name = (uint32_t)f->len;
	f->posv[f->count].value = (uint32_t)(f->len + namelen + 1);

	p = f->text + f->len;
	for (size_t i = 0; i < namelen; i++)
		*p++ = lower(name[i]);
	*p++ = '\0';
	memcpy(p, value, valuelen);
	p[valuelen] = '\0';

	f->len += need;
	f->count++;

	return 0;
}

int fields_addf(struct fields *f, const char *name, const char *fmt, ...)
{
	char value[VALUE_MAX];
	va_list ap;
	int n;

	if (!name || !fmt)
		return EINVAL;

	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);

	if (n < 0 || (size_t)n >= sizeof(value))
		return EINVAL;

	return fields_add(f, name, strlen(name), value, (size_t)n);
}

const char *fields_name(const struct fields *f, size_t i)
{
	return f->text + f->posv[i].name;
}

const char *fields_value(const struct fields *f, size_t i)
{
	return f->text + f->posv[i].value;
}

const char *fields_get(const struct fields *f, const char *name)
{
	if (!f || !name)
		return NULL;

	for (size_t i = 0; i < f->count; i++) {
		if (!strcmp(fields_name(f, i), name))
			return fields_value(f, i);
	}

	return NULL;
}

size_t fields_count(const struct fields *f, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; f && i < f->count; i++)
		n += !strcmp(fields_name(f, i), name);

	return n;
}
