/* SPDX-License-Identifier: MIT */
/* switchyard-gateway: options, signals, and the loop. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <re.h>

#include "gateway/account/account.h"
#include "gateway/api/cors.h"
#include "gateway/gateway.h"
#include "gateway/http/server.h"
#include "proto/log.h"
#include "proto/option.h"

#define PROG "switchyard-gateway"

struct options {
	const char *redis, *id, *http, *https, *cert, *key, *token;
	const char *metrics, *level, *format, *web, *key_file, *secret;
	const char *password, *loopback;
	const char *cors;
	uint32_t per_s, connections;
};

struct process {
	uv_loop_t loop;
	uv_signal_t sigv[3];
	struct gateway *gateway;
	unsigned signals;
};

static int check_address(const char *val, const char **errp)
{
	*errp = "allowed: an address and a port, as 127.0.0.1:8443 or "
		"[::1]:8443, or nothing for no such port";

	return !*val || web_address_is_valid(val) ? 0 : EINVAL;
}

static int check_id(const char *val, const char **errp)
{
	size_t len = strlen(val);

	*errp = "allowed: 1 to 63 letters, digits, - _ .";

	return len && len < 64 &&
	       strspn(val, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
		      "XYZ0123456789-_.") == len ? 0 : EINVAL;
}

static int check_password(const char *val, const char **errp)
{
	*errp = "allowed: " PASSWORD_ALLOWED;

	return *val && password_refuse(val, ACCOUNT_ADMIN, NULL) ? EINVAL : 0;
}

static int check_cors(const char *val, const char **errp)
{
	*errp = "allowed: origins, as https://app.example.com, separated by "
		"commas, or *";

	return cors_is_valid(val) ? 0 : EINVAL;
}

static int read_options(struct options *o, int argc, char **argv)
{
	const struct option_def defv[] = {
		{.name = "redis", .type = OPTION_STRING, .value = &o->redis,
		 .def = "redis://127.0.0.1:6379", .metavar = "URL",
		 .check = redis_url_check, .secret = true,
		 .help = REDIS_URL_HELP},
		{.name = "id", .type = OPTION_STRING, .value = &o->id,
		 .def = "gateway-1", .metavar = "NAME", .check = check_id,
		 .help = "name of this gateway in the cluster"},
		{.name = "http", .type = OPTION_STRING, .value = &o->http,
		 .def = "", .metavar = "ADDR", .check = check_address,
		 .help = "port without TLS (development only)"},
		{.name = "https", .type = OPTION_STRING, .value = &o->https,
		 .def = "127.0.0.1:8443", .metavar = "ADDR",
		 .check = check_address, .help = "port with TLS"},
		{.name = "tls-cert", .type = OPTION_STRING, .value = &o->cert,
		 .def = "", .metavar = "FILE",
		 .help = "PEM certificate and chain; none: a self-signed "
			 "one is made"},
		{.name = "tls-key", .type = OPTION_STRING, .value = &o->key,
		 .def = "", .metavar = "FILE", .help = "PEM key of it"},
		{.name = "web", .type = OPTION_STRING, .value = &o->web,
		 .def = "", .metavar = "DIR",
		 .help = "folder of the dashboard (deploy/build web makes "
			 "build/web/dist)"},
		{.name = "admin-token", .type = OPTION_STRING,
		 .value = &o->token, .def = "", .metavar = "TOKEN",
		 .secret = true,
		 .help = "API token with every scope (better by the "
			 "variable)"},
		{.name = "cluster-key-file", .type = OPTION_STRING,
		 .value = &o->key_file, .def = "", .metavar = "FILE",
		 .help = "file with the cluster's secret; without it no "
			 "passwords of providers can be set"},
		{.name = "cluster-key", .type = OPTION_STRING,
		 .value = &o->secret, .def = "", .metavar = "SECRET",
		 .secret = true,
		 .help = "the secret itself (better by the variable)"},
		{.name = "admin-password", .type = OPTION_STRING,
		 .value = &o->password, .def = "", .metavar = "PASSWORD",
		 .secret = true, .check = check_password,
		 .help = "of the user \"admin\", who is made where there is "
			 "no user yet (better by the variable)"},
		{.name = "webhook-loopback", .type = OPTION_CHOICE,
		 .value = &o->loopback, .def = "off", .choices = "off|on",
		 .help = "webhooks may be sent to this machine (development "
			 "only)"},
		{.name = "cors-origin", .type = OPTION_STRING,
		 .value = &o->cors, .def = "", .metavar = "ORIGINS",
		 .check = check_cors,
		 .help = "pages of other sites that may use the API with a "
			 "token, never with a cookie: their origins, or *"},
		{.name = "rate-limit", .type = OPTION_UINT,
		 .value = &o->per_s, .def = "100", .max = 1000000,
		 .metavar = "N",
		 .help = "requests a second of one token or user, twice as "
			 "many at once; 0: any number; tokens may have their "
			 "own"},
		{.name = "metrics-access", .type = OPTION_CHOICE,
		 .value = &o->metrics, .def = "open",
		 .choices = "open|token|off",
		 .help = "/metrics for all, for tokens with the scope "
			 "nodes:read, for nobody"},
		{.name = "connections", .type = OPTION_UINT,
		 .value = &o->connections, .def = "16384", .min = 16,
		 .max = 1000000, .metavar = "N",
		 .help = "clients at a time, half of them from one address"},
		{.name = "log-level", .type = OPTION_CHOICE,
		 .value = &o->level, .def = "info",
		 .choices = "debug|info|warn|error", .help = "log from here"},
		{.name = "log-format", .type = OPTION_CHOICE,
		 .value = &o->format, .def = "logfmt",
		 .choices = "logfmt|json", .help = "format of the log"},
	};

	return option_read(PROG, "HTTP gateway of a Switchyard cluster: REST "
			   "over HTTP/2 and HTTP/1.1", defv,
			   sizeof(defv) / sizeof(defv[0]), argc, argv);
}

/* Each connection is a file: use what the machine allows. */
static void raise_files(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
}

