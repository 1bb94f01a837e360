/* SPDX-License-Identifier: MIT */
/* URLs of webhooks, as far as they can be judged without asking anybody. */

#include <arpa/inet.h>
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "gateway/hook/send.h"

enum { URL_MAX = 2000 };

static const char *refuse_host(char *host, bool loopback)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	const size_t len = strlen(host);

	if (!len)
		return "has no host";
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		++host;
	}
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		return hook_refuse((struct sockaddr *)(void *)&v4, loopback);
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		return hook_refuse((struct sockaddr *)(void *)&v6, loopback);
	if (!strcasecmp(host, "localhost") && !loopback)
		return "it is the gateway's own machine";

	return NULL;
}

static const char *refuse_parts(CURLU *u, bool loopback)
{
	char *scheme = NULL, *host = NULL, *user = NULL;
	const char *why = NULL;

	(void)curl_url_get(u, CURLUPART_USER, &user, 0);
	if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
	    (strcmp(scheme, "https") && strcmp(scheme, "http")))
		why = "is neither https:// nor http://";
	else if (user)
		why = "has a user or password";
	else if (curl_url_get(u, CURLUPART_HOST, &host, 0))
		why = "has no host";
	else
		why = refuse_host(host, loopback);
	curl_free(scheme);
	curl_free(host);
	curl_free(user);

	return why;
}

const char *hook_url_refuse(const char *url, bool loopback)
{
	const char *why = "is no URL";
	CURLU *u = curl_url();

	if (u && strlen(url) <= URL_MAX &&
	    !curl_url_set(u, CURLUPART_URL, url, 0))
		why = refuse_parts(u, loopback);
	curl_url_cleanup(u);

	return why;
}
