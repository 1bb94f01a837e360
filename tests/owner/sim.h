/* SPDX-License-Identifier: MIT */
/*
 * A cluster in one thread: nodes that run the real ownership protocol
 * (proto/owner), the real table of members and the real watch of neighbours,
 * against a simulated Redis that runs the real Lua scripts, with a simulated
 * clock and network.  A seed decides everything: what is found can be seen
 * again.
 *
 *   sim.c         events and chance
 *   sim_db.c      keys and commands        sim_lua.c   the scripts
 *   sim_server.c  the server: stalls, restarts, fail-over
 *   sim_wire.c    connections: delays, cut-offs, what is read too late
 *   sim_member.c  a node's heartbeat, table and watch
 *   sim_node.c    a node's hubs: checkpoints, adoption, moves
 *   sim_truth.c   what must hold
 *   sim_world.c   calls come and go, and things break
 */

#ifndef SY_TESTS_OWNER_SIM_H
#define SY_TESTS_OWNER_SIM_H

#include <re.h>
#include "proto/member_table.h"
#include "proto/member_watch.h"
#include "proto/owner.h"
#include "proto/script.h"
#include "proto/ulid.h"

#define SIM_MS 1000ull
#define SIM_S 1000000ull

/* What is broken on purpose: the model must notice each. */
enum sim_mutation {
	MUT_NONE,
	MUT_NO_FENCE,     /* hub_put.lua: any epoch writes               */
	MUT_NO_OWNER,     /* hub_claim.lua: from whoever owns it         */
	MUT_NO_TOMBSTONE, /* an ended hub can come back                  */
	MUT_NO_SETTLE,    /* no lease is waited for after Redis is back  */
	MUT_ONE_ROUND,    /* an estate is looked at once                 */
	MUT_NO_CHECK,     /* our own set is never compared               */
	MUT_NO_SCAN,      /* sy:owners is never read                     */
	MUT_NAME_LATE,    /* a set names a hub only once it is written   */
	MUT_NO_REWRITE,   /* what Redis lost is not written anew         */
	MUT_KEEPS,        /* who is told that it lost a hub goes on      */
	MUT_NO_END,       /* who dies as it ends a hub leaves it undone  */
	MUT_COUNT,
};

extern const char *const sim_mutation_name[MUT_COUNT];

/* ------------------------------------------------------------------- values */

enum val_type { VAL_NIL, VAL_INT, VAL_STR, VAL_ARRAY };

/** A reply of Redis; mem_deref() frees it. */
struct val {
	enum val_type type;
	long long n;
	char *s;             /* zero-terminated too */
	size_t len;
	struct val **v;
	size_t c;
};

struct val *val_nil(void);
struct val *val_int(long long n);
struct val *val_str(const char *s, size_t len);
struct val *val_array(size_t max);
/** @param el  Taken. */
void val_push(struct val *array, struct val *el);

/* ----------------------------------------------------------------- database */

struct db;

/** What commands need beside the keys; borrowed for the call. */
struct db_env {
	uint64_t now_us;
	void (*publish)(const char *channel, const char *p, size_t len,
			void *arg);
	unsigned (*listeners)(const char *channel, void *arg);
	/** A change was made, for the replica; NULL: nobody wants to know. */
	void (*changed)(int argc, const char *const *argv, const size_t *lenv,
			void *arg);
	void *arg;
};

/** @param buckets  A power of 2. */
struct db *db_alloc(unsigned buckets);
/** @return the reply; VAL_NIL too when the command is not known. */
struct val *db_exec(struct db *db, const struct db_env *env, int argc,
		    const char *const *argv, const size_t *lenv);
/** How many keys begin with this. @param first  One of them, or "". */
size_t db_count(const struct db *db, const char *prefix, char *first,
		size_t size);
/** A field of a hash, or a member of a set; NULL: not there. */
const char *db_field(const struct db *db, const char *key, const char *field);
size_t db_size(const struct db *db, const char *key);

struct sim_lua;

