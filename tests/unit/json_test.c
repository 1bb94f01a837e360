/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "proto/json.h"
#include "proto/schema.h"

enum { ROUNDS = 3000, DEPTH = 4 };

static char errbuf[1024];

static int read_text(ProtobufCMessage **msgp,
		     const ProtobufCMessageDescriptor *d, const char *text)
{
	return json_read(msgp, d, text, strlen(text), errbuf,
			 sizeof(errbuf));
}

static void assert_refused(const ProtobufCMessageDescriptor *d,
			   const char *text, const char *why)
{
	ProtobufCMessage *msg = NULL;

	assert_int_equal(EBADMSG, read_text(&msg, d, text));
	assert_null(msg);
	assert_string_equal(errbuf, why);
}

static void assert_text(ProtobufCMessage *msg, int flags, const char *want)
{
	char *text = json_print(msg, flags);

	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
}

/* Read, print, and compare. */
static void assert_same(const ProtobufCMessageDescriptor *d, const char *in,
			const char *out)
{
	ProtobufCMessage *msg = NULL;

	if (read_text(&msg, d, in))
		fail_msg("%s: %s", in, errbuf);
	assert_text(msg, 0, out);
	protobuf_c_message_free_unpacked(msg, NULL);
}

/* ------------------------------------------------------------- by example */

static void test_print(void **state)
{
	Google__Protobuf__Timestamp ts;
	Sy__Leg leg = SY__LEG__INIT;
	Sy__Leg *legv[] = {&leg};
	Sy__Call call = SY__CALL__INIT;
	(void)state;

	timestamp_set_ms(&ts, 1769860800123ull);
	leg.id = "L";
	leg.kind = SY__LEG_KIND__DEVICE;
	leg.muted = true;
	leg.loss_percent = 0.1f;
	leg.mos = 4.4f;
	call.id = "C";
	call.epoch = 7;
	call.state = SY__CALL_STATE__CALL_ANSWERED;
	call.started_at = &ts;
	call.n_legs = 1;
	call.legs = legv;
	assert_text(&call.base, 0,
		    "{\"id\":\"C\",\"epoch\":7,\"state\":\"CALL_ANSWERED\","
		    "\"startedAt\":\"2026-01-31T12:00:00.123Z\",\"legs\":"
		    "[{\"id\":\"L\",\"kind\":\"DEVICE\",\"muted\":true,"
		    "\"mos\":4.4,\"lossPercent\":0.1}]}");
}

static void test_defaults(void **state)
{
	Sy__Load load = SY__LOAD__INIT;
	Sy__UpdateLeg up = SY__UPDATE_LEG__INIT;
	(void)state;

	assert_text(&load.base, 0, "{}");
	assert_text(&load.base, JSON_DEFAULTS,
		    "{\"legs\":0,\"hubs\":0,\"tickUsedPercent\":0.0,"
		    "\"lateTicks\":\"0\",\"portsFree\":0,\"tickP99Us\":0,"
		    "\"placedTotal\":0,\"shed\":0,\"wakeP99Us\":0,"
		    "\"movedTotal\":0,\"moveFailuresTotal\":0,"
		    "\"drainStartedMs\":\"0\",\"adoptedTotal\":0,"
		    "\"lostLegsTotal\":0,\"trunks\":[]}");

	/* A oneof member is there or not, whatever its value. */
	assert_text(&up.base, JSON_DEFAULTS, "{\"call\":\"\",\"leg\":\"\"}");
	up.set_muted_case = SY__UPDATE_LEG__SET_MUTED_MUTED;
	assert_text(&up.base, 0, "{\"muted\":false}");
}

static void test_bad_utf8(void **state)
{
	Sy__HangupCall h = SY__HANGUP_CALL__INIT;
	(void)state;

	h.reason = "a\xff\xc3(\xed\xa0\x80z\xc3\xa4";
	assert_text(&h.base, 0, "{\"reason\":\"a\xef\xbf\xbd\xef\xbf\xbd("
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xc3\xa4\"}");
}

