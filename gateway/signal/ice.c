/* SPDX-License-Identifier: MIT */
/*
 * The STUN and TURN servers that pages are told (Settings.iceServers).  A TURN
 * server that shares a secret with us takes credentials that end by
 * themselves (coturn's use-auth-secret): the user name is "expiry:device", the
 * password base64(HMAC-SHA1(secret, user name)).
 */

#include <errno.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "gateway/signal/signal_impl.h"
#include "proto/config_turn.h"
#include "proto/log.h"
#include "proto/schema.h"

enum { TTL_S = 3600, SERVERS_MAX = 8, PASSWORD_SIZE = 40 };

/* What is told of a server. */
struct told {
	Sy__IceServer msg;
	char username[96];
	char password[PASSWORD_SIZE];
};

/* @return 0, ENOENT (it has no secret), or why it cannot be read. */
static int credentials(struct told *t, const struct signal *s,
		       const Sy__Settings *set, size_t i, const char *device,
		       uint64_t until_s)
{
	char secret[CONFIG_PASSWORD_MAX + 1];
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len = sizeof(md);
	int err = config_turn_secret(secret, s->key, set, i);

	if (err)
		return err;

	(void)re_snprintf(t->username, sizeof(t->username), "%llu:%s",
			  (unsigned long long)until_s, device);
	if (!HMAC(EVP_sha1(), secret, (int)strlen(secret),
		  (const uint8_t *)t->username, strlen(t->username), md, &len))
		err = EIO;
	explicit_bzero(secret, sizeof(secret));
	if (err)
		return err;

	(void)EVP_EncodeBlock((uint8_t *)t->password, md, (int)len);
	t->msg.username = t->username;
	t->msg.credential = t->password;

	return 0;
}

uint64_t ice_servers(Sy__PhoneRegistered *out, const struct signal *s,
		     const char *device)
{
	const Sy__Config *conf = view_config(s->view);
	const Sy__Settings *set = conf ? conf->settings : NULL;
	const uint64_t now_s = timestamp_now_ms() / 1000;
	uint64_t until_s = 0;
	struct told *v;
	size_t n = set ? set->n_ice_servers : 0;

	out->n_ice_servers = 0;
	n = n > SERVERS_MAX ? SERVERS_MAX : n;
	if (!n)
		return 0;

	v = mem_zalloc(n * sizeof(*v), NULL);
	out->ice_servers = mem_zalloc(n * sizeof(*out->ice_servers), NULL);
	for (size_t i = 0; v && out->ice_servers && i < n; i++) {
		const Sy__TurnServer *c = set->ice_servers[i];
		const uint64_t end_s =
			now_s + (c->ttl_seconds ? c->ttl_seconds : TTL_S);
		struct told *t = &v[out->n_ice_servers];
		int err;

		sy__ice_server__init(&t->msg);
		err = credentials(t, s, set, i, device, end_s);
		if (err && err != ENOENT) {
			log_warn("no credentials for a TURN server", LOG_E(err),
				 LOG_S("url", c->n_urls ? c->urls[0] : ""));
			continue;
		}
		if (!err && (!until_s || end_s < until_s))
			until_s = end_s;
		t->msg.urls = c->urls;
		t->msg.n_urls = c->n_urls;
		out->ice_servers[out->n_ice_servers++] = &t->msg;
	}
	if (!out->n_ice_servers)
		mem_deref(v);

	return until_s * 1000;
}

void ice_free(Sy__PhoneRegistered *out)
{
	if (out->n_ice_servers)
		mem_deref(out->ice_servers[0]);
	out->ice_servers = mem_deref(out->ice_servers);
	out->n_ice_servers = 0;
}
