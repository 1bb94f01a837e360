/* SPDX-License-Identifier: MIT */
/* The table of options, and what their values mean: see options.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "node/options.h"
#include "proto/option.h"

enum {
	KEY_MIN = 16,
	JITTER_LEAST_MS = 20, /* of a jitter buffer */
	JITTER_MOST_MS = 500,
};

/* ---------------------------------------------------- what a value may be */

static int ports_read(struct media_conf *conf, const char *val)
{
	unsigned min, max;
	char end;

	if (sscanf(val, "%u-%u%c", &min, &max, &end) != 2)
		return EINVAL;
	if (min < 1024 || max > 65535 || min >= max)
		return EINVAL;

	if (conf) {
		conf->rtp_port_min = (uint16_t)min;
		conf->rtp_port_max = (uint16_t)max;
	}

	return 0;
}

static int check_ports(const char *val, const char **errp)
{
	*errp = "MIN-MAX within 1024-65535, such as 20000-29999";

	return ports_read(NULL, val);
}

/* "" or a range, or one port. */
static int shared_read(struct node_conf *conf, const char *val)
{
	unsigned min, max;
	char end;
	int n;

	if (!*val)
		return 0;
	n = sscanf(val, "%u-%u%c", &min, &max, &end);
	if (n == 1 && !strchr(val, '-'))
		max = min;
	else if (n != 2)
		return EINVAL;
	if (min < 1024 || max > 65535 || min > max ||
	    (max - min + 1) * NODE_FAMILIES > NODE_DOORS_MAX)
		return EINVAL;

	if (conf) {
		conf->webrtc_port_min = (uint16_t)min;
		conf->webrtc_port_max = (uint16_t)max;
	}

	return 0;
}

static int check_shared(const char *val, const char **errp)
{
	*errp = "PORT or MIN-MAX within 1024-65535, 32 at most, outside of "
		"--rtp-ports, such as 19000-19007; \"\": a port a leg";

	return shared_read(NULL, val);
}

static int check_sockaddr(const char *val, const char **errp)
{
	struct sa sa;

	*errp = "a numeric host and a port, such as 127.0.0.1:5070";

	return sa_decode(&sa, val, strlen(val));
}

/* "A" or "A,B", of two families. */
static int addrs_read(struct sa v[NODE_FAMILIES], size_t *n, const char *val)
{
	char text[128];
	char *part, *rest = text;

	*n = 0;
	if (str_len(val) >= sizeof(text))
		return EINVAL;
	str_ncpy(text, val, sizeof(text));

	while ((part = strsep(&rest, ","))) {
		struct sa *sa = &v[*n];

		if (*n == NODE_FAMILIES || sa_set_str(sa, part, 0) ||
		    sa_is_any(sa))
			return EINVAL;
		if ((*n)++ && sa_af(sa) == sa_af(&v[0]))
			return EINVAL;
	}

	return 0;
}

/* A public address leads to one that we have. */
static int public_read(struct node_conf *conf, const char *val)
{
	size_t i, k;

	if (!str_isset(val))
		return 0;
	if (addrs_read(conf->media_publicv, &conf->media_publicc, val))
		return EINVAL;

	for (i = 0; i < conf->media_publicc; i++) {
		for (k = 0; k < conf->media_addrc; k++) {
			if (sa_af(&conf->media_addrv[k]) ==
			    sa_af(&conf->media_publicv[i]))
				break;
		}
		if (k < conf->media_addrc)
			continue;
		fprintf(stderr, "switchyard-node: --media-public: %s is one "
				"of a family that --media-addr has none of\n",
			val);
		return EINVAL;
	}

	return 0;
}

static int check_public(const char *val, const char **errp)
{
	struct sa v[NODE_FAMILIES];
	size_t n;

	*errp = "a numeric address, such as 203.0.113.7, or one of IPv4 and "
		"one of IPv6 with a comma between them";

	return *val ? addrs_read(v, &n, val) : 0;
}

static int check_hosts(const char *val, const char **errp)
{
	struct sa v[NODE_FAMILIES];
	size_t n;

	*errp = "a numeric address of this machine, such as 192.0.2.7, or "
		"one of IPv4 and one of IPv6 with a comma between them";

	return addrs_read(v, &n, val);
}

/* "adaptive", "adaptive:MIN-MAX" or "fixed:DEPTH", in ms. */
static int jitter_read(struct media_conf *conf, const char *val)
{
	unsigned a = 0, b = 0;
	char end;

	conf->jitter_ms = conf->jitter_min_ms = conf->jitter_max_ms = 0;
	if (!strcmp(val, "adaptive"))
		return 0;

	if (sscanf(val, "fixed:%4u%c", &a, &end) == 1) {
		conf->jitter_ms = a;
		return a >= JITTER_LEAST_MS && a <= JITTER_MOST_MS ? 0 : EINVAL;
	}

	if (sscanf(val, "adaptive:%4u-%4u%c", &a, &b, &end) != 2)
		return EINVAL;

	conf->jitter_min_ms = a;
	conf->jitter_max_ms = b;

	return b >= JITTER_LEAST_MS && a <= b && b <= JITTER_MOST_MS ? 0
								     : EINVAL;
}