static void test_spellings(void **state)
{
	(void)state;
	assert_same(&sy__load__descriptor,
		    "{\"late_ticks\":\"18446744073709551615\","
		    "\"portsFree\":5e1,\"legs\":\"3\",\"hubs\":null}",
		    "{\"legs\":3,\"lateTicks\":\"18446744073709551615\","
		    "\"portsFree\":50}");
	assert_same(&sy__load__descriptor, "{\"lateTicks\":12}",
		    "{\"lateTicks\":\"12\"}");
	assert_same(&sy__leg__descriptor,
		    "{\"kind\":2,\"mos\":\"NaN\","
		    "\"jitterMs\":\"-Infinity\"}",
		    "{\"kind\":\"TRUNK\",\"mos\":\"NaN\","
		    "\"jitterMs\":\"-Infinity\"}");
	/* An enum value of a later version. */
	assert_same(&sy__leg__descriptor, "{\"kind\":99}", "{\"kind\":99}");
	assert_same(&sy__dialog_state__descriptor, "{\"invite\":\"-_8\"}",
		    "{\"invite\":\"+/8=\"}");
	assert_same(&sy__member__descriptor,
		    "{\"startedAt\":\"2026-01-31T13:30:00.5+01:30\"}",
		    "{\"startedAt\":\"2026-01-31T12:00:00.500Z\"}");
	assert_same(&sy__member__descriptor,
		    "{\"startedAt\":\"0001-01-01T00:00:00Z\"}",
		    "{\"startedAt\":\"0001-01-01T00:00:00.000Z\"}");
	assert_same(&sy__destination__descriptor, "{\"tone\":{\"hz\":440}}",
		    "{\"tone\":{\"hz\":440.0}}");
	assert_same(&sy__destination__descriptor,
		    "{\"echo\":false,\"tone\":null}", "{\"echo\":false}");
}

static void test_errors(void **state)
{
	const ProtobufCMessageDescriptor *conf = &sy__config__descriptor;
	(void)state;

	assert_refused(conf, "{\"routes\":[{},{\"target\":{\"ech\":true}}]}",
		       "routes[1].target: unknown field \"ech\"; allowed: "
		       "device, conference, echo, tone, file, external, "
		       "group, park, pickup, feature");
	assert_refused(conf, "{\"devices\":[{\"maxContacts\":-1}]}",
		       "devices[0].maxContacts: must be a whole number from "
		       "0 to 4294967295");
	assert_refused(conf, "{\"devices\":[{\"max_contacts\":1.5}]}",
		       "devices[0].maxContacts: must be a whole number from "
		       "0 to 4294967295");
	assert_refused(conf, "{\"devices\":{}}",
		       "devices: must be an array, is an object");
	assert_refused(conf, "{\"devices\":[null]}",
		       "devices[0]: must not be null");
	assert_refused(conf, "[]", "must be an object, is an array");
	assert_refused(conf, "{\"settings\":{\"realm\":5}}",
		       "settings.realm: must be a string, is a number");
	assert_refused(conf, "{\"trunks\":[{\"enabled\":\"true\"}]}",
		       "trunks[0].enabled: must be true or false, is a "
		       "string");
	assert_refused(&sy__destination__descriptor,
		       "{\"echo\":true,\"device\":\"1\"}",
		       "device: cannot be set together with \"echo\": one of "
		       "them");
	assert_refused(&sy__device__descriptor,
		       "{\"displayName\":\"a\",\"display_name\":\"b\"}",
		       "displayName: is there twice");
	assert_refused(&sy__new_leg__descriptor, "{\"a\\nb\":1}",
		       "unknown field \"a?b\"; allowed: kind, to, "
		       "callerName, ringSeconds");
	assert_refused(&sy__call__descriptor, "{\"state\":\"ENDED\"}",
		       "state: unknown value \"ENDED\"; allowed: "
		       "CALL_UNKNOWN, CALL_SETUP, CALL_RINGING, "
		       "CALL_ANSWERED, CALL_ENDED");
	assert_refused(&sy__call__descriptor, "{\"state\":true}",
		       "state: must be one of CALL_UNKNOWN, CALL_SETUP, "
		       "CALL_RINGING, CALL_ANSWERED, CALL_ENDED, is a "
		       "boolean");
	assert_refused(&sy__dialog_state__descriptor, "{\"invite\":\"a*==\"}",
		       "invite: must be base64");
	assert_refused(&sy__leg__descriptor, "{\"mos\":1e39}",
		       "mos: must be a number up to 3.40282e+38");
}

