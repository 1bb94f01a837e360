/* SPDX-License-Identifier: MIT */
/* Passwords that come by the API. */

#include <errno.h>

#include "gateway/api/config.h"
#include "proto/config_secret.h"
#include "proto/config_turn.h"

void config_no_key(struct api_req *a)
{
	(void)problem(a->web, 501, "no-key",
		      "passwords of providers and TURN servers need the "
		      "cluster's key: start "
		      "this gateway with --cluster-key-file");
}

void config_busy(struct api_req *a)
{
	api_unavailable(a, "the configuration is being changed all the time");
}

/* Is there anything to be sealed? */
static bool is_secret(enum config_section s, const ProtobufCMessage *item)
{
	if (s == CONFIG_TRUNKS)
		return ((const Sy__Trunk *)item)->password[0];

	return s == CONFIG_SETTINGS &&
	       config_turn_is_plain((const Sy__Settings *)item);
}

bool config_seal_item(struct api_req *a, const Sy__Config *conf,
		      enum config_section s, ProtobufCMessage *item)
{
	Sy__Config one = SY__CONFIG__INIT;
	Sy__Device *device = (Sy__Device *)item;
	Sy__Trunk *trunk = (Sy__Trunk *)item;
	int err = 0;

	one.settings = conf->settings;
	if (s == CONFIG_DEVICES) {
		one.n_devices = 1;
		one.devices = &device;
		err = config_secret_hash(&one);
	} else if (is_secret(s, item) && !a->api->key) {
		config_no_key(a);
		return false;
	} else if (s == CONFIG_SETTINGS) {
		err = config_turn_seal((Sy__Settings *)item, a->api->key);
	} else if (s == CONFIG_TRUNKS && trunk->password[0]) {
		one.n_trunks = 1;
		one.trunks = &trunk;
		err = config_secret_seal(&one, a->api->key);
	}
	if (err)
		api_reply_err(a, err, config_section_def(s)->what);

	return !err;
}
