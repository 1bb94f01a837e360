/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <re.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "node/webrtc/ice_impl.h"

enum {
	ANSWER_BYTES = 256,
	UNAUTHORIZED = 401,
	BAD_REQUEST = 400,
	UNKNOWN_ATTRIBUTE = 420,
	ROLE_CONFLICT = 487,
};

/* RFC 8839 5.4: ice-char is a letter, a digit, "+" or "/". */
static void random_text(char *buf, size_t n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz"
				       "0123456789+/";
	uint8_t rnd[ICE_OWN_PWD];

	/* Without randomness of OpenSSL nobody could do DTLS either. */
	if (RAND_bytes(rnd, (int)n) != 1)
		rand_bytes(rnd, n);

	for (size_t i = 0; i < n; i++)
		buf[i] = alphabet[rnd[i] & 63];
	buf[n] = '\0';
	OPENSSL_cleanse(rnd, sizeof(rnd));
}

void ice_cred_new(struct ice_cred *c)
{
	random_text(c->ufrag, ICE_OWN_UFRAG);
	random_text(c->pwd, ICE_OWN_PWD);
}

bool ice_cred_same(const struct ice_cred *a, const struct ice_cred *b)
{
	return !strcmp(a->ufrag, b->ufrag) && !strcmp(a->pwd, b->pwd);
}

static void destructor(void *arg)
{
	struct ice *ice = arg;

	mem_deref(ice->early);
	OPENSSL_cleanse(&ice->local, sizeof(ice->local));
	OPENSSL_cleanse(&ice->remote, sizeof(ice->remote));
}

int ice_alloc(struct ice **ip, ice_send_h *sendh, ice_selected_h *selh,
	      void *arg)
{
	struct ice *ice;

	if (!ip || !sendh)
		return EINVAL;

	ice = mem_zalloc(sizeof(*ice), destructor);
	if (!ice)
		return ENOMEM;

	ice->sendh = sendh;
	ice->selh = selh;
	ice->arg = arg;
	*ip = ice;

	return 0;
}

bool ice_set(struct ice *ice, const struct ice_cred *local,
	     const struct ice_cred *remote)
{
	bool expected;

	if (!ice || (ice->set && ice_cred_same(&ice->local, local) &&
		     ice_cred_same(&ice->remote, remote)))
		return false;

	ice->local = *local;
	ice->remote = *remote;
	ice->set = true;
	ice->at.checkedc = ice->at.next = 0;
	expected = ice->early && ice_cred_same(&ice->early->local, local);
	if (expected)
		ice_early_take(ice);

	return expected;
}

/* --- answers */

static void answer(const struct ice_check *c, struct mbuf *mb, int err)
{
	if (!err)
		c->ice->sendh(c->src, mb->buf, mb->end, c->ice->arg);
	mem_deref(mb);
}

void ice_answer_success(const struct ice_check *c)
{
	struct mbuf *mb = mbuf_alloc(ANSWER_BYTES);
	int err;

	if (!mb)
		return;

	err = stun_msg_encode(mb, STUN_METHOD_BINDING, STUN_CLASS_SUCCESS_RESP,
			      stun_msg_tid(c->msg), NULL,
			      (const uint8_t *)c->pwd, strlen(c->pwd), true, 0,
			      1, STUN_ATTR_XOR_MAPPED_ADDR, c->src);
	answer(c, mb, err);
}

/* RFC 8489 9.1.3: before its integrity is proved an error has none. */
static void answer_error(const struct ice_check *c, uint16_t code,
			 const char *reason, bool proved)
{
	struct ice *ice = c->ice;
	const struct stun_errcode ec = {code, (char *)reason};
	const uint8_t *key = proved ? (const uint8_t *)c->pwd : NULL;
	struct mbuf *mb = mbuf_alloc(ANSWER_BYTES);
	int err;

	++ice->stat.refused;
	if (!mb)
		return;

	err = stun_msg_encode(mb, STUN_METHOD_BINDING, STUN_CLASS_ERROR_RESP,
			      stun_msg_tid(c->msg), &ec, key,
			      key ? strlen(c->pwd) : 0, true, 0, 1,
			      STUN_ATTR_UNKNOWN_ATTR,
			      c->unknown.typec ? &c->unknown : NULL);
	answer(c, mb, err);
}

/* --- checks */

bool ice_places_has(const struct ice_places *at, const struct sa *src)
{
	for (size_t i = 0; i < at->checkedc; i++) {
		if (sa_cmp(&at->checkedv[i], src, SA_ALL))
			return true;
	}

	return false;
}

void ice_places_add(struct ice_places *at, const struct sa *src,
		    uint64_t now_ms)
{
	at->asked_ms = now_ms;
	if (ice_places_has(at, src))
		return;

	at->checkedv[at->next] = *src;
	at->next = (at->next + 1) % ICE_CHECKED;
	at->checkedc = MIN(at->checkedc + 1, (size_t)ICE_CHECKED);
}