static void start_log(const struct options *o)
{
	struct log_conf conf = {.proc = o->id};

	(void)log_level_read(&conf.level, o->level);
	(void)log_format_read(&conf.format, o->format);
	log_init(&conf);
}

static void on_signal(uv_signal_t *sig, int num)
{
	struct process *p = sig->data;

	if (num == SIGHUP) {
		gateway_reload(p->gateway);
		return;
	}
	log_info("stopping", LOG_S("signal", strsignal(num)));
	gateway_stop(p->gateway);
	if (p->signals++)
		return;
	for (size_t i = 0; i < sizeof(p->sigv) / sizeof(p->sigv[0]); i++)
		uv_unref((uv_handle_t *)&p->sigv[i]);
}

static void watch_signals(struct process *p)
{
	static const int numv[] = {SIGTERM, SIGINT, SIGHUP};

	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(numv) / sizeof(numv[0]); i++) {
		(void)uv_signal_init(&p->loop, &p->sigv[i]);
		p->sigv[i].data = p;
		(void)uv_signal_start(&p->sigv[i], on_signal, numv[i]);
	}
}

static void close_signals(struct process *p)
{
	for (size_t i = 0; i < sizeof(p->sigv) / sizeof(p->sigv[0]); i++)
		uv_close((uv_handle_t *)&p->sigv[i], NULL);
}

static int run(struct process *p, const struct options *o)
{
	const struct gateway_conf conf = {
		.loop = &p->loop,
		.redis_url = o->redis,
		.id = o->id,
		.http = o->http,
		.https = o->https,
		.tls_cert = o->cert,
		.tls_key = o->key,
		.web = o->web,
		.cors = o->cors,
		.per_s = o->per_s,
		.admin_token = o->token,
		.cluster_key_file = o->key_file,
		.cluster_key = o->secret,
		.admin_password = o->password,
		.hook_loopback = !strcmp(o->loopback, "on"),
		.connections = o->connections,
		.metrics = !strcmp(o->metrics, "open") ? API_METRICS_OPEN :
			   !strcmp(o->metrics, "token") ? API_METRICS_TOKEN :
			   API_METRICS_OFF,
	};
	char errbuf[512];
	int err;

	err = gateway_alloc(&p->gateway, &conf, errbuf, sizeof(errbuf));
	if (err) {
		(void)fprintf(stderr, PROG ": %s\n", errbuf);
		return 1;
	}

	watch_signals(p);
	(void)uv_run(&p->loop, UV_RUN_DEFAULT);
	gateway_free(p->gateway);
	close_signals(p);
	(void)uv_run(&p->loop, UV_RUN_DEFAULT);

	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct process p = {.signals = 0};
	int status;

	switch (read_options(&o, argc, argv)) {
	case 0:
		break;
	case 1:
		return 0;
	default:
		return 2;
	}

	if (!*o.http && !*o.https) {
		(void)fprintf(stderr, PROG ": neither --http nor --https "
			      "names a port to listen on\n");
		return 2;
	}

	raise_files();
	start_log(&o);
	if (uv_loop_init(&p.loop))
		return 1;
	status = run(&p, &o);
	(void)uv_loop_close(&p.loop);

	return status;
}
