/* SPDX-License-Identifier: MIT */
/*
 * A farm of phones in one process.  Each phone has a SIP socket of its own,
 * as real ones have: its own port, and with TCP its own connection.
 */
#ifndef PHONE_PHONE_H
#define PHONE_PHONE_H

#include "tests/phone/base.h"
#include "tests/phone/credentials.h"
#include "tests/phone/event.h"
#include "tests/phone/stream.h"
#include "tests/phone/tally.h"

enum method {
	METHOD_REGISTER,
	METHOD_INVITE,
	METHOD_ACK,
	METHOD_BYE,
	METHOD_CANCEL,
	METHOD_COUNT,
};

/* What it offers and takes; REQUIRED offers RTP/SAVP. */
enum srtp_mode {
	SRTP_OFF,
	SRTP_OPTIONAL, /* RTP/AVP with a=crypto */
	SRTP_REQUIRED,
	SRTP_SAVPF,    /* REQUIRED, in RTP/SAVPF */
};

enum answer_mode {
	ANSWER_AUTO,
	ANSWER_MANUAL,
	ANSWER_REJECT,
};

struct farm {
	struct list phonel; /* owns the phones */
	struct hash *ids;   /* the same, by id */
	struct list loadl;  /* owns running loads */
	struct media *media;
	struct events *events;
	struct tally tally;
	unsigned call_number; /* of the last default call id */
	struct list bulkl;  /* owns what is done to many, bulk.c */
	json_t *wait;	    /* the command that holds the input, or NULL */
	bool quit;	    /* asked for */
	bool closing;
	struct tmr tmr_close;
	uint64_t close_until_ms;
	void (*closedh)(void *arg); /* all is hung up */
	void *arg;
};

struct reg; /* register.c */

struct phone {
	struct le le;
	struct le he;
	struct farm *farm;
	char *id;
	struct sip *sip;
	struct sip_lsnr *lsnr_req, *lsnr_resp;
	struct sa addr; /* where it takes SIP */
	struct list calll; /* owns the calls  */
	struct reg *reg;   /* NULL: never asked to register */
	struct tmr tmr_hangup;
	struct tmr tmr_remove;
	uint64_t remove_until_ms;
	struct credentials cred;
	char *route[METHOD_COUNT]; /* next hop instead, a URI, or NULL */

	/* Settings; the names are those of the command. */
	char *domain;
	char *proxy; /* NULL: straight to the URI */
	enum sip_transp tp;
	struct sa laddr;
	enum codec_id codecv[DESC_CODECS_MAX];
	size_t codecc;
	enum srtp_mode srtp;
	enum secure_suite suitev[SECURE_LINES];
	size_t suitec;
	unsigned tone_hz;
	double tone_db;
	double loss_percent; /* of what it sends */
	enum answer_mode answer;
	unsigned reject_code;
	unsigned answer_delay_ms;
	bool ring;
	bool early; /* 183 with SDP, and media before the answer */
	bool sdp_in_invite;
	bool media;
	bool preauth;
	bool quiet;
};

int farm_alloc(struct farm **farmp, FILE *out);

/**
 * Hang up, unregister, and tell when done, after 2 s at most.
 *
 * @param closedh  Called once from the loop, never from within.
 */
void farm_close(struct farm *farm, void (*closedh)(void *arg), void *arg);

struct phone *farm_find(const struct farm *farm, const char *id);

/** A phone without settings; add those, then phone_open. */
int phone_alloc(struct phone **pp, struct farm *farm, const char *id);

/** Open its sockets; from now on it is found by its id. */
int phone_open(struct phone *p);

/** Sends an event {"event":name,"phone":id,...}; takes more (or NULL). */
void phone_event(const struct phone *p, const char *name, json_t *more);

/** The address of record: "sip:user@domain". */
int phone_uri(const struct phone *p, char **urip);

/** A number or URI to call: to "sip:1002@domain". */
int phone_uri_of(const struct phone *p, const char *to, char **urip);

/** Append "Contact: <sip:user@addr...>\r\n". */
int phone_contact_encode(struct mbuf *mb, const struct phone *p);

/**
 * Look up the IPv4 address of a "host:port", waiting for it; numbers, of
 * either family, are taken as they are.
 *
 * @param textp  "address:port"; owned by the caller.
 *
 * @return 0; EADDRNOTAVAIL no such host, or no port
 */
int phone_hostport(char **textp, const char *hostport);

/** A next hop "host:port" as a URI, with the transport as parameter. */
int phone_hop_uri(char **urip, const char *hostport, enum sip_transp tp);

const char *method_name(enum method m);

/** Send small messages at once on the connection that a message came by. */
void phone_nodelay(const struct sip_msg *msg);

/**
 * Send a request: by the phone's override of the method, else to hop.
 *
 * @param reqp  Set while it is under way; NULL for ACK (without state).
 * @param mb    Headers and body, after Via.
 */
int phone_request(struct phone *p, struct sip_request **reqp, enum method m,
		  const char *uri, const char *hop, struct mbuf *mb,
		  sip_resp_h *resph, void *arg);

/* register.c */

/**
 * Register, and keep registered.
 *
 * @param expires  [s]; 0 ends the registration.
 * @param doneh    Called once with the final code, or NULL; 0 when another
 *                 registration took its place or the phone goes away.
 */
int phone_register(struct phone *p, uint32_t expires,
		   void (*doneh)(unsigned code, void *arg), void *arg);

/** True while a registrar has it. */
bool phone_registered(const struct phone *p);

/** True while a REGISTER is under way. */
bool phone_registering(const struct phone *p);

#endif
