/* SPDX-License-Identifier: MIT */
/* The feed's own: feed.c puts it together, reader.c reads the stream,
 * client.c is a connection, hello.c who it is, command.c what it says,
 * topic.c what it watches. */

#ifndef SY_GATEWAY_FEED_IMPL_H
#define SY_GATEWAY_FEED_IMPL_H

#include <re.h>

#include "gateway/feed/calls.h"
#include "gateway/feed/feed.h"
#include "gateway/feed/log.h"

struct loop_timer;
struct metric;

enum {
	FEED_SWEEP_MS = 1000,     /* who is silent, stuck, not allowed    */
	FEED_HELLO_S = 5,         /* to say who one is                    */
	FEED_PING_S = 25,         /* silent for so long: asked            */
	FEED_IDLE_S = 60,         /* ... for so long: gone                */
	FEED_STUCK_S = 30,        /* takes nothing of what there is       */
	FEED_MESSAGE_BYTES = 64 * 1024, /* of a client's message          */
	FEED_FRAMES = 200,        /* of a client a second, of any kind    */
	FEED_MESSAGES = 50,       /* of these, messages                   */
	FEED_TOPICS = 32,         /* of a client                          */
	FEED_CLOSE_S = 10,        /* to take a close frame                */
};

struct feed {
	struct view *view;        /* borrowed; NULL: we end               */
	struct auth *auth;        /* borrowed                             */
	web_request_h *geth;
	void *get_arg;
	struct web_req *self;     /* whose requests our own are           */
	struct list polll;        /* struct poll                          */
	ws_phone_h *phoneh;
	void *phone_arg;
	struct list clientl;      /* struct ws_client                     */
	struct list idlel;        /* of these, who wait for news          */
	struct list wakel;        /* who are to be woken                  */
	struct list streaml;      /* event streams                        */
	struct list stream_idlel; /* of these, who wait for news          */
	struct list stream_wakel;
	struct list pagel;        /* reads under way, one reference each  */
	struct loop_timer *sweep; /* while there are clients              */
	struct loop_timer *waker;
	struct feed_log log;
	struct calls *calls;
	uint8_t again_s;          /* until records are compared           */
	bool had_redis;
	struct {
		char last[STORE_EVENT_ID_SIZE]; /* what is known          */
		struct loop_timer *timer; /* next look                    */
		uint64_t looked_us;
		uint64_t looks;   /* that were asked for                  */
		bool started;     /* `last` is set                        */
		bool busy;        /* a read is under way                  */
		bool soon;        /* an event was published meanwhile     */
		bool listens;     /* to the bus                           */
	} reader;
	struct feed_stat st;
};

/* ------------------------------------------------------------- reader.c */

/** Read from now on, as long as somebody watches. */
void reader_start(struct feed *f);
void reader_stop(struct feed *f);

/* --------------------------------------------------------------- feed.c */

/** There are new events, or the log began anew: wake who waits. */
void feed_news(struct feed *f);

/** Events are missing: whoever follows must know. */
void feed_gap(struct feed *f);

/** The calls were read anew: whoever watches them must know. */
void feed_calls_anew(struct feed *f);

/** A client came: look after it. */
void feed_watch(struct feed *f);

/* ------------------------------------------------------------- client.c */

enum topic_kind {
	TOPIC_CLUSTER,
	TOPIC_CALLS,
	TOPIC_CALL,
	TOPIC_EVENTS,
	TOPIC_REGISTRATIONS,
	TOPIC_PROVIDERS,
};

enum topic_step {
	TOPIC_DUE,       /* its snapshot has still to be sent             */
	TOPIC_RESUME,    /* it goes on after an event                     */
	TOPIC_BEHIND,    /* ... that is not in the log: it catches up     */
	TOPIC_LIVE,
};

/* Something that a client watches. */
struct topic {
	enum topic_kind kind;
	enum topic_step step;
	char call[ULID_LEN + 1];  /* of TOPIC_CALL                        */
	struct feed_id after;     /* of TOPIC_RESUME                      */
	uint64_t from;            /* of TOPIC_LIVE: number in the log of
				     its first news; of a TOPIC_CALL that
				     is due: when it was wanted           */
};

enum client_state {
	CLIENT_NEW,      /* has still to say who it is                    */
	CLIENT_ASKED,    /* Redis is asked who that is                    */
	CLIENT_IN,
	CLIENT_CLOSED,   /* ws_close() was called, or it is gone          */
};

