/* sources: proto/digest.c proto/digest_read.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as the value of an Authorization header.  What
 * is read lies within them, and the response that is computed for it, and no
 * other, is the right one. */

#include <stdlib.h>
#include <string.h>
#include "proto/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(const struct pl *part, const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;

	if (part->p && (part->p < p || part->p + part->l > p + size))
		abort();
}

static void check(struct digest_response *r, const struct pl *body)
{
	static const char ha1[] = "939e7578ed9e3c518a452acee763bce9";
	const struct pl method = PL("REGISTER");
	char hex[DIGEST_HEX_MAX + 1];

	(void)digest_check(r, ha1, &method, body);
	if (digest_compute(hex, r, ha1, &method, body))
		return;

	pl_set_str(&r->response, hex);
	if (!digest_check(r, ha1, &method, body))
		abort();
	hex[0] = hex[0] == '0' ? '1' : '0';
	if (digest_check(r, ha1, &method, body))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct pl val = {(const char *)data, size};
	struct digest_response r;

	if (digest_response_read(&r, &val))
		return 0;

	if (!r.response.p || !r.nonce.p || !r.username.p)
		abort();
	within(&r.username, data, size);
	within(&r.realm, data, size);
	within(&r.nonce, data, size);
	within(&r.uri, data, size);
	within(&r.response, data, size);
	within(&r.cnonce, data, size);
	within(&r.nc, data, size);
	within(&r.qop, data, size);
	within(&r.opaque, data, size);
	if (r.alg_known) {
		check(&r, NULL);
		check(&r, &val);
	}

	return 0;
}
