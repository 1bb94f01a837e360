/* SPDX-License-Identifier: MIT */
/*
 * A registration at a carrier's registrar, without I/O: RFC 3261 10.2, with
 * the time, the answers and random numbers passed in.
 *
 *   trunk_reg_due()      when to send (UINT64_MAX: not now)
 *   trunk_reg_print()    what to send; then it waits for the answer
 *   trunk_reg_answer()   what came of it
 *
 *           +--------- refresh at 80 % of the time --------+
 *           v                                              |
 *   due --> asking --2xx--> registered --------------------+
 *    ^        | 401, 407    at once, answered
 *    |        | 423         at once, for longer
 *    |        | no answer, 5xx   the next target; after the last of them
 *    |        |             2 s, 4 s ... 2 min later
 *    +--------+ else        30 s, 1 min ... 10 min later: whose password is
 *                           refused must not hammer
 *
 * Call-ID and CSeq go on with who takes the work over.  A binding of ours at
 * an address that is not ours any more (of the router before) is removed once
 * the new one stands.
 */

#ifndef SY_ROUTER_TRUNK_REG_H
#define SY_ROUTER_TRUNK_REG_H

#include "proto/digest_client.h"
#include "router/view.h"

struct trunk_reg;

enum {
	TRUNK_REG_ROUTES_MAX = 4,
	TRUNK_REG_REASON_SIZE = 128,
	TRUNK_REG_CSEQ_MARGIN = 16, /* sent by who was before us, but not yet
				       written down                       */
};

/** Strings are copied. */
struct trunk_reg_conf {
	const char *domain;    /* "carrier.example", "192.0.2.1:5070"        */
	const char *user;      /* of the address of record, escaped          */
	const char *contact;   /* URI that calls are to come to              */
	const char *mark;      /* text in every Contact URI of ours, and in
				  nobody else's                              */
	const char *proxy;     /* Route value, or NULL                       */
	const char *username;  /* digest; NULL: none                         */
	const char *password;  /* or NULL                                    */
	uint32_t expires_s;    /* asked for                                  */
};

/** What to send; borrowed until the next call. */
struct trunk_reg_msg {
	const char *uri, *from, *to, *call_id;
	uint32_t cseq;
	const char *headers;
};

/** What an answer, or time, changed. */
enum trunk_reg_out {
	TRUNK_REG_SAME,
	TRUNK_REG_UP,     /* registered now                                */
	TRUNK_REG_DOWN,   /* not any more                                  */
};

/** @param rp  Set on success; owned by the caller; due at once. */
int trunk_reg_alloc(struct trunk_reg **rp, const struct trunk_reg_conf *conf,
		    uint64_t now_ms);

/** What who was before us had written down. */
struct trunk_reg_past {
	const char *call_id;
	uint32_t cseq;
	const char *contact;    /* URI; "": was not registered               */
	uint64_t expires_ms;    /* on our clock                              */
	uint64_t refresh_ms;
};

/** Go on after another process; before anything was sent.  With the contact
 * as it was, nothing is due before its refresh. */
int trunk_reg_resume(struct trunk_reg *r, const struct trunk_reg_past *past,
		     uint64_t now_ms);

/** When to call trunk_reg_print(), or trunk_reg_tick() [ms]. */
uint64_t trunk_reg_due(const struct trunk_reg *r);

/** Time has passed. @return what changed: a registration lapses. */
enum trunk_reg_out trunk_reg_tick(struct trunk_reg *r, uint64_t now_ms);

/** Is there anything to send now? */
bool trunk_reg_wants(const struct trunk_reg *r, uint64_t now_ms);

/** Is it the same request once more, to the same target: one that asked for
 * our password? */
bool trunk_reg_is_again(const struct trunk_reg *r);

/** Index of the target that is to be tried. */
size_t trunk_reg_target(const struct trunk_reg *r);

/** @return 0, ENOMEM, EINVAL. */
int trunk_reg_print(struct trunk_reg *r, struct trunk_reg_msg *m);

/** What came of it. */
struct trunk_reg_answer {
	uint16_t code;          /* 408: nothing; 503: could not be sent      */
	const struct view *v;   /* NULL: none                                */
	size_t targets;         /* how many there are to try                 */
	uint64_t now_ms;
	uint32_t random;
	uint8_t cnonce[DIGEST_CNONCE_BYTES];
};

enum trunk_reg_out trunk_reg_answer(struct trunk_reg *r,
				    const struct trunk_reg_answer *a);

/** Remove the registration: due at once. */
void trunk_reg_leave(struct trunk_reg *r, uint64_t now_ms);

/** Nothing is left to be done after trunk_reg_leave(). */
bool trunk_reg_is_gone(const struct trunk_reg *r);

/** How it is. */
struct trunk_reg_stat {
	bool registered;
	uint64_t expires_ms, refresh_ms;
	uint16_t last_code;     /* 0: none yet                               */
	const char *reason;     /* "": all is well                           */
	const char *call_id;
	uint32_t cseq;
	const char *contact;    /* that stands there; "": none               */
	char *const *routev;    /* Service-Route values                      */
	size_t routec;
};

void trunk_reg_stat(const struct trunk_reg *r, struct trunk_reg_stat *st);

#endif
