/* SPDX-License-Identifier: MIT */
/*
 * A load of SIP calls for a stateless proxy: both ends in one process, both
 * made of as little work as possible, so that the proxy is what is measured.
 *
 *   caller --INVITE--> proxy --INVITE--> callee
 *          <---180---        <---180---
 *          <---200---        <---200---
 *          ---ACK, BYE-->    ---ACK, BYE-->
 *          <---200---        <---200---
 *
 * Open loop at a fixed rate.  Nothing is ever sent twice: a call that misses
 * a message is counted as lost, so that a retransmission never hides a loss.
 * Prints one JSON object.
 */

#include <arpa/inet.h>
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "tests/bench/load_end.h"

struct load {
	struct end caller, callee;
	const char *route; /* first Route of every request, or NULL */
	char tag[32];      /* makes Call-IDs unique for this run    */
	unsigned total, started, answered, completed, errors;
	uint64_t *sent_us; /* of each INVITE                        */
	uint32_t *took_us; /* INVITE sent to 200 received           */
};

static void send_invite(struct load *l, unsigned id)
{
	static const char sdp[] =
		"v=0\r\no=load 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
		"c=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		"m=audio 40000 RTP/AVP 0 8 101\r\n"
		"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
		"a=rtpmap:101 telephone-event/8000\r\n"
		"a=fmtp:101 0-15\r\na=sendrecv\r\n";
	struct end *e = &l->caller;
	uint16_t port = ntohs(e->addr.sin_port);

	l->sent_us[id] = load_now_us();
	end_put(e, snprintf(end_next(e), LOAD_MSG_MAX,
		"INVITE sip:load@127.0.0.1:%u SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s-%u-i\r\n"
		"%s%s%s"
		"Max-Forwards: 70\r\n"
		"From: \"Load\" <sip:caller@127.0.0.1>;tag=%s-%u\r\n"
		"To: <sip:load@127.0.0.1>\r\n"
		"Call-ID: %u@%s\r\n"
		"CSeq: 1 INVITE\r\n"
		"Contact: <sip:caller@127.0.0.1:%u>\r\n"
		"User-Agent: load\r\n"
		"Content-Type: application/sdp\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		ntohs(l->callee.addr.sin_port), port, l->tag, id,
		l->route ? "Route: " : "", l->route ? l->route : "",
		l->route ? "\r\n" : "", l->tag, id, id, l->tag, port,
		sizeof(sdp) - 1, sdp));
}

/* Append each header of a name under another name, in order. */
static int copy_headers(char *out, size_t size, const char *msg,
			const char *name, const char *as)
{
	const char *p = msg, *v;
	size_t len;
	int n = 0;

	while ((v = load_header(p, name, &len))) {
		n += snprintf(out + n, size - (size_t)n, "%s: %.*s\r\n", as,
			      (int)len, v);
		p = v;
	}

	return n;
}

static void respond(struct load *l, const char *req, const char *status,
		    bool contact)
{
	static const char *names[] = {"Via", "Record-Route", "From", "To",
				      "Call-ID", "CSeq"};
	struct end *e = &l->callee;
	char *out = end_next(e);
	int n = snprintf(out, LOAD_MSG_MAX, "SIP/2.0 %s\r\n", status);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		n += copy_headers(out + n, LOAD_MSG_MAX - (size_t)n, req,
				  names[i], names[i]);
		if (!strcmp(names[i], "To") && !strstr(out + n - 16, "tag="))
			n += snprintf(out + n - 2, LOAD_MSG_MAX - (size_t)n,
				      ";tag=uas\r\n") - 2;
	}
	if (contact)
		n += snprintf(out + n, LOAD_MSG_MAX - (size_t)n,
			      "Contact: <sip:load@127.0.0.1:%u>\r\n",
			      ntohs(e->addr.sin_port));
	n += snprintf(out + n, LOAD_MSG_MAX - (size_t)n,
		      "Content-Length: 0\r\n\r\n");
	end_put(e, n);
}

static void callee_recv(const char *msg, void *arg)
{
	struct load *l = arg;

	if (!strncmp(msg, "INVITE ", 7)) {
		respond(l, msg, "180 Ringing", true);
		respond(l, msg, "200 OK", true);
	}
	else if (!strncmp(msg, "BYE ", 4)) {
		respond(l, msg, "200 OK", false);
	}
}

/* ACK or BYE along the route set of a 200. */
static void send_in_dialog(struct load *l, const char *res, unsigned id,
			   const char *method, unsigned cseq)
{
	struct end *e = &l->caller;
	char *out = end_next(e);
	size_t tolen = 0;
	const char *to = load_header(res, "To", &tolen);
	int n;

	n = snprintf(out, LOAD_MSG_MAX,
		     "%s sip:load@127.0.0.1:%u SIP/2.0\r\n"
		     "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s-%u-%c\r\n"
		     "%s%s%s", method, ntohs(l->callee.addr.sin_port),
		     ntohs(e->addr.sin_port), l->tag, id, method[0],
		     l->route ? "Route: " : "", l->route ? l->route : "",
		     l->route ? "\r\n" : "");
	n += copy_headers(out + n, LOAD_MSG_MAX - (size_t)n, res, "Record-Route",
			  "Route");
	n += snprintf(out + n, LOAD_MSG_MAX - (size_t)n,
		      "Max-Forwards: 70\r\n"
		      "From: \"Load\" <sip:caller@127.0.0.1>;tag=%s-%u\r\n"
		      "To: %.*s\r\n"
		      "Call-ID: %u@%s\r\n"
		      "CSeq: %u %s\r\n"
		      "Content-Length: 0\r\n\r\n",
		      l->tag, id, (int)tolen, to ? to : "", id, l->tag, cseq,
		      method);
	end_put(e, n);
}

