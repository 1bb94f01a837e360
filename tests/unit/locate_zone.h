/* SPDX-License-Identifier: MIT */
/*
 * A DNS zone of lines of text, for tests of proto/locate:
 *
 *   "NAME A 192.0.2.1"   "NAME AAAA 2001:db8::1"   "NAME CNAME OTHER"
 *   "NAME SRV PRI WEIGHT PORT TARGET"   "NAME NAPTR ORDER PREF SERVICE REPLACE"
 */

#ifndef SY_TESTS_UNIT_LOCATE_ZONE_H
#define SY_TESTS_UNIT_LOCATE_ZONE_H

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <re.h>

static uint32_t zone_ttl_s = 60;

static inline uint16_t zone_type(const char *name)
{
	return !strcmp(name, "A")      ? DNS_TYPE_A
	       : !strcmp(name, "AAAA") ? DNS_TYPE_AAAA
	       : !strcmp(name, "SRV")  ? DNS_TYPE_SRV
	       : !strcmp(name, "NAPTR") ? DNS_TYPE_NAPTR
					: DNS_TYPE_CNAME;
}

static inline void zone_data(struct dnsrr *rr, const char *data)
{
	unsigned a = 0, b = 0, c = 0;
	char one[128] = "", two[128] = "";
	struct sa sa;

	switch (rr->type) {
	case DNS_TYPE_A:
		(void)sa_set_str(&sa, data, 0);
		rr->rdata.a.addr = sa_in(&sa);
		break;
	case DNS_TYPE_AAAA:
		(void)sa_set_str(&sa, data, 0);
		sa_in6(&sa, rr->rdata.aaaa.addr);
		break;
	case DNS_TYPE_SRV:
		(void)sscanf(data, "%u %u %u %127s", &a, &b, &c, one);
		rr->rdata.srv.pri = (uint16_t)a;
		rr->rdata.srv.weight = (uint16_t)b;
		rr->rdata.srv.port = (uint16_t)c;
		(void)str_dup(&rr->rdata.srv.target,
			      strcmp(one, ".") ? one : "");
		break;
	case DNS_TYPE_NAPTR:
		(void)sscanf(data, "%u %u %127s %127s", &a, &b, one, two);
		rr->rdata.naptr.order = (uint16_t)a;
		rr->rdata.naptr.pref = (uint16_t)b;
		(void)str_dup(&rr->rdata.naptr.flags, "s");
		(void)str_dup(&rr->rdata.naptr.services, one);
		(void)str_dup(&rr->rdata.naptr.regexp, "");
		(void)str_dup(&rr->rdata.naptr.replace, two);
		break;
	default:
		(void)str_dup(&rr->rdata.cname.cname, data);
		break;
	}
}

/* Records of a name and type, and the CNAME of that name. @return how many */
static inline unsigned zone_find(struct list *l, const char *const *zone,
				 const char *name, uint16_t type)
{
	unsigned n = 0;

	for (; *zone; zone++) {
		char own[128], what[16];
		int at = 0;
		struct dnsrr *rr;
		uint16_t is;

		(void)sscanf(*zone, "%127s %15s %n", own, what, &at);
		is = zone_type(what);
		if (strcasecmp(own, name) ||
		    (is != type && is != DNS_TYPE_CNAME))
			continue;
		rr = dns_rr_alloc();
		(void)str_dup(&rr->name, own);
		rr->type = is;
		rr->dnsclass = DNS_CLASS_IN;
		rr->ttl = zone_ttl_s;
		zone_data(rr, *zone + at);
		list_append(l, &rr->le, rr);
		++n;
	}

	return n;
}

#endif
