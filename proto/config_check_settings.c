/* SPDX-License-Identifier: MIT */
/* Settings, but for strangers and costly numbers (config_check_guard.c) and
 * what phones do with calls (config_check_feature.c). */

#include <ctype.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "proto/config_check_impl.h"
#include "proto/config_net.h"
#include "proto/config_turn.h"

enum {
	REGISTER_MAX_S = 86400,
	SESSION_MIN_S = 90, /* RFC 4028 5 */
	SESSION_MAX_S = 86400,
	TRACE_MAX_S = 86400,
	SESSION_S = 1800,
	OPUS_MIN_BPS = 6000,
	OPUS_MAX_BPS = 510000,
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* What is done to the voices of new legs. */
static int check_voice(struct checker *c, const Sy__Settings *s)
{
	static const char *const makers[] = {"", "off", "speex", "rnnoise",
					     "auto"};
	const float db = s->comfort_noise_db;
	int err = 0;

	if (db != 0 && !(db >= -90 && db <= -30))
		err = check_wrong(c, "comfortNoiseDb",
				  "must be from -90 to -30, or 0");

	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		if (!strcmp(s->denoise, makers[i]))
			return err;
	}

	return check_wrong(c, "denoise",
			   "must be off, speex, rnnoise or auto");
}

static int check_domains(struct checker *c, const Sy__Settings *s)
{
	int err = 0;

	for (size_t i = 0; i < s->n_domains; i++) {
		const char *d = s->domains[i];
		char where[32];

		if (config_host_valid(d, strlen(d)))
			continue;
		(void)snprintf(where, sizeof(where), "domains[%zu]", i);
		err |= check_wrong(c, where, "\"%.80s\" is no host name", d);
	}

	return err;
}

static int check_prack(struct checker *c, const char *mode)
{
	if (!mode[0] || !strcmp(mode, "supported") || !strcmp(mode, "off") ||
	    !strcmp(mode, "required"))
		return 0;

	return check_wrong(c, "prack",
			   "unknown name \"%.40s\"; allowed: supported, off, "
			   "required",
			   mode);
}

static int check_unreachable(struct checker *c, const char *mode)
{
	if (!mode[0] || !strcmp(mode, "skip") || !strcmp(mode, "ring"))
		return 0;

	return check_wrong(c, "unreachable",
			   "unknown name \"%.40s\"; allowed: skip, ring",
			   mode);
}

static int check_session(struct checker *c, const Sy__Settings *s)
{
	const bool set = s->set_session_expires_case ==
			 SY__SETTINGS__SET_SESSION_EXPIRES_SESSION_EXPIRES_S;
	const uint32_t expires = set ? s->session_expires_s : SESSION_S;
	const uint32_t min =
	    s->session_min_s ? s->session_min_s : SESSION_MIN_S;

	int err = 0;

	if (expires && (expires < SESSION_MIN_S || expires > SESSION_MAX_S))
		err = check_wrong(c, "sessionExpiresS",
				  "must be from %d to %d, or 0, is %u",
				  SESSION_MIN_S, SESSION_MAX_S, expires);
	if (min < SESSION_MIN_S || min > SESSION_MAX_S)
		return check_wrong(c, "sessionMinS",
				   "must be from %d to %d, or 0, is %u",
				   SESSION_MIN_S, SESSION_MAX_S, min);
	if (!err && expires && min > expires)
		return check_wrong(c, "sessionMinS",
				   "%u is more than sessionExpiresS, %u", min,
				   expires);

	return err;
}

/* "host:port", an IPv6 address in brackets. */
static bool hep_valid(const char *s)
{
	const char *colon = strrchr(s, ':');
	const size_t len = colon ? (size_t)(colon - s) : 0;
	char *end;
	long port;

	if (!len || !isdigit((unsigned char)colon[1]))
		return false;
	port = strtol(colon + 1, &end, 10);
	if (*end || port < 1 || port > 65535)
		return false;

	return s[0] == '[' ? s[len - 1] == ']' &&
				     config_host_valid(s + 1, len - 2)
			   : config_host_valid(s, len) &&
				     memchr(s, ':', len) == NULL;
}

static int check_trace(struct checker *c, const Sy__Settings *s)
{
	int err = 0;

	if (s->trace[0] && strcmp(s->trace, "calls") && strcmp(s->trace, "off"))
		err = check_wrong(c, "trace",
				  "unknown name \"%.40s\"; allowed: calls, "
				  "off",
				  s->trace);
	if (s->hep[0] && !hep_valid(s->hep))
		err = check_wrong(c, "hep",
				  "\"%.80s\" must be host:port, for example "
				  "homer.example.com:9060",
				  s->hep);

	return err | check_max(c, "traceSeconds", s->trace_seconds, TRACE_MAX_S);
}

static int check_turn(struct checker *c, const Sy__Settings *s)
{
	int err = 0;

	if (s->n_ice_servers > CONFIG_TURN_MAX)
		return check_wrong(c, "iceServers", "at most %d",
				   CONFIG_TURN_MAX);
	for (size_t i = 0; i < s->n_ice_servers; i++) {
		const char *field, *wrong;
		char where[48];

		wrong = config_turn_wrong(s->ice_servers[i], &field);
		if (!wrong)
			continue;
		(void)snprintf(where, sizeof(where), "iceServers[%zu].%s", i,
			       field);
		err |= check_wrong(c, where, "%s", wrong);
	}

	return err;
}

static int check_registering(struct checker *c, const Sy__Settings *s)
{
	const uint32_t min = s->register_min_s ? s->register_min_s : 60;
	const uint32_t max = s->register_max_s ? s->register_max_s : 3600;
	int err = check_max(c, "registerMaxS", max, REGISTER_MAX_S);

	if (min > max)
		err |= check_wrong(c, "registerMinS",
				   "%u is more than registerMaxS, %u", min,
				   max);

	return err;
}

static int check_sound(struct checker *c, const Sy__Settings *s)
{
	int err = check_voice(c, s);

	if (s->opus_bitrate_bps && (s->opus_bitrate_bps < OPUS_MIN_BPS ||
				    s->opus_bitrate_bps > OPUS_MAX_BPS))
		err |= check_wrong(c, "opusBitrateBps",
				   "must be from %d to %d, is %u",
				   OPUS_MIN_BPS, OPUS_MAX_BPS,
				   s->opus_bitrate_bps);
	err |= check_codecs(c, s->codecs, s->n_codecs);
	err |= check_srtp(c, s->srtp);
	err |= check_music(c, s->music_on_hold);

	return err;
}

int check_settings(struct checker *c)
{
	const Sy__Settings *s = c->conf->settings;
	int err = 0;

	(void)snprintf(c->path, sizeof(c->path), "settings");
	if (!s || !s->realm[0])
		return c->conf->n_devices
			   ? check_wrong(c, "realm", "is needed for devices")
			   : 0;

	if (!check_text_valid(s->realm, "\"\\:"))
		err = check_wrong(c, "realm",
				  "must be up to %d characters, "
				  "without \" \\ and :",
				  NAME_MAX_BYTES);
	err |= check_registering(c, s);
	err |= check_max(c, "ringSeconds", s->ring_seconds, RING_MAX_S);
	err |= check_domains(c, s);
	err |= check_sound(c, s);
	err |= check_session(c, s);
	err |= check_prack(c, s->prack);
	err |= check_guard(c, s);
	err |= check_trace(c, s);
	err |= check_qualify(c, s->qualify_s);
	err |= check_unreachable(c, s->unreachable);
	err |= check_turn(c, s);
	err |= check_park(c, s);

	return err;
}
