/* SPDX-License-Identifier: MIT */
/*
 * One party of a call, as its hub sees it.  What kind it is lies behind
 * struct leg_ops: a SIP leg brings a dialog and RTP, a player only sound, a
 * test's leg nothing at all.
 *
 *   inbound:   SETUP --leg_progress()--> RINGING --leg_answer()----> ANSWERED
 *   outbound:  SETUP --leg_ringing()---> RINGING --leg_answered()--> ANSWERED
 *                      leg_sounding()
 *   each:      any   --leg_hangup() (we) or leg_ended() (the peer)--> ENDED
 *
 * An ended leg is moved to its hub's list of the gone and freed by
 * hub_purge(), in a later step of the loop: so a handler of the leg's dialog
 * that ends the leg never finds its own ground gone.
 *
 * All on the signalling thread.
 */

#ifndef SY_NODE_HUB_LEG_H
#define SY_NODE_HUB_LEG_H

#include <re.h>
#include "proto/schema.h"
#include "proto/ulid.h"

struct hub;
struct leg;
struct hunt;

enum {
	LEG_TEXT_MAX = 96,
	LEG_CODEC_MAX = 16,
	LEG_SRTP_MAX = 32,
	LEG_ID_MAX = 160,          /* Call-ID and tags that are shown  */
};

/** How it sounds to the others; see Leg in the schema for the members. */
struct leg_quality {
	bool valid;                /* packets came                     */
	float mos, mos_listening, r;
	float loss_percent, discarded_percent, concealed_percent;
	float recovered_percent;   /* lost, but brought back by FEC    */
	float jitter_ms, round_trip_ms;
	float peer_loss_percent, peer_jitter_ms, peer_mos;
	uint32_t jitter_buffer_ms;
};

/** How a leg's voice is processed; all zero: not at all. */
struct leg_voice {
	float gain_in_db;          /* of what it says                  */
	float gain_out_db;         /* of what it hears                 */
	float comfort_noise_db;    /* where nobody talks; 0: none      */
	bool agc;
	char denoise[12];          /* "" or "off": none                */
};

/** What a kind of leg does for its hub.  Any may be NULL: it does nothing. */
struct leg_ops {
	/** A person or a line; its leaving may end the call.  Players are
	 * none: nobody talks to a lonely player. */
	bool party;

	/** Tell the peer of an inbound leg that it rings. */
	int (*progress)(struct leg *leg, uint16_t code);

	/**
	 * Let the peer of an inbound leg hear the call before the answer:
	 * set leg->early.
	 *
	 * @return 0; ENOTSUP: it cannot (it has offered no session).
	 */
	int (*early)(struct leg *leg);

	/** Answer the peer of an inbound leg. */
	int (*answer)(struct leg *leg);

	/**
	 * End it towards the peer; no event may follow.
	 *
	 * @param code    Final code for an inbound leg without an answer.
	 * @param reason  Text, or NULL.
	 */
	void (*hangup)(struct leg *leg, uint16_t code, const char *reason);

	/** Let go in silence: another node owns the hub. */
	void (*abandon)(struct leg *leg);

	/** Put info.muted, info.deaf and silent into force. */
	int (*mute)(struct leg *leg);

	/** Put info.voice into force. @return 0, EINVAL, ENOTSUP (denoiser
	 * that is not here), EAGAIN. */
	int (*voice)(struct leg *leg);

	/** Hold or resume the peer. @return 0, EBUSY, ENOTSUP. */
	int (*hold)(struct leg *leg, bool hold);

	/** Send the peer no more media, or again: it may be that another node
	 * does. @return 0, EAGAIN, ENOMEM. */
	int (*stop_sending)(struct leg *leg, bool stop);

	/** Another node has the hub: let go in silence, and hand what comes for
	 * it on. @param sip  SIP address of that node. */
	void (*depart)(struct leg *leg, const struct sa *sip);

	/** Give its media away: a struct media_leg, which is the caller's and
	 * tells nobody of its events; the leg has none from then on. NULL: it
	 * has none. */
	void *(*give_media)(struct leg *leg);

	/** Send a digit to the peer. */
	int (*dtmf)(struct leg *leg, char digit, uint32_t duration_ms);

