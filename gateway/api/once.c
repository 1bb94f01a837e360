/* SPDX-License-Identifier: MIT */
/* Idempotency-Key: see once.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/once.h"
#include "gateway/api/wire.h"
#include "proto/store_idem.h"
#include "proto/token.h"

enum {
	KEY_MAX = 255,
	BODY_MAX = 64 * 1024,
	TYPE_SIZE = 64,
	MAC_USE = 'I',
	MAC_BYTES = STORE_IDEM_HASH_SIZE / 2,
};

/* Of a request that was begun with a key. */
struct once {
	once_h *h;
	char sender[PRINCIPAL_ID_SIZE];
	char key[STORE_IDEM_HASH_SIZE];
	char mark[STORE_IDEM_HASH_SIZE];
	char type[TYPE_SIZE];
	struct mbuf *body;  /* of the answer; NULL: none, or too large */
	bool lost;          /* ... too large, or a secret              */
};

static void destructor(void *arg)
{
	struct once *o = arg;

	mem_deref(o->body);
}

static struct store_idem name(const struct once *o)
{
	return (struct store_idem){
		.sender = o->sender, .key = o->key, .mark = o->mark};
}

bool once_is_wanted(const struct api_req *a)
{
	return !strcmp(a->web->method, "POST") &&
	       a->who.kind != PRINCIPAL_NONE &&
	       web_header(a->web, "idempotency-key");
}

/* ------------------------------------------------------------------ hashes */

/* With its end, so that two texts cannot be taken for two others. */
static void feed(EVP_MD_CTX *ctx, const char *text)
{
	(void)EVP_DigestUpdate(ctx, text, strlen(text) + 1);
}

/* The request: a hash that anybody could try bodies against. */
static int hash_request(uint8_t md[EVP_MAX_MD_SIZE], const struct api_req *a)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const uint8_t *body;
	size_t len;

	if (!ctx)
		return ENOMEM;

	body = web_body(a->web, &len);
	(void)EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	feed(ctx, a->web->method);
	feed(ctx, a->web->path);
	feed(ctx, a->web->query);
	feed(ctx, wire_is_wanted(a) ? "protobuf" : "json");
	(void)EVP_DigestUpdate(ctx, body, len);
	(void)EVP_DigestFinal_ex(ctx, md, NULL);
	EVP_MD_CTX_free(ctx);

	return 0;
}

/* A body may hold a password.  So Redis has its fingerprint under keys that it
 * has not: the cluster's, where there is one, and the sender's own, of which
 * it has a hash alone. */
