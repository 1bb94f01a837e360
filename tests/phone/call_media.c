/* SPDX-License-Identifier: MIT */
/* The session of a call: descriptions, and the stream that they govern. */

#include <string.h>
#include "tests/phone/call_priv.h"

static void source_handler(const struct sa *src, enum codec_id codec, void *arg)
{
	struct call *call = arg;
	const double ms = call->up_us
		? (call_clock_us() - call->up_us) / 1e3 : 0.0;
	char addr[64];

	re_snprintf(addr, sizeof(addr), "%J", src);
	call_event(call, "media",
		   json_pack("{s:s s:s s:f}", "codec", codec_info(codec)->name,
			     "from", addr, "ms", ms));
}

static void digit_handler(char digit, unsigned ms, void *arg)
{
	const char text[2] = {digit, 0};

	call_event(arg, "dtmf",
		   json_pack("{s:s s:i}", "digit", text, "ms", ms));
}

static void sent_handler(void *arg)
{
	call_event(arg, "dtmf_sent", NULL);
}

int call_stream_open(struct call *call)
{
	const struct stream_handlers h = {source_handler, digit_handler,
					  sent_handler, call};
	struct phone *p = call->phone;
	int err;

	err = stream_alloc(&call->stream, p->farm->media, &p->laddr, &h);
	if (err)
		return err;

	stream_set_loss(call->stream, p->loss_percent);
	return stream_set_tone(call->stream, p->tone_hz, p->tone_db);
}

static int stream_apply(struct call *call)
{
	if (!call->phone->media)
		return 0;

	return stream_start(call->stream, &call->local, &call->remote);
}

static int decode(struct desc *d, const struct sip_msg *msg)
{
	return desc_decode(d, (const char *)mbuf_buf(msg->mb),
			   mbuf_get_left(msg->mb));
}

int call_offer(struct call *call, struct mbuf *body)
{
	desc_offer(&call->local, call->codecv, call->codecc,
		   stream_laddr(call->stream), call->dir);

	return desc_encode(body, &call->local, call->sdp_id,
			   ++call->sdp_version);
}

int call_offer_received(struct call *call, const struct sip_msg *msg,
			struct mbuf *body)
{
	struct desc offer, answer;
	int err;

	err = decode(&offer, msg);
	if (err)
		return err;

	err = desc_answer(&answer, &offer, call->codecv, call->codecc,
			  stream_laddr(call->stream), call->dir);
	if (err)
		return err;

	call->remote = offer;
	call->local = answer;
	err = stream_apply(call);
	if (err)
		return err;

	return desc_encode(body, &answer, call->sdp_id, ++call->sdp_version);
}

int call_answer_received(struct call *call, const struct sip_msg *msg)
{
	struct desc answer;
	int err;

	err = decode(&answer, msg);
	if (err)
		return err;

	call->remote = answer;
	return stream_apply(call);
}

int call_body_encode(struct mbuf *mb, struct mbuf *body)
{
	if (!body || !body->end)
		return mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");

	return mbuf_printf(mb,
			   "Content-Type: application/sdp\r\n"
			   "Content-Length: %zu\r\n\r\n%b",
			   body->end, body->buf, body->end);
}

json_t *call_codecs_json(const struct desc *d)
{
	json_t *names = json_array();

	for (size_t i = 0; i < d->codecc; i++) {
		const struct codec_info *info = codec_info(d->codecv[i].id);

		json_array_append_new(names, json_string(info->name));
	}

	return names;
}

json_t *call_media_json(const struct call *call)
{
	const struct codec_info *info = codec_info(stream_codec(call->stream));
	char local[64], remote[64];

	re_snprintf(local, sizeof(local), "%J", &call->local.rtp);
	re_snprintf(remote, sizeof(remote), "%J", &call->remote.rtp);
	return json_pack("{s:s? s:s s:s}", "codec", info ? info->name : NULL,
			 "rtp_local", local, "rtp_remote", remote);
}
