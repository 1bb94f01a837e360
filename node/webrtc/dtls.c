/* SPDX-License-Identifier: MIT */
/*
 * A handshake between memory BIOs.
 *
 *   new --hello, or dtls_start()--> shaking --done, fits--> keyed
 *                                     |                       |
 *                                     +--error, impostor--+   | close_notify
 *                                                         v   v
 *                                                         ended
 *
 * What OpenSSL writes is a row of records; they are put into datagrams here.
 */

#include <string.h>
#include <sys/time.h>
#include <re.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/srtp.h>

#include "node/webrtc/dtls_impl.h"

enum {
	RECORD_HDR = 13, /* RFC 6347 4.1: its length is in the last two  */
	RETRY_MIN_US = 100000, /* first retransmission: ICE knows the way   */
	RETRY_MAX_US = 8000000,
	SECRET_BYTES = 2 * (MEDIA_SRTP_KEY_MAX + MEDIA_SRTP_SALT_MAX),
};

enum state { NEW, SHAKING, KEYED, ENDED };

struct dtls {
	struct dtls_identity *id; /* reference */
	SSL *ssl;
	BIO *in, *out; /* of ssl */
	struct dtls_fingerprint fp;
	struct dtls_handlers h;
	void *arg;
	struct tmr tmr;
	enum state state;
	bool active;
};

static void destructor(void *data)
{
	struct dtls *d = data;

	tmr_cancel(&d->tmr);
	SSL_free(d->ssl);
	mem_deref(d->id);
}

/* --- out */

/* Bytes of the records at p that fit into one datagram; one at least. */
static size_t datagram(const uint8_t *p, size_t len)
{
	size_t n = 0;

	while (n + RECORD_HDR <= len) {
		const size_t record =
		    RECORD_HDR + (size_t)(p[n + 11] << 8 | p[n + 12]);

		if (n && n + record > DTLS_DATAGRAM_BYTES)
			break;
		n += record;
	}

	return n && n <= len ? n : len;
}

static void flush(struct dtls *d)
{
	char *p;
	long len = BIO_get_mem_data(d->out, &p);

	while (len > 0) {
		const size_t n = datagram((const uint8_t *)p, (size_t)len);

		d->h.send((const uint8_t *)p, n, d->arg);
		p += n;
		len -= (long)n;
	}

	(void)BIO_reset(d->out);
}

/* --- the end, and the keys */

static void end(struct dtls *d, enum dtls_end why)
{
	tmr_cancel(&d->tmr);
	if (d->state == ENDED)
		return;

	d->state = ENDED;
	if (d->h.end)
		d->h.end(why, d->arg);
}

static enum media_srtp_suite suite_of(const SSL *ssl)
{
	const SRTP_PROTECTION_PROFILE *prof =
	    SSL_get_selected_srtp_profile((SSL *)ssl);

	if (!prof)
		return MEDIA_SRTP_NONE;

	switch (prof->id) {

	case SRTP_AEAD_AES_128_GCM:
		return MEDIA_SRTP_AEAD_AES_128_GCM;

	case SRTP_AES128_CM_SHA1_80:
		return MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80;

	default:
		return MEDIA_SRTP_NONE;
	}
}

/* RFC 5764 4.2: client key, server key, client salt, server salt. */
static void take(struct media_srtp *s, const uint8_t *secret, bool client)
{
	const size_t kl = media_srtp_key_len(s->suite);
	const size_t sl = media_srtp_salt_len(s->suite);

	memcpy(s->key, secret + (client ? 0 : kl), kl);
	memcpy(s->salt, secret + 2 * kl + (client ? 0 : sl), sl);
}

static void keyed(struct dtls *d)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	struct media_srtp tx = {.suite = suite_of(d->ssl)};
	struct media_srtp rx = tx;
	const size_t len =
	    2 * (media_srtp_key_len(tx.suite) + media_srtp_salt_len(tx.suite));
	uint8_t secret[SECRET_BYTES];

	if (tx.suite == MEDIA_SRTP_NONE ||
	    SSL_export_keying_material(d->ssl, secret, len, label,
				       sizeof(label) - 1, NULL, 0, 0) != 1) {
		end(d, DTLS_END_FAILED);
		return;
	}

	take(&tx, secret, d->active);
	take(&rx, secret, !d->active);
	OPENSSL_cleanse(secret, sizeof(secret));
	d->state = KEYED;
	d->h.keys(&tx, &rx, d->arg);
	media_srtp_wipe(&tx);
	media_srtp_wipe(&rx);
}

