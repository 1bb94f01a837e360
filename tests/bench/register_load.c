/* SPDX-License-Identifier: MIT */
/*
 * A load of registrations by digest with SHA-256, each of them whole:
 *
 *   phone ---REGISTER-----------------------> registrar
 *         <--401 (nonce)---------------------
 *         ---REGISTER (response)------------>
 *         <--200 (contacts)------------------
 *
 * Open loop at a fixed rate; users take turns; nothing is ever sent twice: a
 * registration that misses a message is counted as lost.  Prints one JSON
 * object.
 */

#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "proto/digest.h"
#include "tests/bench/load_end.h"

enum { FIRST_USER = 1000000 };

static struct load {
	struct end end;
	const char *domain;
	const char *host;   /* in Contact; NULL: where the load is  */
	char tag[32];       /* makes Call-IDs unique for this run   */
	unsigned users, total, started, completed, errors;
	uint64_t *sent_us;  /* of each first REGISTER               */
	uint32_t *took_us;  /* until the 200                        */
} load;

static void print_register(struct load *l, unsigned id, unsigned cseq,
			   const char *credentials)
{
	const unsigned user = FIRST_USER + id % l->users;
	const unsigned port = ntohs(l->end.addr.sin_port);

	end_put(&l->end, snprintf(end_next(&l->end), LOAD_MSG_MAX,
		"REGISTER sip:%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s-%u-%u\r\n"
		"Max-Forwards: 70\r\n"
		"From: <sip:%u@%s>;tag=%s-%u\r\n"
		"To: <sip:%u@%s>\r\n"
		"Call-ID: %u@%s\r\n"
		"CSeq: %u REGISTER\r\n"
		"Contact: <sip:%u@%s:%u>;+sip.instance=\"<urn:uuid:00000000-"
		"0000-1000-8000-%012x>\"\r\n"
		"Expires: 3600\r\n"
		"%s"
		"User-Agent: load\r\n"
		"Content-Length: 0\r\n\r\n",
		l->domain, port, l->tag, id, cseq, user, l->domain, l->tag,
		id, user, l->domain, id, l->tag, cseq, user,
		l->host ? l->host : "127.0.0.1", port, user, credentials));
}

/* A quoted parameter of a challenge. */
static struct pl parameter(const char *challenge, size_t len, const char *name)
{
	const char *p = memmem(challenge, len, name, strlen(name));
	struct pl pl = {NULL, 0};

	if (p) {
		pl.p = p + strlen(name);
		pl.l = strcspn(pl.p, "\"");
	}

	return pl;
}

/* The challenge with SHA-256, of several. */
static const char *challenge_find(const char *msg, size_t *len)
{
	const char *v;

	while ((v = load_header(msg, "WWW-Authenticate", len))) {
		if (memmem(v, *len, "SHA-256", 7))
			return v;
		msg = v;
	}

	return NULL;
}

static bool answer_challenge(struct load *l, unsigned id, const char *msg)
{
	const struct pl method = {"REGISTER", 8};
	char ha1[DIGEST_HEX_MAX + 1], hex[DIGEST_HEX_MAX + 1];
	char user[16], password[24], realm[64], uri[80], line[1024];
	struct digest_response r = {.alg = DIGEST_SHA256, .alg_known = true};
	size_t len;
	const char *c = challenge_find(msg, &len);

	if (!c)
		return false;
	(void)snprintf(user, sizeof(user), "%u", FIRST_USER + id % l->users);
	(void)snprintf(password, sizeof(password), "pw-%s", user);
	(void)snprintf(uri, sizeof(uri), "sip:%s", l->domain);
	r.realm = parameter(c, len, "realm=\"");
	r.nonce = parameter(c, len, "nonce=\"");
	pl_set_str(&r.uri, uri);
	pl_set_str(&r.nc, "00000001");
	pl_set_str(&r.cnonce, "c0ffee");
	pl_set_str(&r.qop, "auth");
	if (pl_strcpy(&r.realm, realm, sizeof(realm)) ||
	    digest_ha1(ha1, DIGEST_SHA256, user, realm, password) ||
	    digest_compute(hex, &r, ha1, &method, NULL))
		return false;
	(void)snprintf(line, sizeof(line),
		       "Authorization: Digest username=\"%s\", realm=\"%s\", "
		       "nonce=\"%.*s\", uri=\"%s\", response=\"%s\", "
		       "algorithm=SHA-256, cnonce=\"c0ffee\", qop=auth, "
		       "nc=00000001\r\n",
		       user, realm, (int)r.nonce.l, r.nonce.p, uri, hex);
	print_register(l, id, 2, line);

	return true;
}

