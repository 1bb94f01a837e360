/* libs: sy_node_sip sy_media sy_proto */
/* SPDX-License-Identifier: MIT */
/* Digits in the bodies of INFO: all that phones write, and what is none. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "node/sip/infodigit.h"

#define RELAY "application/dtmf-relay"
#define PLAIN "application/dtmf"

static uint16_t read_text(struct infodigit *d, const char *ctype,
			  const char *text)
{
	/* Exactly as long as it is: a byte beyond is caught. */
	size_t n = strlen(text);
	char *buf = malloc(n ? n : 1);
	uint16_t code;

	assert_non_null(buf);
	memcpy(buf, text, n);
	code = infodigit_read(d, ctype, buf, n);
	free(buf);

	return code;
}

static void test_table(void **state)
{
	static const struct {
		const char *ctype, *text;
		uint16_t code;
		char digit;
		uint32_t ms;
	} v[] = {
	    {RELAY, "Signal=5\r\nDuration=100\r\n", 200, '5', 100},
	    {RELAY, "Signal= 5\nDuration= 160", 200, '5', 160},
	    {RELAY, "signal = #\r\n\r\nDURATION = 40\r\n", 200, '#', 40},
	    {RELAY, "Duration=250\r\nSignal=*", 200, '*', 250},
	    {RELAY, "Signal=d", 200, 'D', INFODIGIT_MS},
	    {RELAY, "Signal=0", 200, '0', INFODIGIT_MS},
	    {RELAY, "Signal=10\r\n", 200, '*', INFODIGIT_MS},
	    {RELAY, "Signal=11\r\n", 200, '#', INFODIGIT_MS},
	    {RELAY, "Signal=15\r\n", 200, 'D', INFODIGIT_MS},
	    {RELAY, "Signal=16\r\n", 200, '\0', INFODIGIT_MS},
	    {RELAY, "Signal=hf\r\n", 200, '\0', INFODIGIT_MS},
	    {"Application/DTMF-Relay", "Signal=1", 200, '1', INFODIGIT_MS},
	    {RELAY, "Signal=1\r\nDuration=999999", 200, '1', 60000},
	    {RELAY, "", 400, 0, 0},
	    {RELAY, "5", 400, 0, 0},
	    {RELAY, "Signal=", 400, 0, 0},
	    {RELAY, "Signal", 400, 0, 0},
	    {RELAY, "Signal=E", 400, 0, 0},
	    {RELAY, "Signal=55", 400, 0, 0},
	    {RELAY, "Signal=1x", 400, 0, 0},
	    {RELAY, "Signals=5", 400, 0, 0},
	    {RELAY, "Signal=5\r\nDuration=long", 400, 0, 0},
	    {RELAY, "Signal=5\r\nDuration=-1", 400, 0, 0},
	    {RELAY, "Signal=5\r\nDuration=", 400, 0, 0},
	    {RELAY, "Signal=5\r\nDuration=99999999999", 400, 0, 0},
	    {PLAIN, "5", 200, '5', INFODIGIT_MS},
	    {PLAIN, " #\r\n", 200, '#', INFODIGIT_MS},
	    {PLAIN, "11", 200, '#', INFODIGIT_MS},
	    {PLAIN, "", 400, 0, 0},
	    {PLAIN, "Signal=5", 400, 0, 0},
	    {PLAIN, "5 5", 400, 0, 0},
	    {"application/sdp", "v=0", 415, 0, 0},
	    {"application/media_control+xml", "<x/>", 415, 0, 0},
	};
	struct infodigit d;
	size_t i;

	(void)state;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		assert_int_equal(read_text(&d, v[i].ctype, v[i].text),
				 v[i].code);
		if (v[i].code == 200) {
			assert_int_equal(d.digit, v[i].digit);
			assert_int_equal(d.dur_ms, v[i].ms);
			assert_null(d.cause);
		} else {
			assert_non_null(d.cause);
		}
	}
}

/* Every text of up to three of these bytes: no read beyond, no odd digit. */
static void test_all_short(void **state)
{
	static const char set[] = "S=5\r\n #1";
	struct infodigit d;
	char text[4];
	size_t a, b, c;

	(void)state;

	for (a = 0; a < sizeof(set); a++) {
		for (b = 0; b < sizeof(set); b++) {
			for (c = 0; c < sizeof(set); c++) {
				uint16_t code;

				text[0] = set[a];
				text[1] = set[b];
				text[2] = set[c];
				text[3] = '\0';
				code = read_text(&d, PLAIN, text);
				if (code == 200)
					assert_true(
					    d.digit &&
					    strchr("015#*ABCD", d.digit));
				assert_int_not_equal(read_text(&d, RELAY, text),
						     200);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_all_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