static void done(struct dtls *d)
{
	X509 *cert = SSL_get1_peer_certificate(d->ssl);
	const bool fits = dtls_fingerprint_fits(&d->fp, cert);

	X509_free(cert);
	if (fits)
		keyed(d);
	else
		end(d, DTLS_END_IMPOSTOR);
}

/* --- in */

static void timeout_handler(void *arg);

static void schedule(struct dtls *d)
{
	struct timeval tv;

	if (d->state == SHAKING && DTLSv1_get_timeout(d->ssl, &tv))
		tmr_start(&d->tmr,
			  (uint64_t)tv.tv_sec * 1000 +
			      (uint64_t)tv.tv_usec / 1000 + 1,
			  timeout_handler, d);
	else
		tmr_cancel(&d->tmr);
}

static void shake(struct dtls *d)
{
	int n, why;

	ERR_clear_error();
	n = SSL_do_handshake(d->ssl);
	why = n == 1 ? SSL_ERROR_NONE : SSL_get_error(d->ssl, n);
	flush(d);

	if (why == SSL_ERROR_NONE)
		done(d);
	else if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		end(d, DTLS_END_FAILED);
	ERR_clear_error();
	schedule(d);
}

static void timeout_handler(void *arg)
{
	struct dtls *d = arg;
	const int n = DTLSv1_handle_timeout(d->ssl);

	flush(d);
	if (n < 0)
		end(d, DTLS_END_FAILED);
	ERR_clear_error();
	schedule(d);
}

/* After the handshake: the peer may repeat its last flight, or say good-bye.
 * Data is nobody's: there are no data channels. */
static void attend(struct dtls *d)
{
	uint8_t nobodys[2048];
	int n;

	do {
		ERR_clear_error();
		n = SSL_read(d->ssl, nobodys, sizeof(nobodys));
	} while (n > 0);

	flush(d);
	if (SSL_get_shutdown(d->ssl) & SSL_RECEIVED_SHUTDOWN)
		end(d, DTLS_END_CLOSED);
	ERR_clear_error();
}

void dtls_recv(struct dtls *d, const uint8_t *p, size_t len)
{
	if (!d || d->state == ENDED || len > INT32_MAX)
		return;

	/* One that waits to be read would be taken for part of this one. */
	(void)BIO_reset(d->in);
	if (BIO_write(d->in, p, (int)len) != (int)len)
		return;

	if (d->state == KEYED) {
		attend(d);
		return;
	}

	d->state = SHAKING;
	shake(d);
}

void dtls_start(struct dtls *d)
{
	if (!d || !d->active || d->state != NEW)
		return;

	d->state = SHAKING;
	shake(d);
}

static unsigned retry_us(SSL *ssl, unsigned us)
{
	(void)ssl;

	return us ? MIN(2 * us, (unsigned)RETRY_MAX_US)
		  : (unsigned)RETRY_MIN_US;
}

static int bios(struct dtls *d)
{
	d->ssl = SSL_new(d->id->ctx);
	d->in = BIO_new(BIO_s_mem());
	d->out = BIO_new(BIO_s_mem());
	if (!d->ssl || !d->in || !d->out) {
		BIO_free(d->in);
		BIO_free(d->out);
		return ENOMEM;
	}

	/* Empty is not the end. */
	(void)BIO_set_mem_eof_return(d->in, -1);
	(void)BIO_set_mem_eof_return(d->out, -1);
	SSL_set_bio(d->ssl, d->in, d->out);
	(void)SSL_set_mtu(d->ssl, DTLS_DATAGRAM_BYTES);
	DTLS_set_timer_cb(d->ssl, retry_us);
	if (d->active)
		SSL_set_connect_state(d->ssl);
	else
		SSL_set_accept_state(d->ssl);

	return 0;
}

int dtls_alloc(struct dtls **dp, struct dtls_identity *id,
	       const struct dtls_fingerprint *fp, bool active,
	       const struct dtls_handlers *h, void *arg)
{
	struct dtls *d;
	int err;

	if (!dp || !id || !fp || !fp->len || !h || !h->send || !h->keys)
		return EINVAL;

	d = mem_zalloc(sizeof(*d), destructor);
	if (!d)
		return ENOMEM;

	tmr_init(&d->tmr);
	d->id = mem_ref(id);
	d->fp = *fp;
	d->active = active;
	d->h = *h;
	d->arg = arg;
	err = bios(d);
	if (err)
		mem_deref(d);
	else
		*dp = d;

	return err;
}