static void response(const char *msg, void *arg)
{
	struct load *l = arg;
	size_t len;
	const char *callid = load_header(msg, "Call-ID", &len);
	const unsigned id = callid ? (unsigned)strtoul(callid, NULL, 10) : 0;
	const char *cseq = load_header(msg, "CSeq", &len);

	if (!cseq || id >= l->total || !strstr(callid, l->tag))
		return;
	if (!strncmp(msg, "SIP/2.0 200", 11))
		l->took_us[l->completed++] =
			(uint32_t)(load_now_us() - l->sent_us[id]);
	else if (strncmp(msg, "SIP/2.0 401", 11) || *cseq != '1' ||
		 !answer_challenge(l, id, msg))
		l->errors++;
}

static void run(struct load *l, unsigned rate)
{
	const uint64_t start = load_now_us();
	struct pollfd pfd = {l->end.fd, POLLIN, 0};
	uint64_t last = start;

	while (l->completed < l->total) {
		const uint64_t now = load_now_us();
		const uint64_t due = (now - start) * rate / 1000000;

		for (; l->started < l->total && l->started < due; last = now) {
			l->sent_us[l->started] = now;
			print_register(l, l->started++, 1, "");
		}
		end_flush(&l->end);
		if (l->started == l->total && now - last > LOAD_DRAIN_MS * 1000)
			break;
		if (poll(&pfd, 1, 1) > 0)
			end_recv(&l->end, response, l);
	}
}

static void print(struct load *l, double seconds)
{
	const unsigned n = l->completed;

	qsort(l->took_us, n, sizeof(*l->took_us), load_by_value);
	printf("{\"registers\":%u,\"completed\":%u,\"lost\":%u,\"errors\":%u,"
	       "\"seconds\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
	       l->total, n, l->total - n, l->errors, seconds,
	       n ? l->took_us[n / 2] / 1000.0 : 0.0,
	       n ? l->took_us[n - 1 - n / 100] / 1000.0 : 0.0);
}

static int usage(void)
{
	fprintf(stderr, "usage: register-load --proxy IP:PORT --domain HOST "
		"[--host HOST] --users N --rate N --registers N\n"
		"  users are %u and on, their passwords pw-USER; --host is "
		"what Contact says\n", FIRST_USER);

	return 2;
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {
		{"proxy", required_argument, NULL, 'p'},
		{"domain", required_argument, NULL, 'd'},
		{"host", required_argument, NULL, 'h'},
		{"users", required_argument, NULL, 'u'},
		{"rate", required_argument, NULL, 'n'},
		{"registers", required_argument, NULL, 'c'},
		{NULL, 0, NULL, 0},
	};
	struct load *l = &load;
	struct sockaddr_in proxy = {.sin_family = AF_INET};
	unsigned rate = 0;
	uint64_t start;
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (c) {
		case 'p':
			if (load_address(&proxy, optarg))
				return usage();
			break;
		case 'd': l->domain = optarg; break;
		case 'h': l->host = optarg; break;
		case 'u': l->users = (unsigned)atoi(optarg); break;
		case 'n': rate = (unsigned)atoi(optarg); break;
		case 'c': l->total = (unsigned)atoi(optarg); break;
		default: return usage();
		}
	}
	if (!proxy.sin_port || !l->domain || !l->users || !rate || !l->total)
		return usage();

	snprintf(l->tag, sizeof(l->tag), "%x%lx", (unsigned)getpid(),
		 (unsigned long)(load_now_us() & 0xffffff));
	l->sent_us = calloc(l->total, sizeof(*l->sent_us));
	l->took_us = calloc(l->total, sizeof(*l->took_us));
	if (!l->sent_us || !l->took_us || end_open(&l->end, &proxy)) {
		perror("register-load");
		return 1;
	}

	start = load_now_us();
	run(l, rate);
	print(l, (double)(load_now_us() - start) / 1e6);

	return l->completed == l->total ? 0 : 1;
}
