/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
/* The configuration's file and checks; without Redis. */

#include <unistd.h>

#include "config_text.h"
#include "proto/digest.h"

#define SET "\"settings\":{\"realm\":\"switchyard\"},"
#define DEV "\"devices\":[{\"id\":\"1001\",\"password\":\"pw\"}],"
#define TRK "\"trunks\":[{\"id\":\"loop\",\"sources\":[\"127.0.0.1:5090\"]}],"

static void test_whole(void **state)
{
	Sy__Config *conf = read_ok("{" SET TRK
		"\"devices\":[{\"id\":\"1001\",\"password\":\"demo-1001\"},"
		"{\"id\":\"1002\",\"ha1Md5\":"
		"\"ABCDEF0123456789abcdef0123456789\"}],"
		"\"routes\":[{\"id\":\"b\",\"order\":9,\"pattern\":\"7XX\","
		"\"target\":{\"external\":{\"trunk\":\"loop\","
		"\"number\":\"$0\"}}},"
		"{\"id\":\"a\",\"order\":3,\"pattern\":\"1XXX\","
		"\"source\":\"trunk:loop\",\"target\":{\"device\":\"$0\"}}]}");
	char hex[DIGEST_HEX_MAX + 1];
	(void)state;

	assert_int_equal(2, conf->n_devices);
	assert_string_equal("", conf->devices[0]->password);
	assert_int_equal(0, digest_ha1(hex, DIGEST_MD5, "1001", "switchyard",
				       "demo-1001"));
	assert_string_equal(hex, conf->devices[0]->ha1_md5);
	assert_int_equal(0, digest_ha1(hex, DIGEST_SHA256, "1001",
				       "switchyard", "demo-1001"));
	assert_string_equal(hex, conf->devices[0]->ha1_sha256);
	assert_string_equal("abcdef0123456789abcdef0123456789",
			    conf->devices[1]->ha1_md5);
	/* in the order in which they are tried */
	assert_string_equal("a", conf->routes[0]->id);
	assert_string_equal("b", conf->routes[1]->id);
	sy__config__free_unpacked(conf, NULL);
	sy__config__free_unpacked(read_ok("{}"), NULL);
}

static void test_wiped(void **state)
{
	Sy__Config *conf = read_ok("{" SET "\"devices\":[{\"id\":\"1\","
				   "\"password\":\"secret-7\"}]}");
	(void)state;

	assert_memory_equal(conf->devices[0]->password, "\0\0\0\0\0\0\0\0", 8);
	sy__config__free_unpacked(conf, NULL);
}

static void test_shape_refused(void **state)
{
	(void)state;
	assert_refused("{\"device\":[]}", "unknown field \"device\"; "
		       "allowed: revision, settings, devices, trunks, "
		       "routes, tokens...");
	assert_refused("{" SET "\"tokens\":[{\"id\":\"1\",\"scope\":"
		       "\"x\"}]}", "tokens[0]: unknown field \"scope\"; "
		       "allowed: id, name, hash, scopes...");
	assert_refused("{", "line 1, column 1: not JSON: string or '}' "
		       "expected near end of file");
	assert_refused("[]", "must be an object, is an array");
}

