/* SPDX-License-Identifier: MIT */
/*
 * Packets: where they are cut, in which order they are checked, counted and
 * turned.  What turns them is in srtp_xform.c.
 *
 *   AES-CM   header | payload~ | MKI | tag      SRTCP: 8 bytes | rest~ |
 *   GCM      header | payload~ tag | MKI        E,index | MKI | tag;
 *                                               8 | rest~ tag | E,index | MKI
 */

#include <errno.h>
#include <string.h>
#include <re.h>
#include <openssl/crypto.h>

#include "node/media/srtp_impl.h"

enum {
	RTP_BYTES = 12,
	RTCP_CLEAR = 8, /* of an RTCP packet: never encrypted */
	INDEX_BYTES = 4,
	WINDOW = 128, /* 2.5 s of packets of 20 ms */
	SEQ_HALF = 1 << 15,
};

static const uint32_t rtcp_encrypted = 1u << 31; /* E */

const struct srtp_suite_info srtp_suites[MEDIA_SRTP_COUNT] = {
    [MEDIA_SRTP_NONE] = {"", 0, 0, 0, 0, false},
    [MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80] = {"AES_CM_128_HMAC_SHA1_80", 16, 14,
					    10, 10, false},
    /* RFC 4568 6.2.2: the short tag is RTP's alone. */
    [MEDIA_SRTP_AES_CM_128_HMAC_SHA1_32] = {"AES_CM_128_HMAC_SHA1_32", 16, 14,
					    4, 10, false},
    [MEDIA_SRTP_AEAD_AES_128_GCM] = {"AEAD_AES_128_GCM", 16, 12, 16, 16, true},
    [MEDIA_SRTP_AEAD_AES_256_GCM] = {"AEAD_AES_256_GCM", 32, 12, 16, 16, true},
};

static const struct srtp_suite_info *info(enum media_srtp_suite suite)
{
	return &srtp_suites[(unsigned)suite < MEDIA_SRTP_COUNT ? suite : 0];
}

const char *media_srtp_name(enum media_srtp_suite suite)
{
	return info(suite)->name;
}

size_t media_srtp_key_len(enum media_srtp_suite suite)
{
	return info(suite)->key_len;
}

size_t media_srtp_salt_len(enum media_srtp_suite suite)
{
	return info(suite)->salt_len;
}

bool media_srtp_same(const struct media_srtp *a, const struct media_srtp *b)
{
	const struct srtp_suite_info *s = info(a->suite);

	return a->suite == b->suite && a->mki_len == b->mki_len &&
	       !CRYPTO_memcmp(a->key, b->key, s->key_len) &&
	       !CRYPTO_memcmp(a->salt, b->salt, s->salt_len) &&
	       !memcmp(a->mki, b->mki, a->mki_len);
}

void media_srtp_wipe(struct media_srtp *s)
{
	OPENSSL_cleanse(s, sizeof(*s));
}

static void destructor(void *arg)
{
	struct srtp_ctx *c = arg;

	srtp_xform_close(&c->rtp);
	srtp_xform_close(&c->rtcp);
	OPENSSL_cleanse(c, sizeof(*c));
}

int srtp_ctx_alloc(struct srtp_ctx **cp, const struct media_srtp *keys, bool tx)
{
	struct srtp_ctx *c;
	int err;

	if (!cp || !keys || !info(keys->suite)->key_len ||
	    keys->mki_len > MEDIA_SRTP_MKI_MAX)
		return EINVAL;

	c = mem_zalloc(sizeof(*c), destructor);
	if (!c)
		return ENOMEM;

	c->info = info(keys->suite);
	c->tx = tx;
	c->mki_len = keys->mki_len;
	memcpy(c->mki, keys->mki, c->mki_len);

	err = srtp_xform_init(&c->rtp, c->info, keys, SRTP_LABEL_RTP, tx);
	if (!err)
		err = srtp_xform_init(&c->rtcp, c->info, keys, SRTP_LABEL_RTCP,
				      tx);

	if (err)
		mem_deref(c);
	else
		*cp = c;

	return err;
}

void srtp_ctx_follow(struct srtp_ctx *c, const struct srtp_ctx *before)
{
	c->before = before->streamc ? before->streamv[0] : before->before;
	if (!before->streamc && before->seek_roc)
		srtp_ctx_seek(c);
}

