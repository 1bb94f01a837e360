/* libs: sy_proto jansson */
/* SPDX-License-Identifier: MIT */
/* Changes of a configuration: what holds, whom it blames, which secrets stay. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/config.h"
#include "proto/config_edit.h"
#include "proto/json.h"

static const char base[] =
	"{\"settings\":{\"realm\":\"r\"},\"devices\":["
	"{\"id\":\"1001\",\"password\":\"a\"},"
	"{\"id\":\"1002\",\"password\":\"b\"}],"
	"\"trunks\":[{\"id\":\"t\",\"target\":\"192.0.2.1\","
	"\"sources\":[\"192.0.2.1\"],\"username\":\"u\","
	"\"passwordSealed\":\"AQID\",\"enabled\":true}],"
	"\"groups\":[{\"id\":\"g\",\"members\":[\"1002\"]}],"
	"\"routes\":[{\"id\":\"a\",\"order\":1,\"pattern\":\"1\","
	"\"target\":{\"device\":\"1001\"}},{\"id\":\"b\",\"order\":2,"
	"\"pattern\":\"2\",\"target\":{\"external\":{\"trunk\":\"t\","
	"\"number\":\"$0\"}}}]}";

static Sy__Config *conf;

static int setup(void **state)
{
	char errbuf[256] = "";
	(void)state;

	if (config_read(&conf, "test", base, strlen(base), errbuf,
			sizeof(errbuf)))
		fail_msg("%s", errbuf);

	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sy__config__free_unpacked(conf, NULL);

	return 0;
}

static ProtobufCMessage *item(enum config_section s, const char *json)
{
	ProtobufCMessage *msg = NULL;
	char errbuf[256];

	assert_int_equal(json_read(&msg, config_section_def(s)->desc, json,
				   strlen(json), errbuf, sizeof(errbuf)),
			 0);

	return msg;
}

/* @param json  NULL: it is removed. @param who  "section id" that is blamed,
 * "": the item itself; NULL: nobody, it holds. @param text  How it begins. */
static void expect(enum config_section s, const char *id, const char *json,
		   const char *who, const char *text)
{
	ProtobufCMessage *msg = json ? item(s, json) : NULL;
	struct config_edit_error e;
	char blamed[96] = "";
	int err;

	err = config_edit_check(conf, s, id, msg, &e, NULL, NULL);
	assert_int_equal(err, who ? EBADMSG : 0);
	if (who) {
		if (!e.own)
			(void)snprintf(blamed, sizeof(blamed), "%s %s",
				       e.section, e.id);
		assert_string_equal(blamed, who);
		if (strncmp(e.text, text, strlen(text)))
			fail_msg("\"%s\" does not begin with \"%s\"", e.text,
				 text);
	}
	if (msg)
		protobuf_c_message_free_unpacked(msg, NULL);
}

static void test_holds(void **state)
{
	(void)state;

	expect(CONFIG_DEVICES, "1003",
	       "{\"id\":\"1003\",\"password\":\"x\"}", NULL, NULL);
	expect(CONFIG_DEVICES, "1001",
	       "{\"id\":\"1001\",\"password\":\"y\"}", NULL, NULL);
	expect(CONFIG_ROUTES, "a", NULL, NULL, NULL);
	expect(CONFIG_SETTINGS, "", "{\"realm\":\"r\",\"ringSeconds\":9}",
	       NULL, NULL);
}

static void test_blames(void **state)
{
	(void)state;

	expect(CONFIG_DEVICES, "1001", NULL, "routes a",
	       "target.device: there is no device");
	expect(CONFIG_DEVICES, "1002", NULL, "groups g", "members[0]: ");
	expect(CONFIG_TRUNKS, "t", NULL, "routes b",
	       "target.external.trunk: ");
	expect(CONFIG_DEVICES, "1003", "{\"id\":\"1003\"}", "",
	       "password: is needed");
	/* Of two that cannot be together it is the new one. */
	expect(CONFIG_ROUTES, "0",
	       "{\"id\":\"0\",\"order\":2,\"pattern\":\"9\",\"target\":"
	       "{\"echo\":true}}", "", "order: 2 is that of route \"b\"");
	expect(CONFIG_TRUNKS, "s",
	       "{\"id\":\"s\",\"sources\":[\"192.0.2.1\"]}", "",
	       "sources[0]: ");
	expect(CONFIG_SETTINGS, "", "{\"realm\":\"other\"}", "", "realm: ");
	expect(CONFIG_SETTINGS, "", "{\"realm\":\"r\",\"prack\":\"x\"}", "",
	       "prack: ");
}