static void test_settings_refused(void **state)
{
	(void)state;
	assert_refused("{" DEV "\"routes\":[]}",
		       "settings.realm: is needed for devices");
	assert_refused("{\"settings\":{\"realm\":\"a\\\"b\"}}",
		       "settings.realm: must be up to 128 characters, "
		       "without \" \\ and :");
	assert_refused("{\"settings\":{\"realm\":\"a\",\"registerMinS\":9000}}",
		       "settings.registerMinS: 9000 is more than "
		       "registerMaxS, 3600");
	assert_refused("{\"settings\":{\"realm\":\"a\","
		       "\"sessionExpiresS\":60}}",
		       "settings.sessionExpiresS: must be from 90 to 86400, "
		       "or 0, is 60");
	assert_refused("{\"settings\":{\"realm\":\"a\","
		       "\"sessionMinS\":89}}",
		       "settings.sessionMinS: must be from 90 to 86400, "
		       "or 0, is 89");
	assert_refused("{\"settings\":{\"realm\":\"a\",\"qualifyS\":4}}",
		       "settings.qualifyS: must be from 5 to 3600, or 0, is "
		       "4");
	assert_refused("{\"settings\":{\"realm\":\"a\","
		       "\"unreachable\":\"hide\"}}",
		       "settings.unreachable: unknown name \"hide\"; allowed: "
		       "skip, ring");
	assert_refused("{\"settings\":{\"realm\":\"a\"},\"devices\":["
		       "{\"id\":\"1\",\"password\":\"p\","
		       "\"qualifyS\":3601}]}",
		       "devices[0].qualifyS: must be from 5 to 3600, or 0, is "
		       "3601");
	assert_refused("{\"settings\":{\"realm\":\"a\",\"prack\":\"on\"}}",
		       "settings.prack: unknown name \"on\"; allowed: "
		       "supported, off, required");
	assert_refused("{\"settings\":{\"realm\":\"a\","
		       "\"sessionMinS\":1801}}",
		       "settings.sessionMinS: 1801 is more than "
		       "sessionExpiresS, 1800");
	assert_refused("{\"settings\":{\"realm\":\"a\",\"codecs\":"
		       "[\"opus\",\"G729\"]}}",
		       "settings.codecs[1]: unknown name \"G729\"; allowed: "
		       "opus, G722, PCMU, PCMA, L16");
	assert_refused("{\"settings\":{\"realm\":\"a\",\"codecs\":"
		       "[\"PCMU\",\"pcmu\"]}}",
		       "settings.codecs[1]: \"pcmu\" is there twice");
	assert_refused("{\"trunks\":[{\"id\":\"t\",\"target\":\"a.b:5060\","
		       "\"dtmf\":\"morse\"}]}",
		       "trunks[0].dtmf: unknown name \"morse\"; allowed: auto, "
		       "rfc4733, info, inband");
	assert_refused("{\"settings\":{\"realm\":\"a\",\"domains\":"
		       "[\"a.b\",\"a b\"]}}",
		       "settings.domains[1]: \"a b\" is no host name");
	assert_refused("{\"settings\":{\"realm\":\"a\","
		       "\"opusBitrateBps\":5}}",
		       "settings.opusBitrateBps: must be from 6000 to 510000, "
		       "is 5");
	assert_refused("{\"settings\":{\"realm\":\"a\","
		       "\"comfortNoiseDb\":-10}}",
		       "settings.comfortNoiseDb: must be from -90 to -30, or "
		       "0");
	assert_refused("{\"settings\":{\"realm\":\"a\","
		       "\"denoise\":\"magic\"}}",
		       "settings.denoise: must be off, speex, rnnoise or "
		       "auto");
	assert_refused("{\"settings\":{\"realm\":\"a\",\"srtp\":\"on\"}}",
		       "settings.srtp: unknown name \"on\"; allowed: off, "
		       "optional, required");
	assert_refused("{\"settings\":{\"realm\":\"a\",\"ringSeconds\":5000}}",
		       "settings.ringSeconds: must be at most 3600, is 5000");
}

