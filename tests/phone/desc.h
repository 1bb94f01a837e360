/* SPDX-License-Identifier: MIT */
/*
 * Session descriptions of a phone: one audio stream over RTP (RFC 8866), by
 * offer and answer (RFC 3264).  Bytes in, bytes out; no I/O.
 */
#ifndef PHONE_DESC_H
#define PHONE_DESC_H

#include "tests/phone/base.h"
#include "tests/phone/codec.h"
#include "tests/phone/secure.h"

enum desc_dir {
	DESC_INACTIVE = 0,
	DESC_RECVONLY = 1,
	DESC_SENDONLY = 2,
	DESC_SENDRECV = 3,
};

enum {
	DESC_CODECS_MAX = 8,
};

struct desc_codec {
	enum codec_id id;
	uint8_t pt;
};

/* What one side said, as far as the phone understands it. */
struct desc {
	struct sa rtp; /* port 0: the stream is refused */
	enum desc_dir dir;
	struct desc_codec codecv[DESC_CODECS_MAX]; /* in order of preference */
	size_t codecc;
	int event_pt;	 /* telephone-event at 8000 Hz, or -1  */
	int event48_pt;	 /* telephone-event at 48000 Hz, or -1 */
	bool has_audio;	 /* there was an m=audio line          */
	bool rtcp_mux;	 /* RFC 5761                           */
	bool savp;	 /* RTP/SAVP or RTP/SAVPF              */
	bool feedback;	 /* RTP/AVPF or RTP/SAVPF              */
	struct secure_line cryptov[SECURE_LINES]; /* a=crypto */
	size_t cryptoc;
};

/**
 * Read a description.
 *
 * @return 0; EBADMSG not SDP, or an address that cannot be read
 */
int desc_decode(struct desc *d, const char *text, size_t len);

/**
 * Append a description.
 *
 * @param id, version  Of the o= line; version grows with each change.
 *
 * @return 0 or ENOMEM
 */
int desc_encode(struct mbuf *mb, const struct desc *d, uint32_t id,
		uint32_t version);

/** An offer of these codecs with our own payload types. */
void desc_offer(struct desc *d, const enum codec_id *idv, size_t idc,
		const struct sa *rtp, enum desc_dir dir);

/**
 * The answer to an offer: the codecs that both have, in the offerer's order
 * and with its payload types; the direction is what both allow.
 *
 * @return 0; ENOTSUP nothing in common (answer 488)
 */
int desc_answer(struct desc *ans, const struct desc *offer,
		const enum codec_id *idv, size_t idc, const struct sa *rtp,
		enum desc_dir dir);

/**
 * The keys agreed on: lines of one tag and suite.
 *
 * @return 0, *tx and *rx NULL: plain; ENOTSUP one side wants SRTP
 */
int desc_secure(const struct desc *local, const struct desc *remote,
		const struct secure_line **tx, const struct secure_line **rx);

/** The other side's view of a direction: sendonly becomes recvonly. */
enum desc_dir desc_dir_reverse(enum desc_dir dir);

#endif