/** @param mut  What is broken in the scripts. */
struct sim_lua *sim_lua_alloc(enum sim_mutation mut);
struct val *sim_lua_run(struct sim_lua *lua, struct db *db,
			const struct db_env *env, enum script script, int keyc,
			int argc, const char *const *argv, const size_t *lenv);

/* ------------------------------------------------------------------- events */

struct sim;
struct snode;

typedef void(sim_event_h)(struct sim *s, void *arg);

/** @param arg  One reference is taken, and given back after h; or NULL. */
void sim_at(struct sim *s, uint64_t at_us, sim_event_h *h, void *arg);
void sim_run(struct sim *s, uint64_t until_us);
void sim_forget_all(struct sim *s); /* events to come */

uint32_t sim_random(struct sim *s, uint32_t max);       /* 0..max-1 */
uint64_t sim_between(struct sim *s, uint64_t from, uint64_t to);
bool sim_chance(struct sim *s, unsigned permille);

/* -------------------------------------------------------------------- wires */

enum wire_kind { WIRE_CMD, WIRE_SUB, WIRE_COUNT };

/* One TCP connection of a node to Redis; what is on it holds it. */
struct wire {
	struct le le;        /* in the server's list                   */
	struct snode *n;
	unsigned life;       /* of the node's, when it was opened      */
	enum wire_kind kind;
	bool open;           /* as the node sees it                    */
	bool up;             /* ... greeted, or subscribed             */
	bool subscribed;     /* as the server sees it                  */
	bool late;           /* closed, and what was sent is read yet  */
	bool pinging;
	uint64_t seq, arrived;       /* of what was sent last, and read */
	uint64_t answered, delivered; /* the same, of what came back    */
	uint64_t stop_seq;   /* lost from here on: the sender died     */
	uint64_t out_us;     /* when that arrives at the server        */
	uint64_t in_us;      /* when what was answered last arrives    */
	uint64_t heard_us;   /* when the server was heard last         */
	struct list pending; /* struct call, by age                    */
};

struct call;

/** Answer to a command. err: 0, ENOTCONN, ETIMEDOUT (v NULL). */
typedef void(call_h)(struct snode *n, int err, const struct val *v,
		     const struct call *c);

/* A command that waits for its answer. */
struct call {
	struct le le;
	call_h *h;
	char hub[ULID_LEN + 1];
	char who[16];        /* node id                                */
	uint32_t a, b;       /* as the handler knows                   */
	uint64_t sent_us;
	bool done;           /* its handler was called                 */
};

/* A command on its way; argc 0: the connection was closed. */
struct cmd {
	struct le le;        /* in the backlog of a stalled server     */
	struct wire *w;
	struct call *call;
	uint64_t seq;
	int script;          /* -1: none                               */
	int keyc, argc;
	const char *argv[16];
	size_t lenv[16];
};

/* How to send: a script, or -1. */
struct send {
	int script, keyc, argc;
	const char *const *argv;
	const size_t *lenv;  /* NULL: strings                          */
	call_h *h;           /* NULL: nobody waits                     */
	const char *hub, *who; /* for the handler, or NULL             */
	uint32_t a, b;
};

int wire_send(struct snode *n, enum wire_kind kind, const struct send *snd);
/** An answer or a message leaves the server. call NULL: a message.
 * @param val  Taken. */
void wire_answer(struct sim *s, struct wire *w, struct call *call,
		 struct val *val, const char *channel);
bool wire_is_up(const struct snode *n); /* both: the bus */
void wire_open(struct snode *n, enum wire_kind kind);
/** The node closes it: all that waits is answered. */
void wire_close(struct wire *w, int err);
/** The server is gone, and tells. */
void wire_reset_all(struct sim *s);
/** The node is gone. @param quietly  No FIN: its host lost power. */
void wire_die(struct snode *n, bool quietly);
/** Deadlines and silence. */
void wire_tick(struct snode *n);

/* ------------------------------------------------------------------- server */

