/* SPDX-License-Identifier: MIT */
/*
 * What is due to each message of RFC 4475 and RFC 5118 at the edge, by the
 * RFCs: who receives it is a registrar for example.com, a server for OPTIONS,
 * and the next hop of a trunk, whose INVITEs go to a node.  It answers for
 * itself what it does not forward: MESSAGE, methods that nobody knows, and
 * requests within dialogs that it never saw.
 *
 * NAME.dat holds the octets as they are on the wire.  Their descriptions of
 * sessions and lengths are ours, and so are the parts of mpart01; each
 * message has the property that its section is about.
 */

#ifndef SY_TESTS_UNIT_TORTURE_TABLE_H
#define SY_TESTS_UNIT_TORTURE_TABLE_H

#include <stdint.h>
#include "router/stat.h"

enum due {
	ANSWERED,   /* with this code                                     */
	FORWARDED,  /* to the node, unaltered but for what a proxy changes */
	REGISTERED, /* challenged; with credentials answered by this code */
	RELAYED,    /* a response, once its topmost Via is ours            */
	DROPPED,    /* counted here                                        */
};

struct torture {
	const char *section;
	const char *name;
	enum due due;
	unsigned code;    /* status code, or enum stat_id                  */
	const char *has;  /* text in what goes out; NULL: any              */
	const char *why;
};

static const struct torture torturev[] = {
	/* ------------------------------- RFC 4475 3.1.1: valid messages */
	{"3.1.1.1", "wsinv", ANSWERED, 481, "tag    = 1918181833n",
	 "valid; its To tag names a dialog that nobody has, RFC 3261 12.2.2"},
	{"3.1.1.2", "intmeth", ANSWERED, 501, "!interesting-Method01234",
	 "valid; a server refuses a method that it does not know, 21.5.2"},
	{"3.1.1.3", "esc01", FORWARDED, 0,
	 "sip:sips%3Auser%40example.com@example.net",
	 "valid; a user part that looks like a URI, forwarded as it came"},
	{"3.1.1.4", "escnull", ANSWERED, 404, NULL,
	 "valid; %00 does not end the name, so it is not the device \"null-\""},
	{"3.1.1.5", "esc02", ANSWERED, 501, "RE%47IST%45R",
	 "valid; there are no escapes in a method: this is no REGISTER"},
	{"3.1.1.6", "lwsdisp", ANSWERED, 200, "caller<sip:",
	 "valid; no white space is needed before <"},
	{"3.1.1.7", "longreq", FORWARDED, 0, "ParameterNameWithNoValue",
	 "valid; nothing in it is too long"},
	{"3.1.1.8", "dblreq", REGISTERED, 200, "<sip:j.user@host.example.com>",
	 "valid; the octets behind the body are no message, 18.3"},
	{"3.1.1.9", "semiuri", ANSWERED, 200, NULL,
	 "valid; the semicolon belongs to the user part"},
	{"3.1.1.10", "transports", ANSWERED, 200, "SIP/2.0/UNKNOWN",
	 "valid; a Via that is not ours may have any transport"},
	{"3.1.1.11", "mpart01", ANSWERED, 403, NULL,
	 "valid; a body of any octets; a trunk may not send texts, 21.4.4"},
	{"3.1.1.12", "unreason", RELAYED, 200, NULL,
	 "valid; any UTF-8 is a reason phrase"},
	{"3.1.1.13", "noreason", RELAYED, 100, NULL,
	 "valid; a reason phrase may be empty"},

	/* ----------------------------- RFC 4475 3.1.2: invalid messages */
	{"3.1.2.1", "badinv01", ANSWERED, 400, NULL,
	 "broken: empty parameters and empty values in Via and Contact"},
	{"3.1.2.2", "clerr", ANSWERED, 400, NULL,
	 "broken: the datagram ends before its body, 18.3"},
	{"3.1.2.3", "ncl", ANSWERED, 400, NULL,
	 "broken: a negative Content-Length"},
	{"3.1.2.4", "scalar02", ANSWERED, 400, NULL,
	 "broken: CSeq is not below 2^31, Max-Forwards not below 256"},
	{"3.1.2.5", "scalarlg", DROPPED, STAT_DROP_BAD, NULL,
	 "broken: a response with such a CSeq is discarded"},
	{"3.1.2.6", "quotbal", ANSWERED, 400, NULL,
	 "broken: a quoted string without end"},
	{"3.1.2.7", "ltgtruri", ANSWERED, 400, NULL,
	 "broken: <> around the Request-URI"},
	{"3.1.2.8", "lwsruri", ANSWERED, 400, NULL,
	 "broken: white space within the Request-URI"},
	{"3.1.2.9", "lwsstart", ANSWERED, 400, NULL,
	 "broken: more than one space in the request line"},
	{"3.1.2.10", "trws", ANSWERED, 200, NULL,
	 "broken, yet what is meant is plain: spaces after the version"},
	{"3.1.2.11", "escruri", ANSWERED, 400, NULL,
	 "broken: headers in the Request-URI; none may be made of them"},
	{"3.1.2.12", "baddate", FORWARDED, 0, "16:00:00 EST",
	 "broken, but a proxy has no need to look at Date"},
	{"3.1.2.13", "regbadct", REGISTERED, 400, NULL,
	 "broken: a ? in an addr-spec that is not in <>, 20.10"},
	{"3.1.2.14", "badaspec", ANSWERED, 200, NULL,
	 "broken, yet what is meant is plain: spaces inside <>"},
	{"3.1.2.15", "baddn", ANSWERED, 200, NULL,
	 "broken, yet what is meant is plain: a comma in a display name"},
	{"3.1.2.16", "badvers", ANSWERED, 505, "SIP/7.0/UDP c.example.com",
	 "another version: its sender is told, by a Via of that version"},
	{"3.1.2.17", "mismatch01", ANSWERED, 400, NULL,
	 "broken: CSeq names another method"},
	{"3.1.2.18", "mismatch02", ANSWERED, 400, NULL,
	 "broken: likewise, for a method that nobody knows (501 would do)"},
	{"3.1.2.19", "bigcode", DROPPED, STAT_DROP_JUNK, NULL,
	 "broken: it must not be taken for 4294967301 modulo 2^32 = 5"},

	/* --------------------------- RFC 4475 3.2: transaction semantics */
	{"3.2.1", "badbranch", ANSWERED, 200, NULL,
	 "a branch of nothing but the cookie: matched as RFC 2543 has it"},

	/* --------------------------- RFC 4475 3.3: application semantics */
	{"3.3.1", "insuf", ANSWERED, 400, NULL,
	 "From, To and Call-ID are missing"},
	{"3.3.2", "unkscm", ANSWERED, 416, NULL,
	 "a scheme that nobody knows, 8.2.2.1"},
	{"3.3.3", "novelsc", ANSWERED, 416, NULL,
	 "a scheme that is registered, but not for SIP"},
	{"3.3.4", "unksm2", ANSWERED, 400, NULL,
	 "the To of a REGISTER must be a SIP or SIPS URI, 10.3"},
	{"3.3.5", "bext01", ANSWERED, 420,
	 "Unsupported: noProxiesSupportThis, norDoAnyProxiesSupportThis",
	 "all that Proxy-Require names and we do not know, 16.3 5"},
	{"3.3.6", "invut", FORWARDED, 0, "application/unknownformat",
	 "a proxy does not look at bodies; 415 is for who is called"},
	{"3.3.7", "regaut01", REGISTERED, 200, NULL,
	 "credentials of another scheme are none: 401, and ours beside them "
	 "are taken"},
	{"3.3.8", "multi01", ANSWERED, 400, NULL,
	 "headers twice that must be there once"},
	{"3.3.9", "mcl01", ANSWERED, 400, NULL,
	 "two lengths: nobody knows where it ends"},
	{"3.3.10", "bcast", DROPPED, STAT_DROP_FOREIGN, NULL,
	 "a response goes on only by a Via of ours: nothing to 255.255.255.255"},
	{"3.3.11", "zeromf", ANSWERED, 200, NULL,
	 "who may not forward an OPTIONS may answer it, 16.3 3"},
	{"3.3.12", "cparam01", REGISTERED, 200,
	 "Contact: <sip:+19725552222@gw1.example.net>;",
	 "without <> the parameter is of the header, not of the URI"},
	{"3.3.13", "cparam02", REGISTERED, 200,
	 "Contact: <sip:+19725552222@gw1.example.net;unknownparam>;",
	 "within <> the parameter is of the URI"},
	{"3.3.14", "regescrt", REGISTERED, 200,
	 "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>",
	 "headers in a Contact are kept with it"},
	{"3.3.15", "sdp01", FORWARDED, 0, "Accept: text/nobodyKnowsThis",
	 "a proxy does not look at Accept; 406 is for who is called"},

	/* ------------------------ RFC 4475 3.4: backward compatibility */
	{"3.4.1", "inv2543", FORWARDED, 0, "Max-Forwards: 70\r\n",
	 "RFC 2543: no branch, no From tag, no Max-Forwards, no length"},
};

