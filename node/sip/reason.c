/* SPDX-License-Identifier: MIT */
/* Standard reason phrases (RFC 3261 21). */

#include <re.h>

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