struct server {
	struct db *db, *replica;
	struct list wires;   /* that it has                            */
	struct list backlog; /* struct cmd                             */
	struct list log;     /* changes that the replica lacks         */
	uint64_t lag_us;     /* ... for so long; 0: there is no replica */
	bool up, stalled;
	bool counts_time;    /* a command takes time                   */
	uint64_t busy_us;    /* until when                             */
	uint64_t ops, peak;  /* commands; of the busiest 100 ms        */
	uint64_t window_us, window_ops;
	size_t published;
};

void server_alloc(struct sim *s);
void server_close(struct sim *s);
void server_receive(struct sim *s, struct cmd *cmd);
void server_stall(struct sim *s, bool stalled);
void server_down(struct sim *s);
/** @param empty  Nothing was saved. */
void server_up(struct sim *s, bool empty);
/** The replica takes over at server_up(); what it lacks is lost. */
void server_failover(struct sim *s);

/* -------------------------------------------------------------------- nodes */

/* A hub at its owner, or at who thinks so. */
struct nhub {
	struct le le;        /* in snode->hubs, by id                  */
	char id[ULID_LEN + 1];
	uint32_t epoch;
	bool moving;
	uint32_t move;       /* which move: answers name it            */
	uint64_t move_us;    /* its deadline                           */
	char target[16];
};

/* A hub that ended here, and may still be in Redis. */
struct bye {
	struct le le;
	char id[ULID_LEN + 1];
	uint32_t epoch;
	bool sent;
};

struct snode {
	struct sim *s;
	unsigned idx;
	char id[16];
	unsigned life;       /* counts starts; odd: it is running      */
	uint64_t paused_us;  /* until when it is stopped               */
	uint64_t cut_us;     /* until when Redis cannot be reached     */
	bool draining, leaving;
	uint64_t troubled_us; /* when it was last stopped or cut off   */
	struct wire *w[WIRE_COUNT];
	unsigned backoff_ms[WIRE_COUNT];
	bool was_up;         /* as the bus said last                   */

	Sy__Member self;
	Sy__Load load;
	struct member_table table;
	struct member_watch watch;
	bool ready, listing, beating, again, known, looking;
	bool conn_up;
	uint64_t beaten_us;

	struct owner *o;
	struct hash *hubs;
	size_t hubc;
	struct list byes;
	bool whole;          /* a write failed: all anew               */
	uint64_t retry_us;
	uint64_t wake_us;
	bool asked_once[64]; /* MUT_ONE_ROUND, by instance             */
};

void node_start(struct snode *n);
void node_stop(struct snode *n, bool quietly);
bool node_runs(const struct snode *n);   /* and is not stopped       */
bool node_lives(const struct snode *n);
uint64_t node_ms(const struct snode *n); /* its clock                */
void node_wake(struct snode *n);         /* run the protocol         */
void node_message(struct snode *n, const char *channel, const char *p,
		  size_t len);
void node_bus(struct snode *n);          /* perhaps it came or went  */

struct nhub *node_find(const struct snode *n, const char *hub);
int node_begin(struct snode *n, const char *hub);
void node_change(struct snode *n, struct nhub *h);
void node_end(struct snode *n, struct nhub *h);
void node_move(struct snode *n, struct nhub *h, struct snode *to);

void move_message(struct snode *n, const char *text);
void move_tick(struct snode *n, struct nhub *h);

/** A checkpoint. @param first  It is named in our set before. */
void node_put(struct snode *n, struct nhub *h, bool first);
/** Claim it, and name it among ours before; the handler gets from and b. */
int node_claim(struct snode *n, const char *hub, uint32_t from, bool dead,
	       call_h *h, const char *who, uint32_t b);
/** A claim was granted: store_hub_claim() does this. */
void node_claimed(struct snode *n, uint32_t from, const char *hub);
/** It is ours now. */
struct nhub *node_take(struct snode *n, const char *hub, uint32_t epoch);
void node_free_hub(struct snode *n, struct nhub *h);
void node_publish(struct snode *n, const char *channel, const char *text);

