/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/bus.h"
#include "proto/store_impl.h"

enum { TAG_SIZE = 12 }; /* of a field: its number and length, both varints */

static size_t put_varint(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	for (; v > 0x7f; v >>= 7)
		p[n++] = (uint8_t)(v | 0x80);
	p[n++] = (uint8_t)v;

	return n;
}

/* The event in its Envelope.  It is packed once: the last field of the
 * envelope's bytes is what the stream gets.  @param evp  Set to that. */
static uint8_t *pack(const Sy__Event *ev, size_t *lenp, const uint8_t **evp,
		     size_t *evlenp)
{
	const size_t len = sy__event__get_packed_size(ev);
	Sy__Envelope env = SY__ENVELOPE__INIT;
	uint8_t *p;
	size_t n;

	env.from = ev->member;
	p = mem_alloc(sy__envelope__get_packed_size(&env) + TAG_SIZE + len,
		      NULL);
	if (!p)
		return NULL;

	n = sy__envelope__pack(&env, p);
	n += put_varint(p + n, SY__ENVELOPE__BODY_EVENT << 3 |
				PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
	n += put_varint(p + n, len);
	*evp = p + n;
	*evlenp = sy__event__pack(ev, p + n);
	*lenp = n + *evlenp;

	return p;
}

int store_event(struct redis *r, const Sy__Event *ev)
{
	const uint8_t *evp;
	size_t len, evlen;
	uint8_t *p;
	int err;

	if (!r || !ev)
		return EINVAL;

	p = pack(ev, &len, &evp, &evlen);
	if (!p)
		return ENOMEM;

	err = store_append(r, "sy:events", STORE_EVENTS_MAX, "e", evp, evlen);
	if (!err) {
		const char *argv[] = {"PUBLISH", BUS_CHANNEL_EVENTS,
				      (char *)p};
		const size_t lenv[] = {strlen(argv[0]), strlen(argv[1]), len};

		err = redis_command_argv(r, 0, NULL, NULL, 3, argv, lenv);
	}
	mem_deref(p);

	return err;
}

int store_append(struct redis *r, const char *stream, uint32_t max,
		 const char *field, const void *p, size_t len)
{
	char count[16];
	const char *argv[] = {"XADD", stream, "MAXLEN", "~", count, "*",
			      field, p};
	size_t lenv[ARRAY_SIZE(argv)];

	(void)re_snprintf(count, sizeof(count), "%u", max);
	for (size_t i = 0; i < ARRAY_SIZE(argv) - 1; i++)
		lenv[i] = strlen(argv[i]);
	lenv[ARRAY_SIZE(argv) - 1] = len;

	return redis_command_argv(r, 0, NULL, NULL, ARRAY_SIZE(argv), argv,
				  lenv);
}