static void test_times(void **state)
{
	static const char *const wrong[] = {
		"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
		"2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
		"2026-01-01", "0000-01-01T00:00:00Z",
		"2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx",
		"2026-01-01T00:00:00.1234567891Z", "",
		"9999-12-31T23:59:59-00:01",
	};
	char text[128];
	size_t i;
	(void)state;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(text, sizeof(text), "{\"startedAt\":\"%s\"}",
			       wrong[i]);
		assert_refused(&sy__leg__descriptor, text,
			       "startedAt: must be a time as "
			       "\"2026-01-31T12:00:00Z\"");
	}
}

static void test_syntax(void **state)
{
	ProtobufCMessage *msg = NULL;
	char deep[4000];
	size_t i;
	(void)state;

	assert_int_equal(EBADMSG, read_text(&msg, &sy__config__descriptor,
					    "{\n  \"routes\": [,]\n}"));
	assert_non_null(strstr(errbuf, "line 2, column 14: not JSON: "));
	assert_int_equal(EBADMSG, read_text(&msg, &sy__config__descriptor,
					    "{\"routes\":[],\"routes\":[]}"));
	assert_non_null(strstr(errbuf, "duplicate"));
	assert_int_equal(EBADMSG, read_text(&msg, &sy__leg__descriptor,
					    "{\"id\":\"a\\u0000b\"}"));
	assert_int_equal(EBADMSG, read_text(&msg, &sy__leg__descriptor, ""));

	for (i = 0; i < sizeof(deep) - 1; i++)
		deep[i] = '[';
	deep[i] = '\0';
	assert_int_equal(EBADMSG, read_text(&msg, &sy__leg__descriptor,
					    deep));
	assert_null(msg);

	/* No place for an error is no crash. */
	assert_int_equal(EBADMSG, json_read(&msg, &sy__leg__descriptor, "{",
					    1, NULL, 0));
	assert_int_equal(EBADMSG, json_read(&msg, &sy__leg__descriptor,
					    "{\"x\":1}", 7, errbuf, 4));
	assert_int_equal(3, strlen(errbuf));
}

/* --------------------------------------------------------- random messages */

static uint64_t seed;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;

	return seed;
}

static float random_float(void)
{
	uint32_t bits = (uint32_t)rnd();
	float f;

	switch (rnd() % 8) {
	case 0: return NAN;
	case 1: return INFINITY;
	case 2: return -0.0f;
	case 3: return (float)(rnd() % 1000) / 10;
	}
	memcpy(&f, &bits, sizeof(f));

	return isnan(f) ? 1 : f;
}

static char *random_text(void)
{
	static const char *const piecev[] = {
		"a", "\"", "\\", "\n", "\x01", "\xc3\xa4", "\xf0\x9f\x98\x80",
		"</", "\x7f", " ",
	};
	char *s = calloc(1, 64);
	size_t n = rnd() % 12;

	assert_non_null(s);
	while (n--)
		strcat(s, piecev[rnd() % 10]);

	return s;
}

static ProtobufCMessage *random_message(const ProtobufCMessageDescriptor *d,
					int depth);

