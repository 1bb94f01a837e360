/* SPDX-License-Identifier: MIT */
/* Entity tags: see etag.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#include "gateway/api/config.h"
#include "gateway/api/etag.h"
#include "proto/token.h"

enum { TAG_BYTES = 15, MAC_BYTES = 32 };

static void digest(uint8_t mac[MAC_BYTES], const struct token_key *key,
		   const uint8_t *p, size_t len)
{
	unsigned n = MAC_BYTES;

	if (key)
		token_mac(mac, key, 'e', p, len);
	else
		(void)EVP_Digest(p, len, mac, &n, EVP_sha256(), NULL);
}

void etag_item(char tag[ETAG_SIZE], const struct api_req *a,
	       enum config_section s, const ProtobufCMessage *item)
{
	uint8_t mac[MAC_BYTES] = {0}, *p;
	union config_any shown;
	size_t len, n;

	tag[0] = '\0';
	if (!item)
		return;
	if (!a->api->key) {
		config_edit_hide(s, &shown, item);
		item = &shown.base;
	}
	len = protobuf_c_message_get_packed_size(item);
	p = malloc(len + 1);
	if (p) {
		protobuf_c_message_pack(item, p);
		digest(mac, a->api->key, p, len);
		explicit_bzero(p, len);
	}
	free(p);
	tag[0] = '"';
	n = 1 + base64url_print(tag + 1, mac, TAG_BYTES);
	tag[n] = '"';
	tag[n + 1] = '\0';
}

void etag_revision(char tag[ETAG_SIZE], uint64_t revision)
{
	(void)snprintf(tag, ETAG_SIZE, "\"%llu\"",
		       (unsigned long long)revision);
}

/* @param weak  W/"x" is "x" as well */
static bool is_listed(const char *list, const char *tag, bool weak)
{
	const size_t len = strlen(tag);
	const char *p = list;

	while (*p) {
		size_t n;

		p += strspn(p, " \t,");
		if (*p == '*')
			return *tag != '\0';
		if (weak && !strncmp(p, "W/", 2))
			p += 2;
		n = strcspn(p, ",");
		while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
			n--;
		if (len && n == len && !memcmp(p, tag, len))
			return true;
		p += strcspn(p, ",");
	}

	return false;
}

bool etag_check(struct api_req *a, const char *tag)
{
	const char *match = web_header(a->web, "if-match");
	const char *none = web_header(a->web, "if-none-match");
	const bool reads = !strcmp(a->route->method, "GET");

	if (match && !is_listed(match, tag, false)) {
		if (*tag)
			(void)web_head(a->web, "etag", "%s", tag);
		(void)problem(a->web, 412, "changed", *tag ?
			      "it has been changed meanwhile: read it again "
			      "and decide anew" : "it is not there any more");
		return false;
	}
	if (!none || !is_listed(none, tag, true))
		return true;

	(void)web_head(a->web, "etag", "%s", tag);
	if (reads)
		(void)web_reply(a->web, 304, NULL, NULL, 0);
	else
		(void)problem(a->web, 412, "exists", "it is there already");

	return false;
}
