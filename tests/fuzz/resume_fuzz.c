/* sources: node/sip node/webrtc/ice.c node/webrtc/ice_early.c node/webrtc/dtls_identity.c
 * node/media/srtp.c node/media/srtp_stream.c
 * node/media/srtp_xform.c proto/digest.c proto/digest_client.c
 * proto/digest_challenge.c proto/digest_read.c proto/log.c proto/schema.c proto/token.c
 * build/debug/proto/gen/switchyard.pb-c.c
 * build/debug/proto/gen/google/protobuf/timestamp.pb-c.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: any bytes as the record of a dialog.  It is refused, or
 * goes on: then it is offered, written down and hung up. */

#include <stdlib.h>
#include "node/sip/session.h"
#include "node/sip/ua.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct token_key *key;
static struct sipua *ua;
static Sy__Member router;
static const Sy__Member *routerv[] = {&router};

/* There is no cluster here. */
uint32_t member_instance(const struct members *ms)
{
	(void)ms;
	return 1;
}

void member_apply(const struct members *ms, Sy__MemberKind kind, member_h *h,
		  void *arg)
{
	(void)ms;
	(void)kind;
	(void)h;
	(void)arg;
}

static void open_ua(void)
{
	struct sipua_conf conf = {.addr = "127.0.0.1:0"};
	int err;

	if (!key &&
	    (libre_init() || token_key_alloc(&key, "0123456789abcdef", 16)))
		abort();
	if (ua)
		return;

	sy__member__init(&router);
	router.id = "r1";
	router.kind = SY__MEMBER_KIND__ROUTER;
	router.address = "127.0.0.1:9";
	conf.key = key;
	do {
		err = sipua_alloc(&ua, &conf);
	} while (err == EADDRINUSE);
	if (err)
		abort();
	sipua_set_routers(ua, routerv, 1, 1);
}

static void use(struct dialog *d)
{
	Sy__DialogState st = SY__DIALOG_STATE__INIT;
	struct mbuf *mb = NULL;

	dialog_checkpoint(d, &st);
	(void)sy__dialog_state__get_packed_size(&st);
	if (!dialog_pending_offer(d, &mb))
		mem_deref(mb);

	mb = mbuf_alloc(8);
	(void)mbuf_write_str(mb, "v=0\r\n");
	mb->pos = 0;
	if (dialog_state(d) == DIALOG_ANSWERED)
		(void)dialog_offer(d, mb);
	else
		(void)dialog_progress(d, 183, NULL, mb);
	mem_deref(mb);
	(void)dialog_freeze(d);
	dialog_thaw(d);
}

static void session(const Sy__DialogState *ds)
{
	const struct session_state st = {
	    .local_sdp = ds->local_sdp,
	    .remote_sdp = ds->remote_sdp,
	    .id = ds->sdp_session_id,
	    .version = ds->sdp_version,
	    .local_hold = ds->local_hold,
	    .pending = ds->state != SY__LEG_STATE__LEG_ANSWERED,
	};
	struct session_conf conf = {
	    .codecv = (const char *const *)ds->codecs,
	    .codecc = ds->n_codecs,
	};
	struct session *s;
	struct mbuf *mb = NULL;

	if (!conf.codecc)
		conf.codecv = NULL;
	(void)sa_set_str(&conf.laddr, "127.0.0.1", 20000);
	if (session_resume(&s, &conf, &st))
		return;

	(void)session_offer(s, ds->local_hold, &mb);
	mem_deref(mb);
	mem_deref(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dialog_resume prm = {
	    .tok = {.kind = TOKEN_NODE, .instance = 1, .leg = 1}};
	Sy__DialogState *ds = sy__dialog_state__unpack(NULL, size, data);
	struct dialog *d;

	if (!ds)
		return 0;

	open_ua();
	prm.ds = ds;
	if (!dialog_resume(&d, ua, &prm, NULL, NULL)) {
		use(d);
		mem_deref(d);
		ua = mem_deref(ua);
	}
	session(ds);
	sy__dialog_state__free_unpacked(ds, NULL);

	return 0;
}
