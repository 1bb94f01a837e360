/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>
#include <re.h>

#include "node/sip/sdprtc.h"

enum {
	UFRAG_MIN = 4, /* RFC 8839 5.4 */
	PWD_MIN = 22,
};

static const char *const setup_names[] = {
    [SDPRTC_SETUP_NONE] = "",	    [SDPRTC_ACTPASS] = "actpass",
    [SDPRTC_ACTIVE] = "active",	    [SDPRTC_PASSIVE] = "passive",
    [SDPRTC_HOLDCONN] = "holdconn",
};

/* Of the alphabet, and neither too short nor too long. */
static void ice_text(char *buf, size_t min, size_t max, const struct pl *val)
{
	buf[0] = '\0';
	if (val->l < min || val->l > max)
		return;

	/* Some write "-" and "_", against the RFC; it does no harm. */
	for (size_t i = 0; i < val->l; i++) {
		if (!isalnum((uint8_t)val->p[i]) && !strchr("+/-_=", val->p[i]))
			return;
	}

	(void)pl_strcpy(val, buf, max + 1);
}

static void take_ufrag(struct sdprtc *rtc, const struct pl *val)
{
	ice_text(rtc->cred.ufrag, UFRAG_MIN, ICE_UFRAG_MAX, val);
}

static void take_pwd(struct sdprtc *rtc, const struct pl *val)
{
	ice_text(rtc->cred.pwd, PWD_MIN, ICE_PWD_MAX, val);
}

/* Several are of the same certificate as a rule (RFC 8122 5): the strongest
 * hash counts. */
static void take_fingerprint(struct sdprtc *rtc, const struct pl *val)
{
	struct dtls_fingerprint fp;

	if (!dtls_fingerprint_read(&fp, val) &&
	    (!rtc->fp.len || fp.hash >= rtc->fp.hash))
		rtc->fp = fp;
}

static void take_setup(struct sdprtc *rtc, const struct pl *val)
{
	for (size_t i = SDPRTC_ACTPASS; i < ARRAY_SIZE(setup_names); i++) {
		if (!pl_strcmp(val, setup_names[i]))
			rtc->setup = (enum sdprtc_setup)i;
	}
}

static void take_mid(struct sdprtc *rtc, const struct pl *val)
{
	struct pl token;

	if (!re_regex(val->p, val->l, "[!#-'*+\\-.0-9A-Z^_`a-z{|}~]+",
		      &token) &&
	    token.l == val->l)
		(void)pl_strcpy(val, rtc->mid, sizeof(rtc->mid));
}

static void take_lite(struct sdprtc *rtc, const struct pl *val)
{
	(void)val;
	rtc->lite = true;
}

static void take_group(struct sdprtc *rtc, const struct pl *val)
{
	struct pl mids;

	if (!re_regex(val->p, val->l, "BUNDLE [^]+", &mids) &&
	    mids.p == val->p + 7)
		(void)pl_strcpy(&mids, rtc->bundle, sizeof(rtc->bundle));
}

static const struct {
	const char *name;
	void (*take)(struct sdprtc *rtc, const struct pl *val);
} attrs[] = {
    {"ice-ufrag", take_ufrag},
    {"ice-pwd", take_pwd},
    {"fingerprint", take_fingerprint},
    {"setup", take_setup},
    {"mid", take_mid},
    {"ice-lite", take_lite},
    {"group", take_group},
};

bool sdprtc_attr(struct sdprtc *rtc, const struct pl *name,
		 const struct pl *val)
{
	for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
		if (pl_strcmp(name, attrs[i].name))
			continue;

		attrs[i].take(rtc, val);
		return true;
	}

	return false;
}

const char *sdprtc_setup_name(enum sdprtc_setup setup)
{
	return setup_names[setup];
}

bool sdprtc_is_bundled(const struct sdprtc *rtc)
{
	const size_t n = strlen(rtc->mid);
	const char *p = rtc->bundle;

	while (n && *p) {
		const size_t len = strcspn(p, " ");

		if (len == n && !memcmp(p, rtc->mid, n))
			return true;
		p += len + strspn(p + len, " ");
	}

	return false;
}

bool sdprtc_is_whole(const struct sdprtc *rtc)
{
	return rtc->fp.len && rtc->cred.ufrag[0] && rtc->cred.pwd[0];
}

bool sdprtc_is_proto(const char *proto)
{
	return !strcmp(proto, "UDP/TLS/RTP/SAVPF") ||
	       !strcmp(proto, "UDP/TLS/RTP/SAVP");
}