static int check_jitter(const char *val, const char **errp)
{
	struct media_conf conf;

	*errp = "adaptive, adaptive:MIN-MAX or fixed:DEPTH, of 20 to 500 ms";

	return jitter_read(&conf, val);
}

/* What each of them says alone may not go together. */
static int check_families(const struct options *o)
{
	struct node_conf conf = {.media_publicc = 0};

	return addrs_read(conf.media_addrv, &conf.media_addrc,
			  o->media_addr) ||
			       public_read(&conf, o->media_public)
		       ? EINVAL
		       : 0;
}

/* ------------------------------------------------------------------- table */

int options_read(struct options *o, int argc, char **argv)
{
	const struct option_def defv[] = {
		{.name = "id", .value = &o->id, .type = OPTION_STRING,
		 .def = "node-1", .metavar = "NAME",
		 .help = "Name in the cluster, unique"},
		{.name = "sip", .value = &o->sip, .type = OPTION_STRING,
		 .def = "127.0.0.1:0", .metavar = "HOST:PORT",
		 .check = check_sockaddr,
		 .help = "SIP from routers, UDP and TCP; port 0: any"},
		{.name = "media-addr", .value = &o->media_addr,
		 .type = OPTION_STRING, .def = "127.0.0.1",
		 .metavar = "HOST[,HOST]", .check = check_hosts,
		 .help = "Address that peers send RTP to; one of each family "
			 "for IPv4 and IPv6"},
		{.name = "media-public", .value = &o->media_public,
		 .type = OPTION_STRING, .def = "",
		 .metavar = "HOST[,HOST]", .check = check_public,
		 .help = "Address that peers outside send RTP to, through a "
			 "NAT that keeps the ports; \"\": --media-addr"},
		{.name = "local-net", .value = &o->locals,
		 .type = OPTION_STRING, .def = "", .metavar = "NET,...",
		 .check = local_nets_check,
		 .help = "Networks whose peers are told --media-addr instead "
			 "of --media-public; \"\": none"},
		{.name = "rtp-ports", .value = &o->ports,
		 .type = OPTION_STRING, .def = "20000-29999",
		 .metavar = "MIN-MAX", .check = check_ports,
		 .help = "Ports of RTP"},
		{.name = "webrtc-ports", .value = &o->shared,
		 .type = OPTION_STRING, .def = "",
		 .metavar = "PORT[-MAX]", .check = check_shared,
		 .help = "Ports that all browser legs share, outside of "
			 "--rtp-ports; \"\": a port a leg"},
		{.name = "rtp-quarantine-ms", .value = &o->quarantine_ms,
		 .type = OPTION_UINT, .def = "30000", .min = 1,
		 .max = 600000, .metavar = "MS",
		 .help = "How long a port rests after use"},
		{.name = "rtp-timeout-s", .value = &o->rtp_timeout_s,
		 .type = OPTION_UINT, .def = "0", .min = 0, .max = 86400,
		 .metavar = "S",
		 .help = "Hang up who sent RTP and then sends none for so "
			 "long, unless on hold; 0: never"},
		{.name = "probe-s", .value = &o->probe_s,
		 .type = OPTION_UINT, .def = "60", .min = 0, .max = 86400,
		 .metavar = "S",
		 .help = "Ask who sends no RTP by OPTIONS so often; its call "
			 "ends if it is gone; 0: never"},
		{.name = "drain-s", .value = &o->drain_s,
		 .type = OPTION_UINT, .def = "60", .min = 1, .max = 86400,
		 .metavar = "S",
		 .help = "On SIGTERM: how long calls are given to other nodes "
			 "before what is left is left to be adopted"},
		{.name = "adopt-rate", .value = &o->adopt_rate,
		 .type = OPTION_UINT, .def = "500", .min = 1, .max = 100000,
		 .metavar = "LEGS",
		 .help = "Resume so many legs a second of a node that died, or "
			 "that gives its calls"},
		{.name = "workers", .value = &o->workers,
		 .type = OPTION_UINT, .def = "0", .min = 0, .max = 256,
		 .metavar = "N", .help = "Media threads; 0: one a core"},
		{.name = "rt-priority", .value = &o->rt_priority,
		 .type = OPTION_UINT, .def = "10", .min = 0, .max = 99,
		 .metavar = "N",
		 .help = "SCHED_FIFO priority of them, where the system "
			 "allows it; 0: none"},
		{.name = "jitter", .value = &o->jitter,
		 .type = OPTION_STRING, .def = "adaptive",
		 .metavar = "HOW", .check = check_jitter,
		 .help = "Jitter buffers: adaptive, adaptive:MIN-MAX or "
			 "fixed:DEPTH [ms]"},
		{.name = "opus-complexity", .value = &o->complexity,
		 .type = OPTION_UINT, .def = "5", .min = 0, .max = 10,
		 .metavar = "N", .help = "Effort of the Opus encoder"},
		{.name = "capacity", .value = &o->capacity,
		 .type = OPTION_UINT, .def = "0", .min = 0, .max = 1000000,
		 .metavar = "LEGS",
		 .help = "Take no new calls above; 0: the tick decides"},
		{.name = "sounds", .value = &o->sounds,
		 .type = OPTION_STRING, .def = NULL, .metavar = "DIR",
		 .help = "Where relative names of sound files lie"},
		{.name = "redis", .value = &o->redis, .type = OPTION_STRING,
		 .def = "redis://127.0.0.1:6379", .metavar = "URL",
		 .check = redis_url_check, .secret = true, .help = REDIS_URL_HELP},
		{.name = "cluster-key", .value = &o->key,
		 .type = OPTION_STRING, .def = NULL, .metavar = "SECRET",
		 .secret = true,
		 .help = "Secret of the cluster, 16 bytes or more"},
		{.name = "cluster-key-file", .value = &o->key_file,
		 .type = OPTION_STRING, .def = NULL, .metavar = "FILE",
		 .help = "The same from a file"},
		{.name = "metrics", .value = &o->metrics,
		 .type = OPTION_STRING, .def = NULL, .metavar = "HOST:PORT",
		 .check = check_sockaddr,
		 .help = "HTTP for /metrics, /healthz and /readyz"},
		{.name = "log-level", .value = &o->log_level,
		 .type = OPTION_CHOICE, .def = "info",
		 .choices = "debug|info|warn|error", .help = "Log from"},
		{.name = "log-format", .value = &o->log_format,
		 .type = OPTION_CHOICE, .def = "logfmt",
		 .choices = "logfmt|json", .help = "Shape of log lines"},
	};

	const int err = option_read("switchyard-node",
				    "Media server of a Switchyard cluster: "
				    "calls, mixing, RTP.",
				    defv, ARRAY_SIZE(defv), argc, argv);

	return err ? err : check_families(o);
}

