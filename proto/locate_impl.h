/* SPDX-License-Identifier: MIT */
/*
 * The parts of locate that do no I/O: what is to be asked (locate_plan.c),
 * in which order targets are tried (locate_order.c), what was answered
 * (locate_cache.c), what failed (locate_fail.c).  Time and randomness come
 * from outside.
 */

#ifndef SY_PROTO_LOCATE_IMPL_H
#define SY_PROTO_LOCATE_IMPL_H

#include "proto/locate.h"

enum {
	LOCATE_NAME_SIZE = 256,
	LOCATE_RECORDS_MAX = 16, /* of one name and type                  */
	LOCATE_ASK_MAX = 40,
	LOCATE_FAIL_MS = 30000,
	LOCATE_FAIL_MAX_MS = 300000,
	LOCATE_FAILS_MAX = 256,
	LOCATE_TTL_MIN_MS = 2000,
	LOCATE_TTL_MAX_MS = 3600000,
	LOCATE_NONE_MAX_MS = 300000, /* that there is nothing, at most     */
	LOCATE_NONE_MS = 30000,      /* ... when nobody says how long      */
	LOCATE_MUTE_MS = 5000,       /* until servers that were mute are
					asked again                        */
};

/** A random number. */
struct locate_rand {
	uint32_t (*h)(void *arg);
	void *arg;
};

struct locate_srv {
	uint16_t pri, weight, port;
	char target[LOCATE_NAME_SIZE]; /* empty: "not here" (RFC 2782)  */
};

struct locate_naptr {
	uint16_t order, pref;
	enum locate_transport transport; /* what its service means        */
	char replace[LOCATE_NAME_SIZE];
};

enum locate_answer {
	LOCATE_SOME,
	LOCATE_NOTHING, /* no such name, or no such record               */
	LOCATE_MUTE,    /* servers failed, or said nothing               */
};

/** Records of one name and type. */
struct locate_entry {
	struct le he;        /* by name and type                           */
	struct le le;        /* in the order of use                        */
	char *name;          /* in lower case                              */
	uint16_t type;
	uint64_t until_ms;
	enum locate_answer answer;
	char *cname;         /* its other name, if that is all we know     */
	size_t n;
	union {
		struct locate_srv *srvv;
		struct locate_naptr *naptrv;
		struct sa *sav;
		void *v;     /* owned                                      */
	} u;
};

struct locate_cache;

int locate_cache_alloc(struct locate_cache **cp, size_t max);

/** What is known of a name now. @return NULL: nothing. */
struct locate_entry *locate_cache_get(struct locate_cache *c, const char *name,
				      uint16_t type, uint64_t now_ms);

/**
 * Note an answer of DNS.
 *
 * @param answer  LOCATE_MUTE: what was known before stays in use.
 * @param ansl    Records of the answer (struct dnsrr); may be NULL.
 * @param authl   Of the authority section: how long there is nothing.
 *
 * @return 0 or ENOMEM.
 */
int locate_cache_put(struct locate_cache *c, const char *name, uint16_t type,
		     enum locate_answer answer, const struct list *ansl,
		     const struct list *authl, uint64_t now_ms);

size_t locate_cache_count(const struct locate_cache *c);

/* ------------------------------------------------------------------ order */

/** Order by priority, and within one by weight and chance, RFC 2782. */
void locate_srv_order(struct locate_srv *v, size_t n,
		      const struct locate_rand *rnd);

/** Order by order, then preference. */
void locate_naptr_order(struct locate_naptr *v, size_t n);

/* A random order. */
void locate_shuffle(struct sa *v, size_t n, const struct locate_rand *rnd);

/** The transport that a NAPTR service means for us; LOCATE_NONE: none that
 * we know. */
enum locate_transport locate_service(const char *service);

/* ------------------------------------------------------------------- plan */

struct locate_question {
	char name[LOCATE_NAME_SIZE];
	uint16_t type;
};

struct locate_plan {
	struct locate_found found;
	struct locate_question askv[LOCATE_ASK_MAX];
	size_t askc;
	bool mute; /* something was not answered */
};

/**
 * Go as far as what is known leads.
 *
 * @param p  Set: on EAGAIN to what has to be asked, on success to the targets.
 *
 * @return as locate_known().
 */
int locate_plan(struct locate_plan *p, struct locate_cache *c,
		const uint8_t canv[LOCATE_TRANSPORTS],
		const struct locate_uri *uri, uint64_t now_ms,
		const struct locate_rand *rnd);

/* ---------------------------------------------------------------- failures */

struct locate_fail {
	struct locate_target t;
	uint64_t noted_ms;   /* when it failed last                         */
	uint64_t until_ms;   /* it comes last until then                    */
	uint32_t times;      /* in a row                                    */
};

struct locate_fails {
	struct locate_fail v[LOCATE_FAILS_MAX];
	size_t n;
};

void locate_fail_note(struct locate_fails *fs, const struct locate_target *t,
		      uint64_t now_ms);
void locate_fail_clear(struct locate_fails *fs, const struct locate_target *t);

/** What is held against a target. @return NULL: nothing. */
const struct locate_fail *locate_fail_find(const struct locate_fails *fs,
					   const struct locate_target *t);

/** Put those that failed behind the others; both keep their order. */
void locate_fail_order(const struct locate_fails *fs, struct locate_found *f,
		       uint64_t now_ms);

#endif