static void caller_recv(const char *msg, void *arg)
{
	struct load *l = arg;
	size_t len;
	const char *callid = load_header(msg, "Call-ID", &len);
	const char *cseq = load_header(msg, "CSeq", &len);
	unsigned id = callid ? (unsigned)strtoul(callid, NULL, 10) : 0;

	if (!cseq || id >= l->total || !strstr(callid, l->tag))
		return;

	if (strncmp(msg, "SIP/2.0 1", 9) && strncmp(msg, "SIP/2.0 2", 9)) {
		l->errors++;
	}
	else if (!strncmp(msg, "SIP/2.0 200", 11)) {
		if (strtoul(cseq, NULL, 10) == 2) {
			l->completed++;
			return;
		}
		l->took_us[l->answered++] =
			(uint32_t)(load_now_us() - l->sent_us[id]);
		send_in_dialog(l, msg, id, "ACK", 1);
		send_in_dialog(l, msg, id, "BYE", 2);
	}
}

static void run(struct load *l, unsigned rate)
{
	uint64_t start = load_now_us(), last = start;
	struct pollfd pfd[2] = {{l->caller.fd, POLLIN, 0},
				{l->callee.fd, POLLIN, 0}};

	while (l->completed < l->total) {
		uint64_t now = load_now_us();
		uint64_t due = (now - start) * rate / 1000000;

		for (; l->started < l->total && l->started < due; last = now)
			send_invite(l, l->started++);
		end_flush(&l->caller);

		if (l->started == l->total && now - last > LOAD_DRAIN_MS * 1000)
			break;

		if (poll(pfd, 2, 1) <= 0)
			continue;
		end_recv(&l->callee, callee_recv, l);
		end_recv(&l->caller, caller_recv, l);
	}
}

static void print(struct load *l, double seconds)
{
	struct rusage ru;
	unsigned n = l->answered;

	getrusage(RUSAGE_SELF, &ru);
	qsort(l->took_us, n, sizeof(*l->took_us), load_by_value);
	printf("{\"calls\":%u,\"completed\":%u,\"lost\":%u,\"errors\":%u,"
	       "\"seconds\":%.3f,\"cpu_us_per_call\":%.1f,"
	       "\"setup_p50_ms\":%.3f,\"setup_p99_ms\":%.3f}\n",
	       l->total, l->completed, l->total - l->completed, l->errors,
	       seconds,
	       ((double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e6 +
		(double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec)) /
		       l->total,
	       n ? l->took_us[n / 2] / 1000.0 : 0.0,
	       n ? l->took_us[n - 1 - n / 100] / 1000.0 : 0.0);
}

static void usage(void)
{
	fprintf(stderr, "usage: sip-load --proxy IP:PORT [--direct] "
		"[--route \"<sip:..;lr>\"] --rate N --calls N\n");
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {
		{"proxy", required_argument, NULL, 'p'},
		{"route", required_argument, NULL, 'r'},
		{"rate", required_argument, NULL, 'n'},
		{"calls", required_argument, NULL, 'c'},
		{"direct", no_argument, NULL, 'd'},
		{NULL, 0, NULL, 0},
	};
	static struct load l;
	struct sockaddr_in proxy = {.sin_family = AF_INET};
	unsigned rate = 100;
	bool direct = false;
	uint64_t start;
	int c;

	l.total = 1000;
	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (c) {
		case 'p':
			if (load_address(&proxy, optarg))
				usage();
			break;
		case 'r': l.route = optarg; break;
		case 'n': rate = (unsigned)atoi(optarg); break;
		case 'c': l.total = (unsigned)atoi(optarg); break;
		case 'd': direct = true; break;
		default: usage();
		}
	}
	if ((!proxy.sin_port && !direct) || !rate || !l.total)
		usage();

	snprintf(l.tag, sizeof(l.tag), "%x%lx", (unsigned)getpid(),
		 (unsigned long)(load_now_us() & 0xffffff));
	l.sent_us = calloc(l.total, sizeof(*l.sent_us));
	l.took_us = calloc(l.total, sizeof(*l.took_us));
	if (!l.sent_us || !l.took_us || end_open(&l.callee, &proxy) ||
	    end_open(&l.caller, &proxy)) {
		perror("sip-load");
		return 1;
	}
	/* The generator's own limit: both ends without a proxy between. */
	if (direct) {
		l.caller.proxy = l.callee.addr;
		l.callee.proxy = l.caller.addr;
	}

	start = load_now_us();
	run(&l, rate);
	print(&l, (double)(load_now_us() - start) / 1e6);

	return l.completed == l.total ? 0 : 1;
}
