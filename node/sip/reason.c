/* SPDX-License-Identifier: MIT */
/* Standard reason phrases (RFC 3261 21), and Reason headers. */

#include <re.h>

#include "node/sip/reason.h"
#include "node/sip/strans.h"

const char *sip_reason(uint16_t code)
{
	static const struct {
		uint16_t code;
		const char *reason;
	} v[] = {
		{100, "Trying"},
		{180, "Ringing"},
		{181, "Call Is Being Forwarded"},
		{183, "Session Progress"},
		{200, "OK"},
		{400, "Bad Request"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{408, "Request Timeout"},
		{410, "Gone"},
		{415, "Unsupported Media Type"},
		{420, "Bad Extension"},
		{421, "Extension Required"},
		{469, "Bad Info Package"},
		{480, "Temporarily Unavailable"},
		{481, "Call/Transaction Does Not Exist"},
		{482, "Loop Detected"},
		{483, "Too Many Hops"},
		{486, "Busy Here"},
		{487, "Request Terminated"},
		{488, "Not Acceptable Here"},
		{491, "Request Pending"},
		{500, "Server Internal Error"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
		{504, "Server Time-out"},
		{600, "Busy Everywhere"},
		{603, "Decline"},
		{604, "Does Not Exist Anywhere"},
		{606, "Not Acceptable"},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		if (v[i].code == code)
			return v[i].reason;
	}

	return code < 200 ? "Progress" : code < 300 ? "OK" : "Failure";
}

/* ------------------------------------------------- Reason headers, RFC 3326 */

const char reason_elsewhere[] =
	"SIP;cause=200;text=\"Call completed elsewhere\"";

enum { TEXT_MAX = 48 };

/* What is quoted, as far as it goes into a quoted string of ours. */
static void copy_text(char *buf, size_t size, const struct pl *text)
{
	size_t i, n = 0;

	for (i = 0; i < text->l && n + 1 < size; i++) {
		const unsigned char c = (unsigned char)text->p[i];

		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\')
			buf[n++] = (char)c;
	}
	buf[n] = '\0';
}

bool reason_read(char buf[REASON_SIZE], const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REASON);
	struct pl proto, cause, text;
	char quoted[TEXT_MAX];

	buf[0] = '\0';
	if (!hdr || re_regex(hdr->val.p, hdr->val.l, "[A-Za-z0-9.]+[ \t]*;",
			     &proto, NULL) ||
	    proto.p != hdr->val.p || proto.l > 8 ||
	    re_regex(hdr->val.p, hdr->val.l, ";[ \t]*cause[ \t]*=[ \t]*[0-9]+",
		     NULL, NULL, NULL, &cause) ||
	    cause.l > 3)
		return false;

	if (re_regex(hdr->val.p, hdr->val.l,
		     ";[ \t]*text[ \t]*=[ \t]*\"[^\"]*\"", NULL, NULL, NULL,
		     &text))
		return re_snprintf(buf, REASON_SIZE, "%r;cause=%r", &proto,
				   &cause) > 0;

	copy_text(quoted, sizeof(quoted), &text);

	return re_snprintf(buf, REASON_SIZE, "%r;cause=%r;text=\"%s\"", &proto,
			   &cause, quoted) > 0;
}

/* RFC 3398 8.2.6.1 */
static unsigned q850(uint16_t code)
{
	static const struct {
		uint16_t code, cause;
	} v[] = {
		{401, 21},  {402, 21}, {403, 21},  {404, 1},  {405, 63},
		{406, 79},  {407, 21}, {408, 102}, {410, 22}, {415, 79},
		{480, 18},  {481, 41}, {482, 25},  {483, 25}, {484, 28},
		{485, 1},   {486, 17}, {488, 65},  {500, 41}, {501, 79},
		{502, 38},  {503, 41}, {504, 102}, {600, 17}, {603, 21},
		{604, 1},   {606, 58},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		if (v[i].code == code)
			return v[i].cause;
	}

	return 127; /* interworking, unspecified */
}

void reason_print(char *buf, size_t size, uint16_t code)
{
	int n;

	if (code < 300)
		n = re_snprintf(buf, size, "Q.850;cause=16;"
				"text=\"Normal call clearing\"");
	else
		n = re_snprintf(buf, size,
				"SIP;cause=%u;text=\"%s\", Q.850;cause=%u",
				code, sip_reason(code), q850(code));
	if (n < 0 && size)
		buf[0] = '\0';
}