/* Paths of the errors, in order. */
static void note(const char *text, void *arg)
{
	char *list = arg;

	(void)strncat(list, text, strcspn(text, ":"));
	(void)strcat(list, " ");
}

/* All that is wrong with the item is told, and nothing of others. */
static void test_all_that_is_wrong(void **state)
{
	ProtobufCMessage *msg = item(CONFIG_DEVICES,
		"{\"id\":\"1001\",\"maxCalls\":2000000,\"srtp\":\"x\","
		"\"codecs\":[\"mp3\",\"opus\",\"opus\"],"
		"\"forward\":{\"busy\":\"no number\"}}");
	struct config_edit_error e;
	char list[512] = "";
	(void)state;

	assert_int_equal(config_edit_check(conf, CONFIG_DEVICES, "1001", msg,
					   &e, note, list), EBADMSG);
	assert_true(e.own);
	assert_string_equal(list, "password srtp maxCalls forward.busy "
				  "codecs[0] codecs[2] ");
	protobuf_c_message_free_unpacked(msg, NULL);

	/* In the way of a group, and of a route: neither is its own. */
	list[0] = '\0';
	assert_int_equal(config_edit_check(conf, CONFIG_DEVICES, "1002", NULL,
					   &e, note, list), EBADMSG);
	assert_false(e.own);
	assert_string_equal(list, "");
}

static void count(const char *text, void *arg)
{
	size_t *n = arg;
	(void)text;

	++*n;
}

/* A document without end has no errors without end. */
static void test_many_wrong(void **state)
{
	enum { MANY = 500 };
	Sy__Device *v[MANY], d = SY__DEVICE__INIT;
	Sy__Settings set = SY__SETTINGS__INIT;
	Sy__Config wrong = SY__CONFIG__INIT;
	size_t n = 0;
	(void)state;

	d.id = "same";
	for (size_t i = 0; i < MANY; i++)
		v[i] = &d;
	set.realm = "r";
	wrong.settings = &set;
	wrong.devices = v;
	wrong.n_devices = MANY;
	assert_int_equal(config_check_all(&wrong, count, &n), EBADMSG);
	assert_int_equal(n, CONFIG_WRONG_MAX);
	assert_int_equal(config_check_all(&wrong, NULL, NULL), EBADMSG);
}

static void test_secrets_stay(void **state)
{
	Sy__Device *d = (Sy__Device *)item(CONFIG_DEVICES,
					   "{\"id\":\"1001\"}");
	Sy__Trunk *t = (Sy__Trunk *)item(
		CONFIG_TRUNKS, "{\"id\":\"t\",\"username\":\"u\"}");
	Sy__Trunk *bare = (Sy__Trunk *)item(CONFIG_TRUNKS,
					    "{\"id\":\"t\"}");
	Sy__Device *fresh = (Sy__Device *)item(
		CONFIG_DEVICES, "{\"id\":\"1001\",\"password\":\"z\"}");
	Sy__Trunk shown;
	(void)state;

	assert_int_equal(config_edit_keep(CONFIG_DEVICES, &d->base,
					  &conf->devices[0]->base), 0);
	assert_string_equal(d->ha1_md5, conf->devices[0]->ha1_md5);
	assert_int_equal(strlen(d->ha1_sha256), 64);
	assert_int_equal(config_edit_keep(CONFIG_DEVICES, &fresh->base,
					  &conf->devices[0]->base), 0);
	assert_string_equal(fresh->ha1_md5, "");
	assert_int_equal(config_edit_keep(CONFIG_TRUNKS, &t->base,
					  &conf->trunks[0]->base), 0);
	assert_int_equal(t->password_sealed.len, 3);
	assert_int_equal(config_edit_keep(CONFIG_TRUNKS, &bare->base,
					  &conf->trunks[0]->base), 0);
	assert_int_equal(bare->password_sealed.len, 0);

	config_edit_hide(CONFIG_TRUNKS, &shown, &t->base);
	assert_int_equal(shown.password_sealed.len, 0);
	assert_int_equal(t->password_sealed.len, 3);
	config_edit_forget(CONFIG_DEVICES, &d->base);
	assert_string_equal(d->ha1_md5, "");
	assert_true(config_section_is_plain(CONFIG_DEVICES, &fresh->base));
	assert_false(config_section_is_plain(CONFIG_DEVICES, &d->base));

	sy__device__free_unpacked(d, NULL);
	sy__device__free_unpacked(fresh, NULL);
	sy__trunk__free_unpacked(t, NULL);
	sy__trunk__free_unpacked(bare, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_blames),
		cmocka_unit_test(test_all_that_is_wrong),
		cmocka_unit_test(test_many_wrong),
		cmocka_unit_test(test_secrets_stay),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