void srtp_ctx_seek(struct srtp_ctx *c)
{
	c->seek_roc = 1; /* 0 is tried first, with each packet */
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* Where the payload begins: after CSRCs and extension. 0: not RTP. */
static size_t payload_at(const uint8_t *p, size_t len)
{
	size_t n;

	if (len < RTP_BYTES || p[0] >> 6 != 2)
		return 0;

	n = RTP_BYTES + (p[0] & 0x0fu) * 4u;
	if (p[0] & 0x10) {
		if (n + 4 > len)
			return 0;
		n += 4 + ((size_t)p[n + 2] << 8 | p[n + 3]) * 4u;
	}

	return n <= len ? n : 0;
}

/* ---------------------------------------------------------------- packets */

static void put_mki(const struct srtp_ctx *c, uint8_t *p)
{
	memcpy(p, c->mki, c->mki_len);
}

static bool has_mki(const struct srtp_ctx *c, const uint8_t *p)
{
	return !c->mki_len || !memcmp(p, c->mki, c->mki_len);
}

int srtp_ctx_protect_rtp(struct srtp_ctx *c, uint8_t *p, size_t *lenp,
			 size_t cap)
{
	struct srtp_stream *s;
	uint8_t iv[SRTP_IV_BYTES], roc[4];
	size_t len, off, tag;
	uint64_t index;
	uint32_t ssrc;

	if (!c || !p || !lenp || !c->tx)
		return EINVAL;

	len = *lenp;
	tag = c->info->tag_len;
	off = payload_at(p, len);
	if (!off)
		return EBADMSG;
	if (len + tag + c->mki_len > cap)
		return EOVERFLOW;

	ssrc = get32(p + 8);
	s = srtp_stream_take(c, ssrc);
	index = srtp_stream_index(s, (uint16_t)(p[2] << 8 | p[3]));
	if (s->rtp.any && index <= s->rtp.high)
		return EALREADY;

	s->rtp.any = true;
	s->rtp.high = index;
	srtp_xform_iv(&c->rtp, iv, ssrc, index);

	if (c->info->aead) {
		if (srtp_xform_seal(&c->rtp, iv, p, off, NULL, p + off,
				    len - off))
			return EBADMSG;
		put_mki(c, p + len + tag);
	} else {
		if (srtp_xform_ctr(&c->rtp, iv, p + off, len - off))
			return EBADMSG;
		put32(roc, (uint32_t)(index >> 16));
		put_mki(c, p + len);
		srtp_xform_tag(&c->rtp, p, len, roc, p + len + c->mki_len, tag);
	}

	*lenp = len + tag + c->mki_len;

	return 0;
}

static int open_rtp(struct srtp_ctx *c, uint8_t *p, size_t len, size_t off,
		    uint32_t ssrc, uint64_t index)
{
	uint8_t iv[SRTP_IV_BYTES], roc[4];
	const size_t tag = c->info->tag_len;

	srtp_xform_iv(&c->rtp, iv, ssrc, index);
	if (c->info->aead)
		return has_mki(c, p + len + tag) &&
			       !srtp_xform_open(&c->rtp, iv, p, off, NULL,
						p + off, len - off)
			   ? 0
			   : EACCES;

	put32(roc, (uint32_t)(index >> 16));
	if (!has_mki(c, p + len) ||
	    !srtp_xform_check(&c->rtp, p, len, roc, p + len + c->mki_len, tag))
		return EACCES;

	return srtp_xform_ctr(&c->rtp, iv, p + off, len - off) ? EACCES : 0;
}

/* A first packet that did not fit: once more, with the counter of before. */
static int open_followed(struct srtp_ctx *c, uint8_t *p, size_t len, size_t off,
			 uint32_t ssrc, uint64_t *index)
{
	const uint64_t other = srtp_stream_index(&c->before, (uint16_t)*index);

	if (!c->before.rtp.any || c->before.ssrc != ssrc || other == *index)
		return EACCES;

	/* What GCM decrypted in vain becomes what it was by the same again. */
	if (c->info->aead)
		(void)open_rtp(c, p, len, off, ssrc, *index);

	*index = other;

	return open_rtp(c, p, len, off, ssrc, other);
}

/* The next counters in turn; those that did not fit come again at the end. */
static int open_sought(struct srtp_ctx *c, uint8_t *p, size_t len, size_t off,
		       uint32_t ssrc, uint64_t *index)
{
	unsigned i;

	if (!c->seek_roc || c->streamc)
		return EACCES;

	for (i = 0; i < SRTP_SEEK_TRIES; i++) {
		/* As above. */
		if (c->info->aead)
			(void)open_rtp(c, p, len, off, ssrc, *index);

		*index = (uint64_t)c->seek_roc << 16 | (*index & 0xffff);
		if (!open_rtp(c, p, len, off, ssrc, *index))
			return 0;

		c->seek_roc = c->seek_roc % SRTP_SEEK_ROCS + 1;
	}

	return EACCES;
}

int srtp_ctx_unprotect_rtp(struct srtp_ctx *c, uint8_t *p, size_t *lenp)
{
	const struct srtp_stream *s;
	size_t len, off, more;
	uint64_t index;
	uint32_t ssrc;
	int err;

	if (!c || !p || !lenp || c->tx)
		return EINVAL;

	more = (size_t)c->info->tag_len + c->mki_len;
	if (*lenp < RTP_BYTES + more)
		return EBADMSG;

	len = *lenp - more;
	off = payload_at(p, len);
	if (!off)
		return EBADMSG;

	ssrc = get32(p + 8);
	s = srtp_stream_find(c, ssrc);
	index = srtp_stream_index(s, (uint16_t)(p[2] << 8 | p[3]));
	if (s && srtp_window_has(&s->rtp, index))
		return EALREADY;

	err = open_rtp(c, p, len, off, ssrc, index);
	if (err && !s)
		err = open_followed(c, p, len, off, ssrc, &index);
	if (err && !s)
		err = open_sought(c, p, len, off, ssrc, &index);
	if (err)
		return err;

	srtp_window_put(&srtp_stream_take(c, ssrc)->rtp, index);
	*lenp = len;

	return 0;
}

int srtp_ctx_protect_rtcp(struct srtp_ctx *c, uint8_t *p, size_t *lenp,
			  size_t cap)
{
	uint8_t iv[SRTP_IV_BYTES], word[INDEX_BYTES];
	size_t len, tag;
	uint32_t ssrc;

	if (!c || !p || !lenp || !c->tx)
		return EINVAL;

	len = *lenp;
	tag = c->info->rtcp_tag_len;
	if (len < RTCP_CLEAR || p[0] >> 6 != 2)
		return EBADMSG;
	if (len + INDEX_BYTES + tag + c->mki_len > cap ||
	    c->rtcp_index == rtcp_encrypted - 1)
		return EOVERFLOW;

	/* Of the context, not of a stream: so none is used twice. */
	++c->rtcp_index;
	ssrc = get32(p + 4);
	put32(word, c->rtcp_index | rtcp_encrypted);
	srtp_xform_iv(&c->rtcp, iv, ssrc, c->rtcp_index);

	if (c->info->aead) {
		if (srtp_xform_seal(&c->rtcp, iv, p, RTCP_CLEAR, word,
				    p + RTCP_CLEAR, len - RTCP_CLEAR))
			return EBADMSG;
		memcpy(p + len + tag, word, sizeof(word));
		put_mki(c, p + len + tag + INDEX_BYTES);
	} else {
		if (srtp_xform_ctr(&c->rtcp, iv, p + RTCP_CLEAR,
				   len - RTCP_CLEAR))
			return EBADMSG;
		put_mki(c, p + len + INDEX_BYTES);
		srtp_xform_tag(&c->rtcp, p, len, word,
			       p + len + INDEX_BYTES + c->mki_len, tag);
		memcpy(p + len, word, sizeof(word));
	}

	*lenp = len + INDEX_BYTES + tag + c->mki_len;

	return 0;
}

static int open_rtcp(struct srtp_ctx *c, uint8_t *p, size_t len,
		     const uint8_t *word, uint32_t ssrc)
{
	const uint8_t *mki = word + INDEX_BYTES;
	uint8_t iv[SRTP_IV_BYTES];

	if (!has_mki(c, mki))
		return EACCES;

	srtp_xform_iv(&c->rtcp, iv, ssrc, get32(word) & ~rtcp_encrypted);
	if (c->info->aead)
		return srtp_xform_open(&c->rtcp, iv, p, RTCP_CLEAR, word,
				       p + RTCP_CLEAR, len - RTCP_CLEAR)
			   ? EACCES
			   : 0;

	if (!srtp_xform_check(&c->rtcp, p, len, word, mki + c->mki_len,
			      c->info->rtcp_tag_len))
		return EACCES;

	return srtp_xform_ctr(&c->rtcp, iv, p + RTCP_CLEAR, len - RTCP_CLEAR)
		   ? EACCES
		   : 0;
}

int srtp_ctx_unprotect_rtcp(struct srtp_ctx *c, uint8_t *p, size_t *lenp)
{
	const struct srtp_stream *s;
	const uint8_t *word;
	uint32_t ssrc, index;
	size_t len, more;
	int err;

	if (!c || !p || !lenp || c->tx)
		return EINVAL;

	more = (size_t)INDEX_BYTES + c->info->rtcp_tag_len + c->mki_len;
	if (*lenp < RTCP_CLEAR + more || p[0] >> 6 != 2)
		return EBADMSG;

	len = *lenp - more;
	word = p + len + (c->info->aead ? c->info->rtcp_tag_len : 0);

	/* Plain SRTCP is never agreed on (sdes.h). */
	if (!(get32(word) & rtcp_encrypted))
		return EBADMSG;

	ssrc = get32(p + 4);
	index = get32(word) & ~rtcp_encrypted;
	s = srtp_stream_find(c, ssrc);
	if (s && srtp_window_has(&s->rtcp, index))
		return EALREADY;

	err = open_rtcp(c, p, len, word, ssrc);
	if (err)
		return err;

	srtp_window_put(&srtp_stream_take(c, ssrc)->rtcp, index);
	*lenp = len;

	return 0;
}
