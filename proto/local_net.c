/* SPDX-License-Identifier: MIT */
/* Who is inside; see local_net.h. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "proto/local_net.h"

enum { NET_LEN = 64 };

static int read_one(struct config_net *net, const char *p, size_t len)
{
	char text[NET_LEN];

	if (!len || len >= sizeof(text))
		return EINVAL;
	memcpy(text, p, len);
	text[len] = '\0';
	if (config_net_read(net, text, NULL))
		return EINVAL;

	return net->port ? EINVAL : 0;
}

int local_nets_read(struct local_nets *nets, const char *text,
		    const char **errp)
{
	if (errp)
		*errp = "up to 32 networks or addresses with commas between "
			"them, such as 10.0.0.0/8,fd00::/8";
	nets->n = 0;
	while (*text) {
		const size_t len = strcspn(text, ",");

		if (nets->n == LOCAL_NETS_MAX ||
		    read_one(&nets->v[nets->n], text, len))
			return EINVAL;
		++nets->n;
		text += len;
		if (*text == ',' && !*++text)
			return EINVAL;
	}

	return 0;
}

int local_nets_check(const char *text, const char **errp)
{
	struct local_nets nets;

	return local_nets_read(&nets, text, errp);
}

bool local_nets_have(const struct local_nets *nets, const struct sa *sa)
{
	struct config_net one;

	if (!nets->n || config_net_from_sa(&one, sa))
		return false;
	for (size_t i = 0; i < nets->n; i++) {
		if (config_net_has(&nets->v[i], &one))
			return true;
	}

	return false;
}