struct ws_client {
	struct le le;             /* in feed->clientl                     */
	struct le wait;           /* in feed->idlel or wakel              */
	struct feed *feed;        /* borrowed                             */
	struct ws *ws;
	struct principal who;
	struct auth_ask *ask;
	enum client_state state;
	uint32_t hello_id;        /* of the hello that is being looked at */

	struct list earlyl;       /* what it said before it was known     */
	size_t early_bytes;
	struct list outl;         /* struct ws_item                       */
	size_t out_bytes;
	struct catchup *catchup;  /* of topics that are TOPIC_BEHIND      */
	struct series *snap;      /* under way; a reference               */
	size_t snap_at;           /* its message that is next             */
	struct topic *topicv;     /* NULL: none yet                       */
	size_t topicc;
	uint64_t pos;             /* in the log; 0: follows no events     */

	uint64_t heard, sent;     /* as of the last sweep                 */
	uint16_t silent_s, stuck_s, closing_s;
	uint16_t messages;        /* since the last sweep                 */
	bool h2;
	bool unsettled;           /* some topic is not TOPIC_LIVE         */
	bool held;                /* by a topic's snapshot that is due    */
	void *phone;
	ws_gone_h *goneh;
};

/** Close it. @param why  Static. */
void client_close(struct ws_client *c, enum ws_code code, const char *why);

/** Append a frame to its queue. @param f  Taken, NULL: ENOMEM. */
int client_put(struct ws_client *c, struct ws_frame *f);

/**
 * Append a frame that others have, too: it costs little.
 *
 * @param f    Taken, NULL: ENOMEM.
 * @param tag  One of the same tag that still waits is replaced; NULL: none.
 */
int client_put_shared(struct ws_client *c, struct ws_frame *f,
		      const void *tag);

/** There may be something for it. */
void client_wake(struct ws_client *c);

/** It is known who it is: hear what it said meanwhile. */
void client_hear(struct ws_client *c);

/** Once a sweep. */
void client_check(struct ws_client *c);

/* -------------------------------------------------------------- hello.c */

/** By what the request's header says. @return true: go on; false: it was
 * refused. */
bool hello_request(struct ws_client *c, struct web_req *req);

/** By a hello. */
void hello_take(struct ws_client *c, const Sy__WsClient *msg);

/** It is known who it is: tell it so. */
void hello_welcome(struct ws_client *c);

/* ------------------------------------------------------------ command.c */

void command_take(struct ws_client *c, const char *text, size_t len);

/* -------------------------------------------------------------- topic.c */

void topic_subscribe(struct ws_client *c, const Sy__WsClient *msg);
void topic_unsubscribe(struct ws_client *c, const Sy__WsClient *msg);

/** The same topic of the client's, or NULL. */
struct topic *topic_find(const struct ws_client *c, const struct topic *t);

/** Where events wait for a snapshot: number in the log. */
uint64_t topic_hold(const struct ws_client *c);

/** Begin what is to begin. @return the snapshot that is due, owned by the
 * caller, or NULL. */
struct ws_frame *topic_next(struct ws_client *c);

/** Nothing that was known leads to what is now: begin anew. */
void topic_restart(struct ws_client *c);

/** Is it one of the topic's, wherever it is? @param call  Of the event. */
bool topic_belongs(const struct topic *t, const char *call);

/** After an event that it has seen; where that is in the log no more, by what
 * the stream still has. */
void topic_resume(struct ws_client *c, struct topic *t);

/** What the client missed. @return owned by the caller, or NULL. */
struct ws_frame *topic_missed(struct ws_client *c);

/** It watches the calls. */
bool topic_has_calls(const struct ws_client *c);

/** Its snapshot of the calls is old. */
void topic_calls_anew(struct ws_client *c);

/** Is this one of the client's events?  @param number  Its number. */
bool topic_wants(const struct ws_client *c, const struct feed_entry *e,
		 uint64_t number);

/** Its scopes are others now: leave what it may not watch any more. */
void topic_check(struct ws_client *c);

/* ------------------------------------------------------------- stream.c */

/** Once a second. */
void stream_check_all(struct feed *f);

/** We end. */
void stream_end_all(struct feed *f);

/** The log began anew. */
void stream_restart_all(struct feed *f);

/** @param le  In feed->stream_wakel. */
void stream_wake_one(struct le *le);

#endif
