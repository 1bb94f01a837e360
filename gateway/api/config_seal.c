/* SPDX-License-Identifier: MIT */
/* Passwords that come by the API. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/api/config.h"
#include "proto/config_secret.h"
#include "proto/config_turn.h"

/* The fields that hold a password. @return their number. */
static size_t list_plain(char *buf, size_t size, const Sy__Config *conf)
{
	const Sy__Settings *set = conf->settings;
	size_t n = 0, found = 0;

	buf[0] = '\0';
	for (size_t i = 0; set && i < set->n_ice_servers; i++) {
		if (set->ice_servers[i]->secret[0] && ++found && n < size)
			n += (size_t)snprintf(buf + n, size - n,
					      "%siceServers[%zu].secret",
					      n ? ", " : "", i);
	}
	for (size_t i = 0; i < conf->n_trunks; i++) {
		if (conf->trunks[i]->password[0] && ++found && n < size)
			n += (size_t)snprintf(buf + n, size - n,
					      "%sthe password of \"%s\"",
					      n ? ", " : "",
					      conf->trunks[i]->id);
	}

	return found;
}

bool config_has_key(struct api_req *a, const Sy__Config *conf)
{
	char fields[400];

	if (a->api->key || !list_plain(fields, sizeof(fields), conf))
		return true;
	(void)problem(a->web, 501, "no-key",
		      "%s cannot be stored: passwords of providers and of TURN "
		      "servers are sealed with the cluster's key; start the "
		      "gateways with --cluster-key-file, or leave them out",
		      fields);

	return false;
}

void config_busy(struct api_req *a)
{
	api_unavailable(a, "the configuration is being changed all the time");
}

int config_seal_again(const struct token_key *key, Sy__Config *conf,
		      const Sy__Config *now)
{
	char have[CONFIG_PASSWORD_MAX + 1];
	int err = config_turn_again(conf->settings, key, now->settings);

	for (size_t i = 0; !err && i < conf->n_trunks; i++) {
		Sy__Trunk *t = conf->trunks[i];
		const Sy__Trunk *old = (const Sy__Trunk *)config_item_find(
			now, CONFIG_TRUNKS, t->id);

		if (!t->password[0] || !old ||
		    config_secret_trunk(have, key, old))
			continue;
		if (!strcmp(have, t->password)) {
			explicit_bzero(t->password, strlen(t->password));
			err = config_edit_keep(CONFIG_TRUNKS, &t->base,
					       &old->base);
		}
	}
	explicit_bzero(have, sizeof(have));

	return err;
}

bool config_seal_item(struct api_req *a, const Sy__Config *conf,
		      enum config_section s, ProtobufCMessage *item)
{
	Sy__Config one = SY__CONFIG__INIT;
	Sy__Device *device = (Sy__Device *)item;
	Sy__Trunk *trunk = (Sy__Trunk *)item;
	int err = 0;

	one.settings = s == CONFIG_SETTINGS ? (Sy__Settings *)item : NULL;
	one.n_trunks = s == CONFIG_TRUNKS;
	one.trunks = &trunk;
	if (!config_has_key(a, &one))
		return false;
	if (a->api->key && (one.settings || one.n_trunks))
		err = config_seal_again(a->api->key, &one, conf);
	if (!err && s == CONFIG_SETTINGS)
		err = config_turn_seal(one.settings, a->api->key);
	else if (!err && s == CONFIG_TRUNKS && trunk->password[0])
		err = config_secret_seal(&one, a->api->key);

	if (!err && s == CONFIG_DEVICES) {
		one.settings = conf->settings;
		one.n_devices = 1;
		one.devices = &device;
		err = config_secret_hash(&one);
	}
	if (err)
		api_reply_err(a, err, config_section_def(s)->what);

	return !err;
}
