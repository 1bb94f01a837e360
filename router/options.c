/* SPDX-License-Identifier: MIT */
/* The table of options; see options.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <re.h>
#include "proto/local_net.h"
#include "proto/locate.h"
#include "proto/option.h"
#include "proto/redis.h"
#include "router/certs.h"
#include "router/options.h"
#include "router/public.h"
#include "router/wire.h"

enum { KEY_MAX = 4096 };

static const char want_address[] = "ADDR:PORT or [ADDR6]:PORT";

/* "ADDR:PORT,..." or nothing */
static int check_list(const char *val, const char **errp)
{
	struct sa sa;

	while (*val) {
		const size_t len = strcspn(val, ",");

		if (!len || sa_decode(&sa, val, len)) {
			*errp = want_address;
			return EINVAL;
		}
		val += len + (val[len] == ',');
	}

	return 0;
}

/* "ADDR" or nothing; a name would be of no use to nodes */
static int check_host(const char *val, const char **errp)
{
	struct sa sa;

	*errp = "a numeric address, such as 10.0.1.5; what peers outside are "
		"told is --public";

	return *val && (sa_set_str(&sa, val, 0) || sa_is_any(&sa)) ? EINVAL
								   : 0;
}

/* "ADDR:PORT" or nothing */
static int check_address(const char *val, const char **errp)
{
	*errp = want_address;

	return strchr(val, ',') ? EINVAL : check_list(val, errp);
}

int options_read(struct options *o, int argc, char **argv)
{
	const struct option_def defs[] = {
		{.name = "id", .type = OPTION_STRING, .value = &o->id,
		 .def = "router-1", .metavar = "NAME",
		 .help = "name of this router in the cluster"},
		{.name = "redis", .type = OPTION_STRING, .value = &o->redis,
		 .def = "redis://127.0.0.1:6379", .metavar = "URL",
		 .help = REDIS_URL_HELP,
		 .check = redis_url_check, .secret = true},
		{.name = "udp", .type = OPTION_STRING, .value = &o->udp,
		 .def = "127.0.0.1:5060", .metavar = "ADDR:PORT,...",
		 .help = "SIP over UDP on these addresses",
		 .check = check_list},
		{.name = "tcp", .type = OPTION_STRING, .value = &o->tcp,
		 .def = "127.0.0.1:5060", .metavar = "ADDR:PORT,...",
		 .help = "SIP over TCP on these addresses; \"\": none",
		 .check = check_list},
		{.name = "tls", .type = OPTION_STRING, .value = &o->tls,
		 .def = "", .metavar = "ADDR:PORT,...",
		 .help = "SIP over TLS on these addresses; \"\": none",
		 .check = check_list},
		{.name = "ws", .type = OPTION_STRING, .value = &o->ws,
		 .def = "", .metavar = "ADDR:PORT,...",
		 .help = "SIP over WebSocket on these addresses; \"\": none",
		 .check = check_list},
		{.name = "wss", .type = OPTION_STRING, .value = &o->wss,
		 .def = "", .metavar = "ADDR:PORT,...",
		 .help = "the same over TLS; \"\": none",
		 .check = check_list},
		{.name = "tls-cert", .type = OPTION_STRING,
		 .value = &o->tls_cert, .def = "", .metavar = "FILE,...",
		 .help = "PEM files, each a certificate with its chain; who "
			 "names a host gets the one that is for it, else the "
			 "first; read anew when they change, and on SIGHUP"},
		{.name = "tls-key", .type = OPTION_STRING,
		 .value = &o->tls_key, .def = "", .metavar = "FILE,...",
		 .help = "PEM files with the keys of --tls-cert, in its order"},
		{.name = "tls-ca", .type = OPTION_STRING, .value = &o->tls_ca,
		 .def = "", .metavar = "FILE",
		 .help = "PEM file with who signs peers: a client's certificate "
			 "must be good if it shows one, a server's must name "
			 "its address; \"\": none is looked at"},
		{.name = "advertise", .type = OPTION_STRING,
		 .value = &o->advertise, .def = "", .metavar = "ADDR",
		 .help = "address to tell nodes and routers instead of the one "
			 "listened on",
		 .check = check_host},
		{.name = "public", .type = OPTION_STRING,
		 .value = &o->public, .def = "", .metavar = "HOST,...",
		 .help = "address or name by which peers outside reach us "
			 "through a NAT or load balancer, one a family; "
			 "KIND:HOST:PORT for a transport at another port; "
			 "\"\": the address listened on",
		 .check = public_check},
		{.name = "local-net", .type = OPTION_STRING,
		 .value = &o->locals, .def = "", .metavar = "NET,...",
		 .help = "networks whose peers are told the address listened "
			 "on instead of the public one; \"\": none",
		 .check = local_nets_check},
		{.name = "cluster-key-file", .type = OPTION_STRING,
		 .value = &o->key_file, .def = "", .metavar = "FILE",
		 .help = "file with the cluster's secret, at least 16 bytes"},
		{.name = "cluster-key", .type = OPTION_STRING,
		 .value = &o->key, .def = "", .metavar = "SECRET",
		 .help = "the secret itself, instead of a file; better as a "
			 "variable than as a flag",
		 .secret = true},
		{.name = "threads", .type = OPTION_UINT, .value = &o->threads,
		 .def = "1", .min = 1, .max = WIRE_THREADS_MAX,
		 .metavar = "N", .help = "worker threads"},
		{.name = "tcp-max", .type = OPTION_UINT, .value = &o->tcp_max,
		 .def = "4096", .min = 1, .max = 60000, .metavar = "N",
		 .help = "TCP and TLS connections of each thread"},
		{.name = "tcp-idle", .type = OPTION_UINT,
		 .value = &o->tcp_idle_s, .def = "4000", .min = 2,
		 .max = 86400, .metavar = "SECONDS",
		 .help = "close a connection after so long without a message "
			 "or keep-alive, unless a registration stands for it "
			 "[s]"},
		{.name = "coalesce-us", .type = OPTION_UINT,
		 .value = &o->coalesce_us, .def = "1000", .min = 0,
		 .max = 10000, .metavar = "MICROSECONDS",
		 .help = "above 4000 datagrams a second, look for new ones "
			 "only so often: less CPU, more delay; 0: at once "
			 "[us]"},
		{.name = "pending-max", .type = OPTION_UINT,
		 .value = &o->pending_max, .def = "2000", .min = 1,
		 .max = 100000, .metavar = "N",
		 .help = "requests of each thread that may wait for Redis or "
			 "a node"},
		{.name = "nonce-age", .type = OPTION_UINT,
		 .value = &o->nonce_s, .def = "300", .min = 10, .max = 86400,
		 .metavar = "SECONDS",
		 .help = "a digest nonce is stale after so long [s]"},
		{.name = "grace-ms", .type = OPTION_UINT,
		 .value = &o->grace_ms, .def = "2000", .min = 0,
		 .max = 60000, .metavar = "MILLISECONDS",
		 .help = "on SIGTERM, go on for so long after the others were "
			 "told to choose another router [ms]"},
		{.name = "dns-server", .type = OPTION_STRING, .value = &o->dns,
		 .def = "", .metavar = "ADDR[:PORT],...",
		 .help = "who is asked for the names of trunks and phones; "
			 "\"\": who /etc/resolv.conf names",
		 .check = locate_servers_check},
		{.name = "metrics", .type = OPTION_STRING,
		 .value = &o->metrics, .def = "", .metavar = "ADDR:PORT",
		 .help = "HTTP: /metrics, /healthz, /readyz; \"\": none",
		 .check = check_address},
		{.name = "log-level", .type = OPTION_CHOICE,
		 .value = &o->log_level, .def = "info",
		 .choices = "debug|info|warn|error",
		 .help = "what to log to stderr"},
		{.name = "log-format", .type = OPTION_CHOICE,
		 .value = &o->log_format, .def = "logfmt",
		 .choices = "logfmt|json", .help = "how"},
	};

	return option_read("switchyard-router",
			   "SIP edge of a Switchyard cluster", defs,
			   sizeof(defs) / sizeof(defs[0]), argc, argv);
}