static void test_devices_refused(void **state)
{
	(void)state;
	assert_refused("{" SET "\"devices\":[{\"id\":\"10 1\"}]}",
		       "devices[0].id: \"10 1\" is no id; allowed: 1 to 64 "
		       "letters, digits and ._~+*#-");
	assert_refused("{" SET "\"devices\":[{\"id\":\"2\",\"password\":"
		       "\"x\"},{\"id\":\"1\",\"password\":\"x\"},"
		       "{\"id\":\"2\",\"password\":\"x\"}]}",
		       "devices[2].id: \"2\" is there twice");
	assert_refused("{" SET "\"devices\":[{\"id\":\"1\"}]}",
		       "devices[0].password: is needed, or ha1Md5 and "
		       "ha1Sha256");
	assert_refused("{" SET "\"devices\":[{\"id\":\"1\",\"ha1Md5\":"
		       "\"12\"}]}",
		       "devices[0].ha1Md5: must be 32 hexadecimal digits");
	assert_refused("{" SET "\"devices\":[{\"id\":\"1\",\"password\":\"x\","
		       "\"maxContacts\":101}]}",
		       "devices[0].maxContacts: must be at most 100, is 101");
	assert_refused("{" SET "\"devices\":[{\"id\":\"1\",\"password\":\"x\","
		       "\"srtp\":\"yes\"}]}",
		       "devices[0].srtp: unknown name \"yes\"; allowed: off, "
		       "optional, required");
	assert_refused("{" SET "\"devices\":[{\"id\":\"1\",\"password\":\"x\","
		       "\"displayName\":\"a\\nb\"}]}",
		       "devices[0].displayName: must be up to 128 characters, "
		       "none of them a control character");
}

static void test_trunks_refused(void **state)
{
	(void)state;
	assert_refused("{\"trunks\":[{\"id\":\"t\",\"target\":\"a.b:5060\","
		       "\"srtp\":\"must\"}]}",
		       "trunks[0].srtp: unknown name \"must\"; allowed: off, "
		       "optional, required");
	assert_refused("{\"trunks\":[{\"id\":\"t\",\"sources\":[\"1.2.3\"]}]}",
		       "trunks[0].sources[0]: \"1.2.3\" is wrong; allowed: an "
		       "address or network as \"192.0.2.1\", "
		       "\"192.0.2.0/24\", \"192.0.2.1:5060\" or "
		       "\"[2001:db8::1]:5060\"");
	assert_refused("{\"trunks\":[{\"id\":\"t\",\"sources\":"
		       "[\"10.0.0.1/8\"]},{\"id\":\"u\",\"sources\":"
		       "[\"10.9.9.9/8\"]}]}",
		       "trunks[1].sources[0]: \"10.9.9.9/8\" is a source of a "
		       "trunk already");
	assert_refused("{\"trunks\":[{\"id\":\"t\"}]}",
		       "trunks[0].target: is needed, or sources");
	assert_refused("{\"trunks\":[{\"id\":\"t\",\"target\":\"host:\"}]}",
		       "trunks[0].target: \"host:\" is wrong; allowed: "
		       "\"host\", \"host:port\", \"[IPv6]:port\", with or without "
		       "\";transport=udp\", \";transport=tcp\" or "
		       "\";transport=tls\"");
}

#define ROUTE(body) "{" SET DEV TRK "\"routes\":[{\"id\":\"r\"," body "}]}"

#define TRUNK(more) "{\"trunks\":[{\"id\":\"t\",\"target\":\"h:1\"," more "}]}"