static const struct torture ipv6v[] = {
	{"4.1", "ipv6-good", REGISTERED, 200, "<sip:caller@[2001:db8::1]>",
	 "valid; addresses in brackets"},
	{"4.2", "ipv6-bad", ANSWERED, 400, NULL,
	 "broken: no brackets"},
	{"4.3", "port-ambiguous", ANSWERED, 404, NULL,
	 "valid; 5070 is in the brackets, so another host's address"},
	{"4.4", "port-unambiguous", REGISTERED, 200, NULL,
	 "valid; 5070 is the port"},
	{"4.5 a", "via-received-param-with-delim", ANSWERED, 481,
	 "received=", "broken, but many write it: brackets in received"},
	{"4.5 b", "via-received-param-no-delim", ANSWERED, 481,
	 "received=", "valid; no brackets in received"},
	{"4.6", "ipv6-in-sdp", FORWARDED, 0, "c=IN IP6 2001:db8::20",
	 "valid; no brackets in SDP"},
	{"4.7", "mult-ip-in-header", ANSWERED, 481, "[2001:db8::9:255]",
	 "valid; Via values of both families"},
	{"4.8", "mult-ip-in-sdp", FORWARDED, 0, "c=IN IP4 192.0.2.1",
	 "valid; media of both families"},
	{"4.9", "ipv4-mapped-ipv6", FORWARDED, 0, "[::ffff:192.0.2.10]:19823",
	 "valid; IPv6 that has an IPv4 address in it"},
	{"4.10", "ipv6-bug-abnf-3-colons", ANSWERED, 200, NULL,
	 "three colons by an error of RFC 3261: may be taken for two"},
};

#endif
