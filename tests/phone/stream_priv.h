/* SPDX-License-Identifier: MIT */
/* Inside of a stream: shared by stream.c, stream_rx.c, stream_tx.c only. */
#ifndef PHONE_STREAM_PRIV_H
#define PHONE_STREAM_PRIV_H

#include "tests/phone/sound.h"
#include "tests/phone/stream.h"

enum {
	RTP_HDR = 12,
	DIGITS_MAX = 64,
	RX_BATCH = 16,
	RX_SIZE = 2048,
};

struct rx {
	bool synced;	  /* seq and ts below are valid          */
	bool starved;	  /* silence was put in for what is late */
	uint16_t seq;	  /* highest so far                      */
	uint32_t ts_next; /* of the packet after it              */
	uint32_t ssrc;
	struct sa src;
	bool src_told;
	int warm;	   /* packets to decode before listening  */
	double last_ms;	   /* kernel time of the last packet, 0: none */
	double transit_ms;
	uint32_t digit_ts; /* of the event that is under way      */
	bool digit_done;
	bool digit_seen;
};

/* See stream_rtcp.c. */
struct rtcp {
	uint32_t lsr;	   /* of the peer's last SR               */
	uint32_t sent_mid; /* NTP time of our last one            */
	uint64_t rx_told, lost_told; /* counts when it was sent   */
};

struct digit {
	char c;
	unsigned ms;
};

struct tx {
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	unsigned frame; /* of the tone's table, 0-49 */
	bool marker;
	/* digits: the one that is sent, and those behind it */
	struct digit queue[DIGITS_MAX];
	size_t queued;
	unsigned sent_ms; /* of the current digit */
	int ends;	  /* end packets sent     */
	unsigned pause;	  /* frames until the next digit */
	uint32_t digit_ts;
};

struct stream {
	struct le le; /* in a group of the clock */
	struct media *media;
	struct stream_handlers h;
	int fd;
	struct sa laddr, raddr;
	bool started;
	enum codec_id codec;
	uint8_t pt_tx, pt_rx;
	int event_tx, event_rx; /* payload types, or -1 */
	bool sends;
	bool rtcp_mux;
	double loss_percent; /* of what is sent */
	bool muted;
	unsigned hz;
	double db;
	const struct tone *tone, *silence;
	struct codec_enc *enc;
	struct codec_dec *dec;
	struct secure *secure; /* NULL: plain RTP */
	struct sound *sound; /* instead of the tone */
	struct tape *tape;
	struct list watchl;
	struct gap *gap;	/* the tone that is watched, or NULL */
	struct playout playout;
	double served_ms; /* all that came before is read */
	struct stream_stats st;
	struct rx rx;
	struct tx tx;
	struct rtcp rtcp;
};

/** Read all that came; now is the kernel's clock [ms]. */
void stream_receive(struct stream *s, double now_ms);

/** A datagram that came. @return true: it was RTCP, and is done with. */
bool stream_rtcp(struct stream *s, const uint8_t *buf, size_t len,
		 double at_ms);

/** Throw away what came before anybody knew where it should come from. */
void stream_drain(struct stream *s);

/** Send the packet of this tick. */
void stream_transmit(struct stream *s);

/** Character of an event code of RFC 4733, or 0; and back, or -1. */
char stream_digit_char(uint8_t code);
int stream_digit_code(char c);

#endif