static void test_trunk_calls_refused(void **state)
{
	static const struct {
		const char *json, *why;
	} v[] = {
	    {TRUNK("\"countryCode\":\"+49\""),
	     "trunks[0].countryCode: \"+49\" is wrong; allowed: up to 8 "
	     "digits"},
	    {TRUNK("\"nationalPrefix\":\"0\""),
	     "trunks[0].nationalPrefix: needs countryCode"},
	    {TRUNK("\"numberFormat\":\"E164\""),
	     "trunks[0].numberFormat: unknown name \"E164\"; allowed: e164, "
	     "plain, national, international, or \"\""},
	    {TRUNK("\"numberFormat\":\"national\""),
	     "trunks[0].internationalPrefix: is needed for numberFormat "
	     "national"},
	    {TRUNK("\"calledIn\":[{\"pattern\":\"^(\"}]"),
	     NULL},
	    {TRUNK("\"callerOut\":[{\"prefix\":\"<x>\"}]"),
	     "trunks[0].callerOut[0].prefix: \"<x>\" is no number; allowed: "
	     "1 to 64 letters, digits and +*#-._"},
	    {TRUNK("\"numbers\":[{\"name\":\"x\"}]"),
	     "trunks[0].numbers[0].number: either a number, or first and last, "
	     "is needed"},
	    {TRUNK("\"numbers\":[{\"first\":\"20\",\"last\":\"100\"}]"),
	     "trunks[0].numbers[0].last: \"100\" is wrong; allowed: as many "
	     "digits as first has, and not less"},
	    {TRUNK("\"numbers\":[{\"first\":\"+10\",\"last\":\"20\"},"
		   "{\"number\":\"15\"}]"),
	     "trunks[0].numbers[1].number: 15 is in numbers[0] already"},
	    {TRUNK("\"numbers\":[{\"number\":\"1\",\"target\":"
		   "{\"device\":\"7\"}}]"),
	     "trunks[0].numbers[0].target.device: there is no device \"7\""},
	    {TRUNK("\"sendHistory\":\"all\""),
	     "trunks[0].sendHistory: unknown name \"all\"; allowed: none, "
	     "history, diversion, both"},
	    {TRUNK("\"identity\":\"x\""),
	     "trunks[0].identity: unknown name \"x\"; allowed: from, pai, "
	     "rpid"},
	    {TRUNK("\"failoverCodes\":[302]"),
	     "trunks[0].failoverCodes[0]: must be from 400 to 699, is 302"},
	    {TRUNK("\"maxCalls\":2000000"),
	     "trunks[0].maxCalls: must be at most 1000000, is 2000000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		Sy__Config *conf = NULL;

		if (v[i].why) {
			assert_refused(v[i].json, v[i].why);
			continue;
		}
		assert_int_not_equal(
		    0, config_read(&conf, "test", v[i].json,
				   strlen(v[i].json), errbuf, sizeof(errbuf)));
	}

	assert_refused("{\"trunks\":[{\"id\":\"t\",\"target\":\"h:1\"}],"
		       "\"routes\":[{\"id\":\"r\",\"order\":1,\"pattern\":\"1\","
		       "\"target\":{\"external\":{\"trunk\":\"t\",\"number\":"
		       "\"$0\",\"failover\":[\"u\"]}}}]}",
		       "routes[0].target.external.failover[0]: there is no "
		       "trunk \"u\"");
	sy__config__free_unpacked(
	    read_ok(TRUNK("\"countryCode\":\"49\",\"nationalPrefix\":\"0\","
			  "\"internationalPrefix\":\"00\",\"numberFormat\":"
			  "\"national\",\"numbers\":[{\"first\":\"+4910\","
			  "\"last\":\"+4919\",\"target\":{\"echo\":true}},"
			  "{\"number\":\"+4920\"}],\"identity\":\"pai\"")),
	    NULL);
}

static void test_routes_refused(void **state)
{
	(void)state;
	assert_refused(ROUTE("\"pattern\":\"1\""),
		       "routes[0].target: is needed; one of device, "
		       "conference, echo, tone, file, external, group, "
		       "park, pickup, feature");
	assert_refused(ROUTE("\"target\":{\"echo\":true}"),
		       "routes[0].pattern: \"\" is wrong; a pattern is "
		       "needed");
	assert_refused(ROUTE("\"pattern\":\"[1\",\"target\":{\"echo\":true}"),
		       "routes[0].pattern: \"[1\" is wrong; a set is "
		       "[ characters or ranges ]");
	assert_refused(ROUTE("\"pattern\":\"1\",\"target\":"
			     "{\"device\":\"1002\"}"),
		       "routes[0].target.device: there is no device "
		       "\"1002\"");
	assert_refused(ROUTE("\"pattern\":\"1\",\"target\":{\"external\":"
			     "{\"trunk\":\"x\",\"number\":\"1\"}}"),
		       "routes[0].target.external.trunk: there is no trunk "
		       "\"x\"");
	assert_refused(ROUTE("\"pattern\":\"1\",\"target\":{\"external\":"
			     "{\"trunk\":\"loop\"}}"),
		       "routes[0].target.external.number: is empty");
	assert_refused(ROUTE("\"pattern\":\"1\",\"source\":\"devices\","
			     "\"target\":{\"echo\":true}"),
		       "routes[0].source: \"devices\" is wrong; allowed: \"\" "
		       "(anyone), \"device\", \"device:ID\", \"trunk\", "
		       "\"trunk:ID\", \"api\"");
	assert_refused(ROUTE("\"pattern\":\"1\",\"source\":\"trunk:x\","
			     "\"target\":{\"echo\":true}"),
		       "routes[0].source: there is no trunk \"x\"");
	assert_refused(ROUTE("\"pattern\":\"1\",\"target\":{\"tone\":"
			     "{\"hz\":5}}"),
		       "routes[0].target.tone.hz: must be from 20 to 20000");
	assert_refused(ROUTE("\"pattern\":\"1\",\"target\":{\"file\":"
			     "\"../x\"}"),
		       "routes[0].target.file: must not contain \"..\"");
	assert_refused("{\"routes\":[{\"id\":\"a\",\"pattern\":\"1\","
		       "\"target\":{\"echo\":true}},{\"id\":\"b\",\"pattern\":"
		       "\"2\",\"target\":{\"echo\":true}}]}",
		       "routes[1].order: 0 is that of route \"a\" already");
}

#define HASH "\"0123456789abcdef0123456789abcdef0123456789abcdef" \
	     "0123456789ABCDEF\""

static void test_tokens(void **state)
{
	Sy__Config *conf = read_ok("{\"tokens\":[{\"id\":\"t\",\"hash\":" HASH
				   ",\"scopes\":[\"calls:read\"]}]}");
	(void)state;

	assert_ptr_equal(NULL, strpbrk(conf->tokens[0]->hash, "ABCDEF"));
	sy__config__free_unpacked(conf, NULL);
	assert_refused("{\"tokens\":[{\"id\":\"t\",\"hash\":\"x\"}]}",
		       "tokens[0].hash: must be 64 hexadecimal digits: the "
		       "SHA-256 of the token");
	assert_refused("{\"tokens\":[{\"id\":\"t\",\"hash\":" HASH "}]}",
		       "tokens[0].scopes: at least one is needed");
	assert_refused("{\"tokens\":[{\"id\":\"t\",\"hash\":" HASH
		       ",\"scopes\":[\"calls\"]}]}",
		       "tokens[0].scopes[0]: unknown name \"calls\"; allowed: "
		       "...");
}

/* ---------------------------------------------------------------- parking */

static void test_parking(void **state)
{
	Sy__Config *conf = read_ok("{\"settings\":{\"realm\":\"s\","
				   "\"parkSeconds\":90,"
				   "\"parkOverflow\":\"0\"}}");
	(void)state;

	assert_int_equal(conf->settings->park_seconds, 90);
	assert_string_equal(conf->settings->park_overflow, "0");
	sy__config__free_unpacked(conf, NULL);
	assert_refused("{\"settings\":{\"realm\":\"s\",\"parkOverflow\":\"10 10\"}}",
		       "settings.parkOverflow: \"10 10\" is no number; "
		       "allowed: up to 64 letters, digits and +*#-._");
	assert_refused("{\"settings\":{\"realm\":\"s\",\"parkSeconds\":3601}}",
		       "settings.parkSeconds: must be at most 3600, is "
		       "3601");
}

/* ------------------------------------------------------------------- file */

static void test_file(void **state)
{
	char path[] = "/tmp/sy-config-XXXXXX", want[128];
	int fd = mkstemp(path);
	Sy__Config *conf = NULL;
	FILE *f = fdopen(fd, "w");
	(void)state;

	assert_non_null(f);
	/* longer than one piece of the reader */
	(void)fprintf(f, "{%s\"devices\":[%200000s", SET, "");
	(void)fputs("{\"id\":\"1\",\"password\":\"x\"}]}\n", f);
	(void)fclose(f);
	if (config_read_file(&conf, path, errbuf, sizeof(errbuf)))
		fail_msg("%s", errbuf);
	assert_int_equal(1, conf->n_devices);
	sy__config__free_unpacked(conf, NULL);
	(void)unlink(path);

	assert_int_equal(ENOENT, config_read_file(&conf, path, errbuf,
						  sizeof(errbuf)));
	(void)snprintf(want, sizeof(want), "%s: No such file or directory",
		       path);
	assert_string_equal(errbuf, want);
	assert_int_equal(EISDIR, config_read_file(&conf, "/tmp", errbuf,
						  sizeof(errbuf)));
	assert_string_equal(errbuf, "/tmp: Is a directory");
}

static void test_guard(void **state)
{
	static const struct {
		const char *settings, *why;
	} v[] = {
		{"\"guard\":{\"deny\":[\"192.0.2.0/33\"]}",
		 "settings.guard.deny[0]: \"192.0.2.0/33\" is wrong; allowed: "
		 "an address or network as \"192.0.2.1\", \"192.0.2.0/24\", "
		 "\"192.0.2.1:5060\" or \"[2001:db8::1]:5060\""},
		{"\"guard\":{\"allow\":[\"::1\",\"192.0.2.1:5060\"]}",
		 "settings.guard.allow[1]: \"192.0.2.1:5060\" names a port; "
		 "allowed: an address or a network"},
		{"\"guard\":{\"banSeconds\":100,\"banMaxSeconds\":99}",
		 "settings.guard.banSeconds: 100 is more than banMaxSeconds, "
		 "99"},
		{"\"guard\":{\"users\":51}",
		 "settings.guard.users: must be at most 50, is 51"},
		{"\"guard\":{\"scanners\":[\"x\"]}",
		 "settings.guard.scanners[0]: must be the beginning of a "
		 "User-Agent, 3 to 128 characters"},
		{"\"costly\":[{\"prefix\":\"00a\"}]",
		 "settings.costly[0].prefix: \"00a\" is wrong; allowed: 1 to 32 "
		 "of 0-9 * #, also behind a +"},
		{"\"costly\":[{\"prefix\":\"+882\"},{\"prefix\":\"+882\"}]",
		 "settings.costly[1].prefix: \"+882\" is there twice"},
		{"\"costly\":[{\"prefix\":\"1\",\"permission\":\"a b\"}]",
		 "settings.costly[0].permission: \"a b\" is wrong; allowed: "
		 "letters, digits and ._-, up to 64"},
	};
	char json[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		(void)re_snprintf(json, sizeof(json),
				  "{\"settings\":{\"realm\":\"r\",%s}}",
				  v[i].settings);
		assert_refused(json, v[i].why);
	}
	assert_refused("{\"settings\":{\"realm\":\"r\",\"costly\":[{"
		       "\"prefix\":\"9\",\"permission\":\"far\"}]},"
		       "\"devices\":[{\"id\":\"1\",\"password\":\"x\","
		       "\"permissions\":[\"far\",\"fra\"]}]}",
		       "devices[0].permissions[1]: \"fra\" is the permission "
		       "of no entry of settings.costly");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_shape_refused),
		cmocka_unit_test(test_settings_refused),
		cmocka_unit_test(test_devices_refused),
		cmocka_unit_test(test_trunks_refused),
		cmocka_unit_test(test_trunk_calls_refused),
		cmocka_unit_test(test_routes_refused),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_guard),
		cmocka_unit_test(test_parking),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
