/* libs: sy_phone */
/* SPDX-License-Identifier: MIT */
/*
 * Test phones that call each other, without anything between them: what is
 * found wrong in a cluster should not be the phone.  Driven by commands, as
 * from outside; waiting is for events.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/phone/command.h"

enum {
	WAIT_MS = 10000,
};

static struct fixture {
	struct farm *farm;
	FILE *out;
	json_t *seen;	    /* array of events not yet taken */
	const char *want;   /* name of the event waited for, or NULL */
	const char *phone;  /* of it, or NULL */
	json_t *taken;	    /* the last event that was waited for */
	char address[64];   /* of the phone made last */
	bool late;
} fx;

/* ---------------------------------------------------------------- harness */

static json_t *seen_take(void)
{
	json_t *ev;
	size_t i;

	json_array_foreach(fx.seen, i, ev) {
		const char *phone = command_str(ev, "phone");

		if (str_cmp(command_str(ev, "event"), fx.want) ||
		    (fx.phone && str_cmp(phone, fx.phone)))
			continue;

		json_incref(ev);
		json_array_remove(fx.seen, i);
		return ev;
	}

	return NULL;
}

static void event_handler(const json_t *ev, void *arg)
{
	(void)arg;

	json_array_append(fx.seen, (json_t *)ev);
	if (fx.want && !fx.taken) {
		fx.taken = seen_take();
		if (fx.taken)
			re_cancel();
	}
}

static void late_handler(void *arg)
{
	(void)arg;
	fx.late = true;
	re_cancel();
}

/* Wait for an event of a phone, old or new; valid until the next wait. */
static const json_t *expect(const char *name, const char *phone)
{
	struct tmr tmr;

	json_decref(fx.taken);
	fx.want = name;
	fx.phone = phone;
	fx.late = false;
	fx.taken = seen_take();
	tmr_init(&tmr);
	tmr_start(&tmr, WAIT_MS, late_handler, NULL);
	if (!fx.taken)
		assert_int_equal(re_main(NULL), 0);
	tmr_cancel(&tmr);
	fx.want = NULL;
	if (fx.late)
		fail_msg("no event %s of %s", name, phone);

	return fx.taken;
}

static void run(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	command_run(fx.farm, line);
}

/* A command that must be answered with ok. */
#define DO(...)                                                                \
	do {                                                                   \
		run(__VA_ARGS__);                                              \
		(void)expect("ok", NULL);                                      \
	} while (0)

static void phone_make(const char *id, int hz, const char *more)
{
	run("{\"cmd\":\"phone\",\"id\":\"%s\",\"tone_hz\":%d%s}", id, hz, more);
	str_ncpy(fx.address, command_str(expect("ok", id), "address"),
		 sizeof(fx.address));
}

static void hears(const char *phone, int hz, const char *present)
{
	DO("{\"cmd\":\"expect\",\"phone\":\"%s\",\"hz\":%d,\"present\":%s}",
	   phone, hz, present);
	assert_true(command_bool(expect("expected", phone), "ok", false));
}

static void code_is(const char *event, const char *phone, int code)
{
	assert_int_equal(command_int(expect(event, phone), "code", 0), code);
}

static int setup(void **state)
{
	(void)state;

	memset(&fx, 0, sizeof(fx));
	if (libre_init())
		return -1;
	fx.out = fopen("/dev/null", "w");
	fx.seen = json_array();
	if (!fx.out || farm_alloc(&fx.farm, fx.out))
		return -1;
	events_set_handler(fx.farm->events, event_handler, NULL);
	return 0;
}

static int teardown(void **state)
{
	struct memstat ms;
	(void)state;

	fx.farm = mem_deref(fx.farm);
	json_decref(fx.taken);
	json_decref(fx.seen);
	fclose(fx.out);
	tmr_debug();
	libre_close();

	/* Only debug builds of libre count; the sanitizer sees the rest. */
	return mem_get_stat(&ms) == 0 && ms.blocks_cur ? -1 : 0;
}

/* ------------------------------------------------------------------ tests */

static void call_with(const char *codec, const char *caller,
		      const char *callee, const char *param)
{
	char more[256];

	re_snprintf(more, sizeof(more), ",\"codecs\":[\"%s\"]%s", codec,
		    caller);
	phone_make("a", 440, more);
	re_snprintf(more, sizeof(more),
		    ",\"codecs\":[\"PCMU\",\"PCMA\",\"G722\",\"opus\",\"L16\","
		    "\"L16/16000\"]%s", callee);
	phone_make("b", 480, more);
	DO("{\"cmd\":\"call\",\"phone\":\"a\",\"to\":\"sip:b@%s%s\"}",
	   fx.address, param);
	assert_string_equal(command_str(expect("answered", "a"), "codec"),
			    codec);
	(void)expect("established", "b");
	hears("a", 480, "true");
	hears("b", 440, "true");
	hears("a", 440, "false");
	hears("b", 480, "false");
	DO("{\"cmd\":\"hangup\",\"phone\":\"b\"}");
	code_is("closed", "a", 200);
	code_is("closed", "b", 200);
	DO("{\"cmd\":\"remove\",\"phone\":\"a\"}");
	DO("{\"cmd\":\"remove\",\"phone\":\"b\"}");
}