	/** Send a text to the peer. @return 0; ENOTSUP: it takes none. */
	int (*message)(struct leg *leg, const char *ctype,
		       const struct mbuf *text);

	/** Bring info.quality up to date: from the leg's begin until now. */
	void (*stat)(struct leg *leg);

	/** The same since it was last called. @return false: nothing came. */
	bool (*sample)(struct leg *leg, struct leg_quality *q);

	/** The same of one that plays. */
	void (*played)(const struct leg *leg, Sy__PlayerState *out);

	/** Fill what another node would need; strings stay the leg's. */
	void (*checkpoint)(const struct leg *leg, Sy__DialogState *out);

	/** Call-ID that a router placed it by; NULL: it was not placed. */
	const char *(*call_id)(const struct leg *leg);
};

/** How SIP names it; what is longer than fits is not shown: all "". */
struct leg_dialog {
	char call_id[LEG_ID_MAX];
	char local_tag[LEG_ID_MAX];
	char remote_tag[LEG_ID_MAX];
};

/** What is shown of a leg, and kept of one that is gone. */
struct leg_info {
	char id[ULID_LEN + 1];
	Sy__LegKind kind;
	Sy__LegState state;
	Sy__Direction direction;
	char user[LEG_TEXT_MAX];
	char name[LEG_TEXT_MAX];   /* display name                     */
	char router[LEG_TEXT_MAX]; /* id of the router, or ""          */
	char trunk[LEG_TEXT_MAX];  /* id of its trunk, or ""           */
	char codec[LEG_CODEC_MAX];
	char srtp[LEG_SRTP_MAX];   /* suite, or "": plain              */
	struct leg_dialog dialog;
	bool webrtc;               /* by ICE and DTLS                  */
	bool muted;                /* the others do not hear it        */
	bool deaf;                 /* it does not hear the others      */
	bool held;                 /* by either side                   */
	struct leg_quality quality;
	struct leg_voice voice;
	bool talking;              /* while the mix is watched         */
	float level_in_db, level_out_db;
	uint32_t rx_packets, rx_foreign, tx_packets;
	uint64_t started_ms;       /* since 1970; 0: not yet           */
	uint64_t answered_ms;
	uint64_t ended_ms;
	uint16_t end_code;         /* SIP status or 0                  */
	char end_reason[LEG_TEXT_MAX];
};

/** The common part; first member of what a kind allocates. */
/**
 * A branch has failed: is there another way to the same peer?
 *
 * @return true: it is a branch of the hunt already, and the failure is none.
 */
typedef bool(leg_spare_h)(struct hunt *hunt, struct leg *leg, uint16_t code);

struct leg {
	struct le le;              /* in hub->legs or hub->gone        */
	struct hub *hub;           /* borrowed: the hub owns its legs  */
	const struct leg_ops *ops; /* static                           */
	struct leg_info info;
	uint32_t ref;              /* reference in its tokens; unique
				      in its hub; 0: has no tokens     */
	uint32_t tok_instance;     /* inbound: node and epoch that its
				      INVITE was sent to               */
	uint32_t tok_epoch;
	struct hunt *hunt;         /* while it is a branch; borrowed   */
	leg_spare_h *spareh;       /* it fails as a branch: another way
				      to its peer; or NULL             */
	void *spare;               /* its argument; owned              */
	void *redirected;          /* its peer's 3xx that is to be followed;
				      owned; or NULL                   */
	bool early;                /* its media runs before the answer;
				      set and cleared by its kind      */
	bool silent;               /* a branch that is not to be heard
				      yet, nor to hear                 */
	uint8_t quiet;             /* looks without RTP: see unsure.h  */
	bool steady;               /* ... after RTP without pause      */
	bool stopped;              /* ... and it is sent none          */
	uint64_t here_ms;          /* since 1970: when it came here    */
	bool shown;                /* observers know of it             */
	bool dirty;                /* what is shown changed            */
	bool dirty_dialog;         /* its checkpoint changed           */
};