/* The last one said counts: a controlling peer nominates once, or, against
 * our kind, what it has just chosen to use. */
bool ice_select(struct ice *ice, const struct sa *peer)
{
	struct ice_places *at = &ice->at;

	if (at->has_selected && sa_cmp(&at->selected, peer, SA_ALL))
		return false;

	at->selected = *peer;
	at->has_selected = true;
	if (ice->selh)
		ice->selh(&at->selected, ice->arg);

	return true;
}

const char *ice_theirs(const struct ice_cred *local, const char *name)
{
	const size_t n = strlen(local->ufrag);

	return !strncmp(name, local->ufrag, n) && name[n] == ':'
		       ? name + n + 1 : NULL;
}

static bool is_for_us(const struct ice *ice, const char *name)
{
	const char *remote = ice->set ? ice_theirs(&ice->local, name) : NULL;

	return remote && !strcmp(remote, ice->remote.ufrag);
}

/* Whose it is decides about the password.  @return false: it is dropped. */
static bool find(struct ice_check *c)
{
	const struct ice *ice = c->ice;
	const struct stun_attr *user =
		stun_msg_attr(c->msg, STUN_ATTR_USERNAME);
	const char *name = user ? user->v.username : "";

	c->early = !is_for_us(ice, name) && ice_early_named(ice, name);
	c->pwd = c->early ? ice->early->local.pwd : ice->local.pwd;
	if (c->early || !ice->early)
		return ice->set || c->early;

	/* Of one that we wait for: it is asked again after its answer. */
	return ice->set && !ice_theirs(&ice->early->local, name);
}

/* True: it is a check of the peer; else it was answered. */
static bool is_valid(const struct ice_check *c)
{
	struct ice *ice = c->ice;
	const struct stun_attr *user;

	user = stun_msg_attr(c->msg, STUN_ATTR_USERNAME);
	if (!user || !stun_msg_attr(c->msg, STUN_ATTR_MSG_INTEGRITY)) {
		answer_error(c, BAD_REQUEST, "Bad Request", false);
		return false;
	}

	if (!(c->early || is_for_us(ice, user->v.username)) ||
	    stun_msg_chk_mi(c->msg, (const uint8_t *)c->pwd,
			    strlen(c->pwd))) {
		answer_error(c, UNAUTHORIZED, "Unauthorized", false);
		return false;
	}

	if (c->unknown.typec) {
		answer_error(c, UNKNOWN_ATTRIBUTE, "Unknown Attribute", true);
		return false;
	}

	/* A lite side never controls: the peer has to (RFC 8445 6.1.1). */
	if (stun_msg_attr(c->msg, STUN_ATTR_CONTROLLED)) {
		answer_error(c, ROLE_CONFLICT, "Role Conflict", true);
		return false;
	}

	return true;
}

static void check_handle(struct ice_check *c, uint64_t now_ms)
{
	struct ice *ice = c->ice;

	if (!find(c) || !is_valid(c))
		return;

	++ice->stat.checks;
	if (c->early) {
		ice_early_check(c, now_ms);
		return;
	}

	ice_places_add(&ice->at, c->src, now_ms);
	ice_answer_success(c);
	if (stun_msg_attr(c->msg, STUN_ATTR_USE_CAND))
		(void)ice_select(ice, c->src);
}

void ice_recv(struct ice *ice, const struct sa *src, const uint8_t *p,
	      size_t len, uint64_t now_ms)
{
	struct ice_check c = {.ice = ice, .src = src};
	struct stun_msg *msg = NULL;
	struct mbuf *mb;

	if (!ice || !(ice->set || ice->early))
		return;

	mb = mbuf_alloc(len);
	if (!mb)
		return;

	(void)mbuf_write_mem(mb, p, len);
	mb->pos = 0;

	/* Only FINGERPRINT tells a check from what merely looks like one; an
	 * indication keeps a path open, and wants no answer. */
	if (stun_msg_decode(&msg, mb, &c.unknown) ||
	    stun_msg_method(msg) != STUN_METHOD_BINDING ||
	    stun_msg_class(msg) != STUN_CLASS_REQUEST ||
	    stun_msg_chk_fingerprint(msg)) {
		++ice->stat.dropped;
		goto out;
	}

	c.msg = msg;
	check_handle(&c, now_ms);

out:
	mem_deref(msg);
	mem_deref(mb);
}

/* --- what is known */

bool ice_is_checked(const struct ice *ice, const struct sa *src)
{
	return ice && ice_places_has(&ice->at, src);
}

const struct sa *ice_selected(const struct ice *ice)
{
	return ice && ice->at.has_selected ? &ice->at.selected : NULL;
}

bool ice_consents(const struct ice *ice, uint64_t now_ms)
{
	return ice && ice->at.asked_ms &&
	       now_ms - ice->at.asked_ms < ICE_CONSENT_MS;
}

const struct ice_stat *ice_stat(const struct ice *ice)
{
	return &ice->stat;
}