static void test_every_codec(void **state)
{
	(void)state;

	for (unsigned i = 0; i < CODEC_COUNT; i++)
		call_with(codec_info(i)->name, "", "", "");
}

static void test_tcp_ipv6_late_offer(void **state)
{
	static const char tcp[] = ",\"transport\":\"tcp\"";
	static const char six[] = ",\"laddr\":\"::1\"";
	static const char late[] = ",\"sdp_in_invite\":false";
	(void)state;

	call_with("PCMU", tcp, tcp, ";transport=tcp");
	call_with("PCMA", six, six, "");
	call_with("opus", late, "", "");
}

static void pair_up(void)
{
	phone_make("a", 440, ",\"codecs\":[\"PCMU\",\"PCMA\"]");
	phone_make("b", 480, ",\"codecs\":[\"PCMU\",\"PCMA\"]");
	DO("{\"cmd\":\"call\",\"phone\":\"a\",\"to\":\"sip:b@%s\"}",
	   fx.address);
	(void)expect("established", "a");
	(void)expect("established", "b");
}

static void test_hold_resume_change(void **state)
{
	(void)state;

	pair_up();
	DO("{\"cmd\":\"hold\",\"phone\":\"a\"}");
	assert_string_equal(command_str(expect("held", "a"), "by"), "local");
	assert_string_equal(command_str(expect("held", "b"), "by"), "remote");
	hears("a", 480, "false");
	hears("b", 440, "true");
	DO("{\"cmd\":\"resume\",\"phone\":\"a\"}");
	(void)expect("resumed", "a");
	(void)expect("resumed", "b");
	hears("a", 480, "true");

	DO("{\"cmd\":\"reinvite\",\"phone\":\"b\",\"codecs\":[\"PCMA\"],"
	   "\"new_port\":true}");
	assert_string_equal(command_str(expect("reinvited", "b"), "codec"),
			    "PCMA");
	assert_string_equal(command_str(expect("reinvited", "a"), "codec"),
			    "PCMA");
	hears("a", 480, "true");
	hears("b", 440, "true");

	DO("{\"cmd\":\"mute\",\"phone\":\"a\"}");
	hears("b", 440, "false");
}

static void gaps_of(const char *phone, double at_least, double at_most)
{
	const json_t *ev;
	double ms;

	DO("{\"cmd\":\"tone_gaps\",\"phone\":\"%s\"}", phone);
	ev = expect("tone_gaps", phone);
	assert_int_equal(command_int(ev, "heard", -1), 1);
	assert_int_equal(command_int(ev, "silent", -1), 0);
	ms = json_number_value(json_object_get(
		json_object_get(ev, "longest_ms"), "max"));
	if (ms < at_least || ms > at_most)
		fail_msg("%s: %.1f ms, not %.0f to %.0f", phone, ms, at_least,
			 at_most);
}

/* A tone is watched over an absence and over a change of the media address. */
static void test_tone_gaps(void **state)
{
	const json_t *ev;

	(void)state;
	pair_up();
	hears("b", 440, "true");
	DO("{\"cmd\":\"watch_tone\",\"phone\":\"*\",\"hz\":440}");
	hears("b", 440, "true");
	gaps_of("b", 0.0, 60.0);
	DO("{\"cmd\":\"mute\",\"phone\":\"a\"}");
	hears("b", 440, "false"); /* 100 ms at least */
	DO("{\"cmd\":\"mute\",\"phone\":\"a\",\"on\":false}");
	hears("b", 440, "true");
	gaps_of("b", 80.0, 2000.0);

	DO("{\"cmd\":\"watch_tone\",\"phone\":\"b\",\"hz\":440}");
	DO("{\"cmd\":\"reinvite\",\"phone\":\"a\",\"new_port\":true}");
	(void)expect("reinvited", "b");
	hears("b", 440, "true");
	gaps_of("b", 0.0, 200.0);

	DO("{\"cmd\":\"hangup\",\"phone\":\"a\"}");
	ev = expect("closed", "b");
	assert_int_equal(command_int(ev, "reinvites", 0), 1);
	ev = json_object_get(ev, "tone");
	assert_true(command_bool(ev, "heard", false));
	assert_int_equal(command_int(ev, "hz", 0), 440);

	run("{\"cmd\":\"watch_tone\",\"phone\":\"a\",\"hz\":100}");
	assert_non_null(strstr(command_str(expect("error", NULL), "error"),
			       "hz"));
}

static void test_digits(void **state)
{
	static const char digits[] = "0159*#AD";
	(void)state;

	pair_up();
	DO("{\"cmd\":\"dtmf\",\"phone\":\"a\",\"digits\":\"%s\",\"ms\":60}",
	   digits);
	for (const char *d = digits; *d; d++) {
		const json_t *ev = expect("dtmf", "b");

		assert_int_equal(command_str(ev, "digit")[0], *d);
		assert_int_equal(command_int(ev, "ms", 0), 60);
	}
}