static void random_value(const ProtobufCFieldDescriptor *f, void *dst,
			 int depth)
{
	const ProtobufCEnumDescriptor *e = f->descriptor;
	ProtobufCBinaryData *b = dst;
	size_t i;

	switch (f->type) {

	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)dst = rnd() & 1;
		break;
	case PROTOBUF_C_TYPE_ENUM:
		*(int *)dst = rnd() % 8 ?
			e->values[rnd() % e->n_values].value : (int)rnd();
		break;
	case PROTOBUF_C_TYPE_STRING:
		*(char **)dst = random_text();
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		*(ProtobufCMessage **)dst = random_message(f->descriptor,
							   depth - 1);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		b->len = rnd() % 9;
		b->data = b->len ? malloc(b->len) : NULL;
		for (i = 0; i < b->len; i++)
			b->data[i] = (uint8_t)rnd();
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		*(float *)dst = random_float();
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_INT32:
		*(uint32_t *)dst = (uint32_t)(rnd() >> rnd() % 64);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_INT64:
		*(uint64_t *)dst = rnd() >> rnd() % 64;
		break;
	default:
		fail_msg("field %s has a type that this test does not make",
			 f->name);
	}
}

static size_t size_of(const ProtobufCFieldDescriptor *f)
{
	if (f->type == PROTOBUF_C_TYPE_BYTES)
		return sizeof(ProtobufCBinaryData);
	if (f->type == PROTOBUF_C_TYPE_STRING ||
	    f->type == PROTOBUF_C_TYPE_MESSAGE ||
	    f->type == PROTOBUF_C_TYPE_UINT64)
		return 8;
	return 4;
}

static void random_field(ProtobufCMessage *msg,
			 const ProtobufCFieldDescriptor *f, int depth)
{
	uint8_t *base = (uint8_t *)msg;
	void *quantifier = base + f->quantifier_offset;
	uint8_t *v;
	size_t n;

	if (f->type == PROTOBUF_C_TYPE_MESSAGE && !depth)
		return;

	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		v = calloc(4, size_of(f));
		n = 1 + rnd() % 4;
		*(size_t *)quantifier = n;
		*(void **)(base + f->offset) = v;
		while (n--)
			random_value(f, v + n * size_of(f), depth);
		return;
	}

	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		if (*(uint32_t *)quantifier)
			return;
		*(uint32_t *)quantifier = f->id;
	}
	random_value(f, base + f->offset, depth);
}

static ProtobufCMessage *random_message(const ProtobufCMessageDescriptor *d,
					int depth)
{
	ProtobufCMessage *msg = malloc(d->sizeof_message);
	unsigned i;

	assert_non_null(msg);
	protobuf_c_message_init(d, msg);
	if (d == &google__protobuf__timestamp__descriptor) {
		Google__Protobuf__Timestamp *ts = (void *)msg;

		ts->seconds = (int64_t)(rnd() % 315537897600ull) -
			      62135596800;
		ts->nanos = (int32_t)(rnd() % 1000) *
			    (rnd() % 2 ? 1000000 : 999);
		return msg;
	}

	for (i = 0; i < d->n_fields; i++) {
		if (rnd() & 1)
			random_field(msg, &d->fields[i], depth);
	}

	return msg;
}

static void assert_equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
	size_t n = protobuf_c_message_get_packed_size(a);
	uint8_t *pa, *pb;

	assert_int_equal(n, protobuf_c_message_get_packed_size(b));
	pa = malloc(n + 1);
	pb = malloc(n + 1);
	protobuf_c_message_pack(a, pa);
	protobuf_c_message_pack(b, pb);
	assert_memory_equal(pa, pb, n);
	free(pa);
	free(pb);
}