int options_conf(struct node_conf *conf, const struct options *o)
{
	int err;

	*conf = (struct node_conf){
		.id = o->id,
		.redis_url = o->redis,
		.sip_addr = o->sip,
		.metrics_addr = o->metrics,
		.sounds = o->sounds,
		.capacity = o->capacity,
		.probe_s = o->probe_s,
		.adopt_rate = o->adopt_rate,
		.media = {
			.workers = o->workers,
			.quarantine_ms = o->quarantine_ms,
			.rtp_silence_ms = o->rtp_timeout_s * 1000,
			.opus_complexity = (int)o->complexity,
			.rt_priority = (int)o->rt_priority,
		},
	};
	err = addrs_read(conf->media_addrv, &conf->media_addrc, o->media_addr);
	err |= public_read(conf, o->media_public);
	err |= local_nets_read(&conf->locals, o->locals, NULL);
	err |= ports_read(&conf->media, o->ports);
	err |= shared_read(conf, o->shared);
	err |= jitter_read(&conf->media, o->jitter);

	return err;
}

/* --------------------------------------------------------------------- key */

/* The key, from its file if there is one; without the newline at its end. */
static int key_load(char *buf, size_t size, const struct options *o)
{
	size_t len;
	FILE *f;

	if (!o->key_file) {
		if (!o->key) {
			fprintf(stderr, "switchyard-node: --cluster-key or "
					"--cluster-key-file is wanted\n");
			return EINVAL;
		}
		str_ncpy(buf, o->key, size);
		return 0;
	}

	f = fopen(o->key_file, "r");
	if (!f) {
		fprintf(stderr, "switchyard-node: --cluster-key-file: %s: "
				"%s\n", o->key_file, strerror(errno));
		return EINVAL;
	}
	len = fread(buf, 1, size - 1, f);
	fclose(f);
	while (len && (buf[len - 1] == '\n' || buf[len - 1] == '\r'))
		len--;
	buf[len] = '\0';

	return 0;
}

int options_key(char buf[OPTIONS_KEY_SIZE], const struct options *o)
{
	int err = key_load(buf, OPTIONS_KEY_SIZE, o);

	if (!err && strlen(buf) < KEY_MIN) {
		fprintf(stderr, "switchyard-node: %s: too short; %d bytes or "
				"more are wanted\n",
			o->key_file ? "--cluster-key-file" : "--cluster-key",
			KEY_MIN);
		err = EINVAL;
	}

	return err;
}