/** Who a new leg is. */
struct leg_conf {
	const struct leg_ops *ops;
	Sy__LegKind kind;
	Sy__Direction direction;
	const char *user;
	const char *name;          /* or NULL                          */
	const char *router;        /* or NULL                          */
	const char *trunk;         /* or NULL                          */
	const char *id;            /* NULL: a new one                  */
	uint32_t ref;
};

/**
 * Set a new leg up; it joins its hub by hub_add().
 *
 * @param leg  Zeroed memory of a kind's object that begins with it.
 */
void leg_init(struct leg *leg, struct hub *hub, const struct leg_conf *conf);

/**
 * Set a leg up that another node had: leg_init() for who is known already.
 *
 * @param info  As it was there; copied.
 * @param ref   Its reference there.
 */
void leg_restore(struct leg *leg, struct hub *hub, const struct leg_ops *ops,
		 const struct leg_info *info, uint32_t ref);

/** For the destructor of a kind: out of every list. */
void leg_close(struct leg *leg);

/** Set how SIP names a leg. @param remote_tag  Or NULL: not known. */
void leg_dialog_set(struct leg_dialog *d, const char *call_id,
		    const char *local_tag, const char *remote_tag);

/* ------------------------------------------------- from the hub's users */

/** Tell an inbound leg once that it rings; nothing if it knows. */
int leg_progress(struct leg *leg, uint16_t code);

/** Tell an inbound leg without an answer that its call is sent on (181). */
void leg_forwarded(struct leg *leg);

/**
 * Let an inbound leg hear the call before its answer; nothing if it does.
 *
 * @return 0, or what its kind says: ENOTSUP, errno.
 */
int leg_early(struct leg *leg);

/** True if it hears the call, and is heard: it is answered, or has early
 * media and is not silent. */
bool leg_talks(const struct leg *leg);

/** Answer an inbound leg; nothing if it is answered. */
int leg_answer(struct leg *leg);

/** End it from our side.  Its hub may end with it. */
void leg_hangup(struct leg *leg, uint16_t code, const char *reason);

/**
 * It could not be resumed.  Should its hub end with it, then for the others
 * because of HUB_PARTY_LOST: they have nothing to do with its reason.
 *
 * @param local  As leg_hangup(), else as leg_ended().
 */
void leg_lost(struct leg *leg, uint16_t code, const char *reason, bool local);

/** Mute or deafen; brought to the media at once. */
int leg_mute(struct leg *leg, bool muted, bool deaf);

/**
 * Process its voice otherwise from now on.
 *
 * @return 0, or what its kind says (then all is as before): ENOTSUP for a
 *         kind without a voice.
 */
int leg_voice_set(struct leg *leg, const struct leg_voice *voice);

/* --------------------------------------------------- from the leg's kind */

/** Outbound: the peer rings. */
void leg_ringing(struct leg *leg, uint16_t code);

/** Outbound: the peer gives early media, and leg->early is set: ringing,
 * announcements. It counts as ringing. */
void leg_sounding(struct leg *leg);

/** Outbound: the peer answered and its media runs. */
void leg_answered(struct leg *leg);

/** It is over, and not by us. @param code  SIP status, 0: not by SIP. */
void leg_ended(struct leg *leg, uint16_t code, const char *reason);

/** Something shown changed: codec, hold, quality. */
void leg_changed(struct leg *leg);

/** Only its checkpoint changed. */
void leg_touched(struct leg *leg);

/* ------------------------------------------------ from hub.c and hunt.c */

/** A silent branch may be heard from now on, and hear. */
void leg_unsilence(struct leg *leg);

/**
 * Move a leg to its hub's gone, hanging it up where local is true.  What
 * rings for it stops; the ring that it is a branch of is not told, and the
 * hub does not look at its end.
 */
void leg_finish(struct leg *leg, uint16_t code, const char *reason,
		bool local);

/** Is it a phone of a device of ours, be it a browser page? */
static inline bool leg_is_device(const struct leg_info *info)
{
	return info->kind == SY__LEG_KIND__DEVICE ||
	       info->kind == SY__LEG_KIND__BROWSER;
}

static inline bool leg_is(const struct leg *leg, Sy__LegState state)
{
	return leg->info.state == state;
}

/** May the others of its call not be told who it is? */
bool leg_is_hidden(const struct leg *leg);

#endif