static void test_round_trip(void **state)
{
	static const ProtobufCMessageDescriptor *const descv[] = {
		&sy__config__descriptor, &sy__envelope__descriptor,
		&sy__call__descriptor, &sy__dialog_state__descriptor,
		&sy__status__descriptor, &sy__event__descriptor,
		&sy__registration__descriptor, &sy__update_leg__descriptor,
	};
	const char *env = getenv("SEED");
	int i;
	(void)state;

	seed = env ? strtoull(env, NULL, 0) : (uint64_t)time(NULL) | 1;
	print_message("SEED=%llu\n", (unsigned long long)seed);

	for (i = 0; i < ROUNDS; i++) {
		const ProtobufCMessageDescriptor *d = descv[rnd() % 8];
		ProtobufCMessage *a = random_message(d, DEPTH), *b = NULL;
		const int flags = i & 1 ? JSON_DEFAULTS : 0;
		char *text = json_print(a, flags);
		json_t *values = json_from_message(a, flags);
		char *slow = json_dumps(values, JSON_DUMP_FLAGS);

		/* Straight to text, or by values: the same. */
		assert_non_null(text);
		assert_non_null(slow);
		assert_string_equal(text, slow);
		free(slow);
		json_decref(values);
		if (read_text(&b, d, text))
			fail_msg("%s: %s", errbuf, text);
		assert_equal(a, b);
		free(text);
		protobuf_c_message_free_unpacked(a, NULL);
		protobuf_c_message_free_unpacked(b, NULL);
	}
}

/* Random damage to a valid text is an error or a message, never more. */
static void test_damaged(void **state)
{
	int i;
	(void)state;

	for (i = 0; i < ROUNDS; i++) {
		ProtobufCMessage *a = random_message(&sy__config__descriptor,
						     DEPTH), *b = NULL;
		char *text = json_print(a, 0);
		size_t len = strlen(text), cuts = 1 + rnd() % 3;

		while (cuts--)
			text[rnd() % len] = "{}[]\":,0\\u-e"[rnd() % 12];
		if (!json_read(&b, &sy__config__descriptor, text, len, errbuf,
			       sizeof(errbuf)))
			protobuf_c_message_free_unpacked(b, NULL);
		else
			assert_true(errbuf[0] && !strchr(errbuf, '\n'));
		free(text);
		protobuf_c_message_free_unpacked(a, NULL);
	}
}

/* ------------------------------------------------------------ all errors */

static void note(const char *text, void *arg)
{
	char *list = arg;

	(void)strncat(list, text, strcspn(text, " "));
	(void)strcat(list, " ");
}

static void count(const char *text, void *arg)
{
	size_t *n = arg;
	(void)text;

	++*n;
}

/* It is read on behind an error, and what was read is let go. */
static void test_all_errors(void **state)
{
	static const char text[] =
		"{\"settings\":{\"realm\":7,\"domains\":[\"a\",2,null,\"b\"]},"
		"\"devices\":[{\"id\":\"1\",\"maxCalls\":\"x\"},5,"
		"{\"colour\":\"red\",\"id\":\"2\"}],"
		"\"routes\":[{\"target\":{\"echo\":true,\"park\":\"p\"}}]}";
	ProtobufCMessage *msg = NULL;
	char list[512] = "", many[4096] = "[";
	json_t *j = json_loads(text, 0, NULL);
	size_t n;
	(void)state;

	assert_non_null(j);
	assert_int_equal(json_to_message_all(&msg, &sy__config__descriptor, j,
					     note, list), EBADMSG);
	assert_null(msg);
	assert_string_equal(list,
			    "settings.realm: settings.domains[1]: "
			    "settings.domains[2]: devices[0].maxCalls: "
			    "devices[1]: devices[2]: routes[0].target.park: ");
	json_decref(j);

	/* So many and no more. */
	n = 1;
	for (int i = 0; i < 500; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, "%s1",
				      i ? "," : "");
	(void)snprintf(many + n, sizeof(many) - n, "]");
	j = json_pack("{s:o}", "devices", json_loads(many, 0, NULL));
	assert_non_null(j);
	n = 0;
	assert_int_equal(json_to_message_all(&msg, &sy__config__descriptor, j,
					     count, &n), EBADMSG);
	assert_int_equal(n, JSON_WRONG_MAX);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_bad_utf8),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_all_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