int options_complain(const char *what, const char *why)
{
	(void)fprintf(stderr, "switchyard-router: %s: %s\n", what, why);

	return EINVAL;
}

/* The secret as it is in the file, but for line ends behind it. */
static ssize_t read_secret(char *buf, size_t size, const char *path)
{
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	n = read(fd, buf, size);
	(void)close(fd);
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		--n;

	return n;
}

int options_key(struct token_key **keyp, const struct options *o)
{
	char buf[KEY_MAX];
	const char *secret = o->key;
	ssize_t n = (ssize_t)strlen(secret);
	int err;

	if (*o->key_file) {
		n = read_secret(buf, sizeof(buf), o->key_file);
		if (n < 0)
			return options_complain(o->key_file, strerror(errno));
		secret = buf;
	} else if (!n) {
		return options_complain("--cluster-key-file",
				"is needed (or SWITCHYARD_CLUSTER_KEY)");
	}
	err = token_key_alloc(keyp, secret, (size_t)n);
	if (err == EINVAL)
		(void)options_complain("cluster key", "at least 16 bytes are wanted");
	explicit_bzero(buf, sizeof(buf));

	return err;
}

int options_listen(struct wire_listen *at, const struct options *o)
{
	const struct certs_conf conf = {o->tls_cert, o->tls_key, o->tls_ca};
	char errbuf[512];
	int err = 0;

	*at = (struct wire_listen){.udp = o->udp,
				   .tcp = o->tcp,
				   .tls = o->tls,
				   .ws = o->ws,
				   .wss = o->wss,
				   .advertise = o->advertise,
				   .public = o->public,
				   .locals = o->locals};
	if (public_fits(at, errbuf, sizeof(errbuf)))
		return options_complain("--public", errbuf);
	if (!*o->tls && !*o->wss)
		return 0;
	if (!*o->tls_cert || !*o->tls_key)
		return options_complain(*o->tls ? "--tls" : "--wss",
				"needs --tls-cert and --tls-key");
	errbuf[0] = '\0';
	err = certs_alloc(&at->certs, &conf, errbuf, sizeof(errbuf));
	if (err)
		(void)fprintf(stderr, "switchyard-router: %s\n",
			      *errbuf ? errbuf : strerror(err));

	return err;
}
