/* SPDX-License-Identifier: MIT */

#include <openssl/crypto.h>
#include "node/app/account.h"
#include "proto/config_secret.h"
#include "proto/log.h"

int account_of_trunk(struct sipua_account *acc, const char *account, void *arg)
{
	struct node *n = arg;
	const Sy__Trunk *trunk = config_trunk(n->config, account);
	char password[CONFIG_PASSWORD_MAX + 1];
	int err;

	if (!trunk || !trunk->username[0])
		return ENOENT;

	err = config_secret_trunk(password, n->key, trunk);
	if (err) {
		log_warn("password of a trunk cannot be read",
			 LOG_S("trunk", account), LOG_E(err));
	}
	else {
		str_ncpy(acc->user, trunk->username, sizeof(acc->user));
		str_ncpy(acc->password, password, sizeof(acc->password));
	}
	OPENSSL_cleanse(password, sizeof(password));

	return err;
}