static void test_cancel_and_reject(void **state)
{
	(void)state;

	phone_make("a", 440, "");
	phone_make("b", 480, ",\"answer\":\"manual\"");
	for (int i = 0; i < 2; i++) {
		DO("{\"cmd\":\"call\",\"phone\":\"a\",\"to\":\"sip:b@%s\"}",
		   fx.address);
		(void)expect("ringing", "a");
		(void)expect("incoming", "b");
		DO(i ? "{\"cmd\":\"reject\",\"phone\":\"b\",\"code\":603}"
		     : "{\"cmd\":\"cancel\",\"phone\":\"a\"}");
		code_is("closed", "a", i ? 603 : 487);
		code_is("closed", "b", i ? 603 : 487);
	}

	DO("{\"cmd\":\"set\",\"phone\":\"a\",\"codecs\":[\"L16\"]}");
	DO("{\"cmd\":\"set\",\"phone\":\"b\",\"answer\":\"auto\"}");
	DO("{\"cmd\":\"call\",\"phone\":\"a\",\"to\":\"sip:b@%s\"}",
	   fx.address);
	code_is("closed", "a", 488);
}

/* Media before the answer, both ways, and the same after it; with a late
 * offer there is none. */
static void test_early_media(void **state)
{
	const json_t *ev;
	(void)state;

	phone_make("a", 440, "");
	phone_make("b", 480, ",\"answer\":\"manual\",\"early\":true");
	DO("{\"cmd\":\"call\",\"phone\":\"a\",\"to\":\"sip:b@%s\"}",
	   fx.address);
	assert_false(command_bool(expect("ringing", "a"), "early", true));
	ev = expect("progress", "a");
	assert_int_equal(command_int(ev, "code", 0), 183);
	assert_true(command_bool(ev, "early", false));
	hears("a", 480, "true");
	hears("b", 440, "true");
	DO("{\"cmd\":\"answer\",\"phone\":\"b\"}");
	(void)expect("established", "a");
	(void)expect("established", "b");
	hears("a", 480, "true");
	DO("{\"cmd\":\"hangup\",\"phone\":\"a\"}");
	code_is("closed", "a", 200);
	code_is("closed", "b", 200);

	DO("{\"cmd\":\"set\",\"phone\":\"a\",\"sdp_in_invite\":false}");
	DO("{\"cmd\":\"call\",\"phone\":\"a\",\"to\":\"sip:b@%s\"}",
	   fx.address);
	assert_false(command_bool(expect("ringing", "a"), "early", true));
	DO("{\"cmd\":\"answer\",\"phone\":\"b\"}");
	(void)expect("established", "a");
	hears("a", 480, "true");
}

static void test_load(void **state)
{
	const json_t *ev;
	(void)state;

	DO("{\"cmd\":\"phones\",\"id\":\"p%%d\",\"count\":20,\"tone_hz\":400,"
	   "\"tone_step\":40,\"quiet\":true}");
	DO("{\"cmd\":\"phones\",\"id\":\"q%%d\",\"count\":20,\"tone_hz\":1400,"
	   "\"tone_step\":40,\"quiet\":true}");
	DO("{\"cmd\":\"load\",\"from\":\"p%%d\",\"to\":\"q%%d\",\"count\":40,"
	   "\"rate\":200,\"hold_ms\":500,\"parallel\":20}");
	ev = expect("load", NULL);
	assert_int_equal(command_int(ev, "answered", 0), 40);
	assert_int_equal(command_int(ev, "ok", 0), 40);
	assert_int_equal(command_int(ev, "heard_caller", 0), 40);
	assert_int_equal(command_int(ev, "heard_callee", 0), 40);
}

static void test_wrong_commands(void **state)
{
	static const struct {
		const char *line, *says;
	} v[] = {
		{"{", "not a JSON object"},
		{"[]", "not a JSON object"},
		{"{\"cmd\":\"dance\"}", "'dance'"},
		{"{\"cmd\":\"phone\"}", "'id' is missing"},
		{"{\"cmd\":\"phone\",\"id\":\"x\",\"transport\":\"sctp\"}",
		 "udp|tcp"},
		{"{\"cmd\":\"phone\",\"id\":\"x\",\"codecs\":[\"GSM\"]}",
		 "G722"},
		{"{\"cmd\":\"phone\",\"id\":\"x\",\"colour\":1}", "'colour'"},
		{"{\"cmd\":\"phone\",\"id\":\"x\",\"laddr\":\"x\"}",
		 "'laddr'"},
		{"{\"cmd\":\"hangup\",\"phone\":\"nobody\"}", "'nobody'"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		command_run(fx.farm, v[i].line);
		assert_non_null(strstr(command_str(expect("error", NULL),
						   "error"), v[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_codec, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_tcp_ipv6_late_offer,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_tone_gaps, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_hold_resume_change, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_digits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cancel_and_reject, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_early_media, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_load, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_commands, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