void member_init(struct snode *n);
void member_tick(struct snode *n);
void member_heard(struct snode *n, const char *p, size_t len);
void member_end(struct snode *n, bool died);
void member_beat_now(struct snode *n);
bool member_settled(const struct snode *n);

/* -------------------------------------------------------------------- truth */

/* A hub as somebody who sees everything knows it. */
struct truth {
	struct le le;        /* in sim->truths, by id                  */
	struct sim *s;
	char id[ULID_LEN + 1];
	bool exists;         /* a write of it was done                 */
	bool ended;          /* its drop was done                      */
	bool hung;           /* the peers are gone: whoever has it next
				finds out                              */
	bool over;           /* ... and nobody has it                  */
	bool unsafe;         /* Redis lost data, and it was not written
				since                                  */
	bool may_be_lost;    /* ... and its owner died                 */
	bool lost;           /* Redis lost data at some time           */
	unsigned records;    /* in the history                         */
	uint32_t epoch, owner; /* of the last write or claim           */
	uint64_t claimed_us; /* when it was claimed last               */
	uint64_t orphan_us;  /* since when nobody has it; 0: somebody  */
};

struct truth *truth_find(struct sim *s, const char *hub);
struct truth *truth_add(struct sim *s, const char *hub);
/** The server did it. */
void truth_executed(struct sim *s, const struct cmd *cmd,
		    const struct val *v);
void truth_lost_data(struct sim *s);
void truth_node_died(struct sim *s);
void truth_watch(struct sim *s);    /* who has nobody, how long       */
void truth_at_rest(struct sim *s);  /* everything is in order         */
void truth_at_end(struct sim *s);   /* ... and nothing is left        */
/** The first thing that does not hold; later ones are not said. */
void truth_fail(struct sim *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* -------------------------------------------------------------------- world */

/* What may happen, by the seed. */
struct sim_plan {
	const char *name;
	unsigned hubs;         /* at a time, about                     */
	bool kills, power, pauses, cuts, drains, moves, restarts;
	bool redis_stalls, redis_restarts, failovers, blinks;
	bool all_die;          /* every node once                      */
	bool slow;             /* delays up to 300 ms                  */
	bool only_redis;       /* nobody is to be adopted              */
	uint64_t orphan_max_us; /* 0: only the end counts              */
};

struct sim {
	uint64_t now_us;
	uint64_t rnd;
	uint64_t event_seq;
	struct event *heap;
	size_t heapc, heapmax;
	struct server server;
	struct sim_lua *lua;     /* borrowed                           */
	struct snode *nodev;
	unsigned nodec;
	struct hash *truths;
	struct truth **truthv;   /* the same, by age                   */
	size_t truthc, truthmax;
	struct sim_plan plan;
	enum sim_mutation mut;
	uint32_t hub_last, move_last;
	uint32_t scan_ms, check_ms; /* as struct owner_conf           */
	bool faults;             /* now is the time for them           */
	bool calls;              /* hubs come and go                   */
	bool shared;             /* all see the same members (scale)   */
	bool trace;
	char failure[256];
	uint64_t adopted, moved, needless, events, worst_orphan_us;
	void *arg;
};

/** @param seed  Everything follows from it. @return 0 or ENOMEM. */
int sim_alloc(struct sim **sp, uint64_t seed, enum sim_mutation mut,
	      struct sim_lua *lua);
/** Nodes, none of them started, and no plan; the server comes later.
 * @param shared  Who is live is known to all (there are too many): instances
 *                are 1 and up, deaths are told by the caller. */
int sim_alloc_bare(struct sim **sp, uint64_t seed, unsigned nodes,
		   bool shared, struct sim_lua *lua);
/** What this seed brings, as a text for people. */
void sim_describe(const struct sim *s, char *buf, size_t size);
/** Run it to its end. @return true: everything held; else s->failure. */
bool sim_play(struct sim *s);

uint64_t sim_delay(struct sim *s);      /* of a message                */
struct snode *sim_by_instance(struct sim *s, uint32_t instance);
void sim_trace(struct sim *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