static void print_mac(char hex[STORE_IDEM_HASH_SIZE],
		      const struct token_key *cluster, const char *key,
		      const void *p, size_t len)
{
	uint8_t own[EVP_MAX_MD_SIZE] = {0}, mac[EVP_MAX_MD_SIZE];

	(void)HMAC(EVP_sha256(), key, (int)strlen(key), p, len, own, NULL);
	memcpy(mac, own, sizeof(mac));
	if (cluster)
		token_mac(mac, cluster, MAC_USE, own, MAC_BYTES);
	for (size_t i = 0; i < MAC_BYTES; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", mac[i]);
}

/* The key, and what it is asked for with. */
static int set_hashes(struct once *o, const struct api_req *a,
		      const char *key)
{
	const struct token_key *cluster = a->api->key;
	uint8_t md[EVP_MAX_MD_SIZE];
	int err = hash_request(md, a);

	if (err)
		return err;

	print_mac(o->key, cluster, key, "key", 3);
	print_mac(o->mark, cluster, key, md, MAC_BYTES);

	return 0;
}

/* ------------------------------------------------------------------- begin */

static void replay(struct api_req *a, const struct store_idem_answer *ans)
{
	(void)web_head(a->web, "idempotency-replayed", "true");
	if (*ans->location)
		(void)web_head(a->web, "location", "%s", ans->location);
	if (!strcmp(ans->type, "-")) {
		(void)problem(a->web, 409, "done-before",
			      "this was done before; its answer is shown "
			      "once, or was too large to be kept");
		return;
	}

	(void)web_head(a->web, "cache-control", "no-store");
	(void)web_reply(a->web, ans->status, *ans->type ? ans->type : NULL,
			ans->body, ans->len);
}

static void on_taken(int err, enum store_idem_out out,
		     const struct store_idem_answer *ans, void *arg)
{
	struct api_req *a = arg;
	struct once *o = a->once;

	if (err || out != STORE_IDEM_NEW)
		a->once = NULL;

	if (err)
		api_reply_err(a, err, "key");
	else if (out == STORE_IDEM_NEW)
		o->h(a);
	else if (out == STORE_IDEM_DONE)
		replay(a, ans);
	else if (out == STORE_IDEM_OTHER)
		(void)problem(a->web, 422, "key-reused",
			      "this Idempotency-Key was used for another "
			      "request");
	else if (out == STORE_IDEM_RUNNING)
		(void)problem(a->web, 409, "running",
			      "the request with this Idempotency-Key is "
			      "still being done");
	else
		(void)problem(a->web, 504, "unknown",
			      "the request with this Idempotency-Key was "
			      "begun, and how it ended is not known: look "
			      "whether it was done, and use another key");

	if (!a->once)
		mem_deref(o);
	api_release(a);
}

static bool is_key(const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < len; i++) {
		if (key[i] < 0x21 || key[i] > 0x7e)
			return false;
	}

	return len && len <= KEY_MAX;
}

void once_begin(struct api_req *a, once_h *h)
{
	static const struct problem_field bad = {
		.field = "Idempotency-Key",
		.cause = "is no key",
		.allowed = "1 to 255 printable characters of ASCII",
	};
	const char *key = web_header(a->web, "idempotency-key");
	struct store_idem idem;
	int err;

	if (!is_key(key)) {
		(void)problem_param(a->web, &bad);
		return;
	}

	a->once = mem_zalloc(sizeof(*a->once), destructor);
	err = a->once ? set_hashes(a->once, a, key) : ENOMEM;
	if (!err) {
		a->once->h = h;
		str_ncpy(a->once->sender, a->who.id,
			 sizeof(a->once->sender));
		idem = name(a->once);
		err = store_idem_take(view_redis(a->api->view), &idem,
				      on_taken, a);
	}
	if (!err) {
		api_hold(a);
		return;
	}

	/* Nothing was done: it may be sent again. */
	a->once = mem_deref(a->once);
	api_reply_err(a, err, "key");
}

/* --------------------------------------------------------------------- end */

void once_keep(struct api_req *a, const char *type, const void *p, size_t len)
{
	struct once *o = a->once;

	if (!o)
		return;

	str_ncpy(o->type, type, sizeof(o->type));
	o->lost = a->route->secret || len > BODY_MAX;
	if (o->lost)
		return;
	o->body = mbuf_alloc(len + 1);
	o->lost = !o->body || mbuf_write_mem(o->body, p, len);
}

void once_end(struct api_req *a)
{
	const unsigned status = a->web->res.status;
	const char *location = fields_get(&a->web->res.head, "location");
	struct once *o = a->once;
	struct store_idem idem;
	struct redis *r;

	if (!o || !a->api->view)
		return;

	r = view_redis(a->api->view);
	idem = name(o);
	if (status / 100 == 2) {
		const struct store_idem_answer ans = {
			.status = status,
			.type = o->lost ? "-" : o->type,
			.location = location ? location : "",
			.body = o->body ? (const char *)o->body->buf : "",
			.len = o->body ? o->body->end : 0,
		};

		(void)store_idem_put(r, &idem, &ans);
	}
	else if (status == 500 || status == 502 || status == 504) {
		(void)store_idem_lose(r, &idem);
	}
	else {
		(void)store_idem_drop(r, &idem);
	}
	a->once = mem_deref(o);
}
