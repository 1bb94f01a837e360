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

/* Our key for a suite, made when it is first needed. */
static struct secure_line *key_of(struct call *call, enum secure_suite suite,
				  unsigned tag)
{
	struct secure_line *line = &call->keyv[suite];

	if (line->suite == SECURE_NONE)
		secure_line_new(line, tag, suite);
	line->tag = tag;

	return line;
}

/* What a new offer says of SRTP; before: what we said last. */
static void offer_secure(struct call *call, const struct desc *before)
{
	const struct phone *p = call->phone;
	const char *now = stream_suite(call->stream);
	struct desc *d = &call->local;

	if (p->srtp == SRTP_OFF)
		return;

	d->savp = before->has_audio ? before->savp : p->srtp >= SRTP_REQUIRED;
	d->feedback = before->has_audio ? before->feedback
					: p->srtp == SRTP_SAVPF;

	for (size_t i = 0; i < p->suitec; i++) {
		if (now && strcmp(now, secure_name(p->suitev[i])))
			continue;
		d->cryptov[d->cryptoc] = *key_of(call, p->suitev[i],
						 (unsigned)d->cryptoc + 1);
		++d->cryptoc;
	}
}

static bool suite_is_ours(const struct phone *p, enum secure_suite suite)
{
	for (size_t i = 0; i < p->suitec; i++)
		if (p->suitev[i] == suite)
			return true;

	return false;
}

static bool key_stays(const struct call *call, const struct secure_line *line)
{
	for (size_t i = 0; i < call->remote.cryptoc; i++)
		if (secure_line_same(&call->remote.cryptov[i], line))
			return true;

	return false;
}

/* The first line of the offer that we can do; a new key of theirs makes a new
 * one of ours. */
static int answer_secure(struct call *call, struct desc *answer,
			 const struct desc *offer)
{
	const struct phone *p = call->phone;

	for (size_t i = 0; i < offer->cryptoc && p->srtp != SRTP_OFF; i++) {
		const struct secure_line *line = &offer->cryptov[i];

		if (!suite_is_ours(p, line->suite))
			continue;
		if (!key_stays(call, line))
			call->keyv[line->suite].suite = SECURE_NONE;
		answer->cryptov[0] = *key_of(call, line->suite, line->tag);
		answer->cryptoc = 1;
		return 0;
	}

	return offer->savp || p->srtp >= SRTP_REQUIRED ? ENOTSUP : 0;
}

int call_offer(struct call *call, struct mbuf *body)
{
	const struct desc before = call->local;

	if (call->changing && call->change.rekey)
		memset(call->keyv, 0, sizeof(call->keyv));

	desc_offer(&call->local, call->codecv, call->codecc,
		   stream_laddr(call->stream), call->dir);
	offer_secure(call, &before);

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
	if (!err)
		err = answer_secure(call, &answer, &offer);
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
	return json_pack("{s:s? s:s s:s s:s?}", "codec",
			 info ? info->name : NULL, "rtp_local", local,
			 "rtp_remote", remote, "srtp",
			 stream_suite(call->stream));
}
