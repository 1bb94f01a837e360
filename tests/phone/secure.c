/* SPDX-License-Identifier: MIT */
/* SRTP of a phone; see secure.h. */

#include <string.h>
#include <srtp2/srtp.h>
#include "tests/phone/secure.h"

enum { RX_MAX = 2048 };

static const struct {
	const char *name;
	size_t key; /* with salt */
	void (*rtp)(srtp_crypto_policy_t *p);
	void (*rtcp)(srtp_crypto_policy_t *p);
} suites[SECURE_COUNT] = {
	[SECURE_SHA80] = {"AES_CM_128_HMAC_SHA1_80", 30,
			  srtp_crypto_policy_set_rtp_default,
			  srtp_crypto_policy_set_rtcp_default},
	[SECURE_SHA32] = {"AES_CM_128_HMAC_SHA1_32", 30,
			  srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32,
			  srtp_crypto_policy_set_rtcp_default},
	[SECURE_GCM128] = {"AEAD_AES_128_GCM", 28,
			   srtp_crypto_policy_set_aes_gcm_128_16_auth,
			   srtp_crypto_policy_set_aes_gcm_128_16_auth},
	[SECURE_GCM256] = {"AEAD_AES_256_GCM", 44,
			   srtp_crypto_policy_set_aes_gcm_256_16_auth,
			   srtp_crypto_policy_set_aes_gcm_256_16_auth},
};

struct secure {
	struct secure_line txl, rxl;
	srtp_t tx, rx;
	srtp_t prev; /* rx before, until the first packet under rx */
};

const char *secure_name(enum secure_suite suite)
{
	return suite < SECURE_COUNT ? suites[suite].name : NULL;
}

enum secure_suite secure_find(const struct pl *name)
{
	for (unsigned i = 1; i < SECURE_COUNT; i++)
		if (!pl_strcmp(name, suites[i].name))
			return i;

	return SECURE_NONE;
}

void secure_line_new(struct secure_line *line, unsigned tag,
		     enum secure_suite suite)
{
	memset(line, 0, sizeof(*line));
	line->tag = tag;
	line->suite = suite;
	rand_bytes(line->key, suites[suite].key);
}

int secure_line_decode(struct secure_line *line, const struct pl *val)
{
	struct pl tag, suite, key;
	size_t n = sizeof(line->key);

	if (re_regex(val->p, val->l, "[0-9]+ [^ ]+ inline:[^ |]+", &tag, &suite,
		     &key) ||
	    tag.p != val->p)
		return EBADMSG;

	memset(line, 0, sizeof(*line));
	line->tag = pl_u32(&tag);
	line->suite = secure_find(&suite);
	if (line->suite == SECURE_NONE)
		return ENOTSUP;

	if (base64_decode(key.p, key.l, line->key, &n) ||
	    n != suites[line->suite].key)
		return EBADMSG;

	return 0;
}

static int key_print(struct re_printf *pf, const struct secure_line *line)
{
	return base64_print(pf, line->key, suites[line->suite].key);
}

int secure_line_encode(struct mbuf *mb, const struct secure_line *line)
{
	return mbuf_printf(mb, "a=crypto:%u %s inline:%H\r\n", line->tag,
			   suites[line->suite].name, key_print, line);
}

bool secure_line_same(const struct secure_line *a, const struct secure_line *b)
{
	return a->suite == b->suite &&
	       !memcmp(a->key, b->key, suites[a->suite].key);
}

static int session_open(srtp_t *sp, const struct secure_line *line, bool tx)
{
	static bool ready;
	srtp_policy_t p;

	if (!ready && srtp_init())
		return ENOMEM;
	ready = true;

	memset(&p, 0, sizeof(p));
	suites[line->suite].rtp(&p.rtp);
	suites[line->suite].rtcp(&p.rtcp);
	p.key = (unsigned char *)line->key;
	p.ssrc.type = tx ? ssrc_any_outbound : ssrc_any_inbound;
	p.window_size = 128;

	return srtp_create(sp, &p) ? ENOMEM : 0;
}

static void session_close(srtp_t *sp)
{
	if (*sp)
		(void)srtp_dealloc(*sp);
	*sp = NULL;
}

static void destructor(void *arg)
{
	struct secure *s = arg;

	session_close(&s->tx);
	session_close(&s->rx);
	session_close(&s->prev);
}

int secure_set(struct secure **sp, const struct secure_line *tx,
	       const struct secure_line *rx)
{
	struct secure *s = *sp;
	int err = 0;

	if (!tx || !rx) {
		*sp = mem_deref(s);
		return 0;
	}

	if (!s)
		*sp = s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;

	if (!s->tx || !secure_line_same(tx, &s->txl)) {
		session_close(&s->tx);
		err |= session_open(&s->tx, tx, true);
	}
	if (!s->rx || !secure_line_same(rx, &s->rxl)) {
		session_close(&s->prev);
		s->prev = s->rx;
		s->rx = NULL;
		err |= session_open(&s->rx, rx, false);
	}

	s->txl = *tx;
	s->rxl = *rx;
	return err;
}

const char *secure_suite_name(const struct secure *s)
{
	return s ? suites[s->txl.suite].name : NULL;
}

size_t secure_send(struct secure *s, uint8_t *buf, size_t len, bool rtcp)
{
	int n = (int)len;

	return (rtcp ? srtp_protect_rtcp : srtp_protect)(s->tx, buf, &n)
		       ? 0
		       : (size_t)n;
}

size_t secure_receive(struct secure *s, uint8_t *buf, size_t len, bool rtcp)
{
	srtp_err_status_t (*const openh)(srtp_t, void *, int *) =
		rtcp ? srtp_unprotect_rtcp : srtp_unprotect;
	uint8_t copy[RX_MAX];
	int n = (int)len;

	memcpy(copy, buf, len);
	if (!openh(s->rx, buf, &n)) {
		session_close(&s->prev);
		return (size_t)n;
	}
	if (!s->prev)
		return 0;

	memcpy(buf, copy, len);
	n = (int)len;
	return openh(s->prev, buf, &n) ? 0 : (size_t)n;
}
