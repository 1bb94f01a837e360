/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
/* A trunk's account: its checks, and how its password is kept; the secret of a
 * TURN server. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "proto/config.h"
#include "proto/config_secret.h"

static char errbuf[1024];

/* @param fields  Of the one trunk, "" or with a comma in front. */
static int read_trunk(Sy__Config **cp, const char *fields)
{
	char json[1024];

	(void)re_snprintf(json, sizeof(json),
			  "{\"trunks\":[{\"id\":\"acme\","
			  "\"target\":\"192.0.2.1:5060\"%s}]}",
			  fields);

	return config_read(cp, "test", json, strlen(json), errbuf,
			   sizeof(errbuf));
}

static void assert_refused(const char *fields, const char *why)
{
	Sy__Config *conf = NULL;

	assert_int_equal(read_trunk(&conf, fields), EBADMSG);
	assert_string_equal(errbuf, why);
}

static void test_account_refused(void **state)
{
	(void)state;
	assert_refused(",\"password\":\"x\"",
		       "test: trunks[0].username: is needed for a password");
	assert_refused(",\"username\":\"x\"",
		       "test: trunks[0].password: is needed for a username");
	assert_refused(",\"username\":\"a\\\"b\",\"password\":\"x\"",
		       "test: trunks[0].username: must be up to 128 "
		       "characters, without \" and \\");
	assert_refused(",\"username\":\"a\",\"password\":\"x\","
		       "\"passwordSealed\":\"AAAA\"",
		       "test: trunks[0].password: cannot be set together with "
		       "passwordSealed");
}

static void test_registration_refused(void **state)
{
	(void)state;
	assert_refused(",\"registration\":{}",
		       "test: trunks[0].registration.registrar: is needed");
	assert_refused(",\"registration\":{\"registrar\":\"192.0.2.1:5060\"}",
		       "test: trunks[0].registration.user: is needed, or a "
		       "username");
	assert_refused(",\"registration\":{\"registrar\":\"192.0.2.1:5060\","
		       "\"user\":\"a b\"}",
		       "test: trunks[0].registration.user: \"a b\" cannot be "
		       "the user of a URI; allowed: up to 64 letters, digits "
		       "and -_.!~*'()&=+$,?/, all else as %XX");
	assert_refused(",\"registration\":{\"registrar\":\"192.0.2.1:5060\","
		       "\"user\":\"a\",\"expiresS\":5}",
		       "test: trunks[0].registration.expiresS: must be from "
		       "60 to 86400, or 0, is 5");
	assert_refused(",\"optionsS\":1",
		       "test: trunks[0].optionsS: must be from 2 to 3600, or "
		       "0, is 1");
	assert_refused(",\"certificates\":[\"a.example\",\"a.example\"]",
		       "test: trunks[0].certificates[1]: \"a.example\" names "
		       "a trunk already");
}

static void test_sealed(void **state)
{
	static const char secret[] = "0123456789abcdef";
	struct token_key *key = NULL;
	char password[CONFIG_PASSWORD_MAX + 1];
	Sy__Config *conf = NULL;
	Sy__Trunk *t;
	(void)state;

	assert_int_equal(token_key_alloc(&key, secret, strlen(secret)), 0);
	assert_int_equal(read_trunk(&conf, ",\"username\":\"bob\","
					   "\"password\":\"hush-hush\""),
			 0);
	t = conf->trunks[0];
	assert_string_equal(t->password, "hush-hush");
	assert_int_equal(config_put(NULL, conf, 0, NULL, NULL), EINVAL);
	assert_int_equal(config_secret_trunk(password, key, t), ENOENT);
	assert_int_equal(config_secret_seal(conf, NULL), EINVAL);

	assert_int_equal(config_secret_seal(conf, key), 0);
	assert_memory_equal(t->password, "\0\0\0\0\0\0\0\0\0", 9);
	assert_int_equal(config_secret_trunk(password, key, t), 0);
	assert_string_equal(password, "hush-hush");

	/* another trunk cannot have it */
	memcpy(t->id, "evil", 4);
	assert_int_equal(config_secret_trunk(password, key, t), EBADMSG);
	sy__config__free_unpacked(conf, NULL);
	mem_deref(key);
}

/* A file says that a TURN server's secret is to go: done once it is sealed,
 * and nothing that a later change has to take back. */
static void test_no_secret(void **state)
{
	static const char json[] =
		"{\"settings\":{\"iceServers\":[{\"urls\":[\"turn:t.example\"],"
		"\"noSecret\":true}]}}";
	Sy__Config *conf = NULL;
	(void)state;

	assert_int_equal(config_read(&conf, "test", json, strlen(json),
				     errbuf, sizeof(errbuf)), 0);
	assert_true(conf->settings->ice_servers[0]->no_secret);
	assert_int_equal(config_secret_seal(conf, NULL), 0);
	assert_false(conf->settings->ice_servers[0]->no_secret);
	sy__config__free_unpacked(conf, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_account_refused),
		cmocka_unit_test(test_registration_refused),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
