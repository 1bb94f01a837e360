/* SPDX-License-Identifier: MIT */
/* The calls that run: see calls.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/feed/calls.h"
#include "gateway/feed/calls_table.h"
#include "gateway/feed/feed_impl.h"
#include "gateway/feed/say.h"
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/schema_copy.h"

enum {
	COLLECT_MS = 100,     /* a record follows its event much sooner    */
	RETRY_MS = 1000,
	PAGE = 200,
	AGAIN_S = 60,         /* records are compared                      */
	LET_GO_S = 30,        /* after the last who watched                */
	PENDING_MAX = 50000,  /* events that are kept aside                */
	SERIES_US = 1000000,  /* a snapshot is good for others             */
	FRAME_BYTES = 48 * 1024,
};

enum step { OFF, COLLECT, LIST, SETTLE };

/* An event kept aside. */
struct kept {
	struct le le;
	Sy__Event *ev;
};

struct calls {
	struct feed *f;             /* borrowed                           */
	struct calls_table *table;  /* NULL: none yet                     */
	struct calls_table *next;   /* being read                         */
	struct loop_timer *timer;
	struct list keptl;          /* struct kept                        */
	size_t keptc;
	enum step step;             /* of reading                         */
	uint64_t look;              /* that must be answered to settle    */
	bool ready;                 /* table is right                     */
	bool again;                 /* once more when this is done        */
	bool asking;                /* a page is under way                */
	unsigned age_s, unwanted_s;
	struct series *series;      /* the newest                         */
};

/* ---------------------------------------------------------- events aside */

static void kept_destructor(void *arg)
{
	struct kept *k = arg;

	list_unlink(&k->le);
	if (k->ev)
		sy__event__free_unpacked(k->ev, NULL);
}

static int keep(struct calls *c, const Sy__Event *ev)
{
	struct kept *k = mem_zalloc(sizeof(*k), kept_destructor);

	if (k && c->keptc < PENDING_MAX)
		k->ev = schema_copy(&ev->base);
	if (!k || !k->ev) {
		mem_deref(k);
		return ENOMEM;
	}
	list_append(&c->keptl, &k->le, k);
	c->keptc++;

	return 0;
}

static void forget(struct calls *c)
{
	list_flush(&c->keptl);
	c->keptc = 0;
}

/* ----------------------------------------------------------------- reading */

static void stop(struct calls *c)
{
	c->timer = mem_deref(c->timer);
	c->next = mem_deref(c->next);
	c->step = OFF;
	forget(c);
}

static void begin(struct calls *c);

static void on_timer(void *arg)
{
	struct calls *c = arg;

	c->timer = mem_deref(c->timer);
	begin(c);
}

static void later(struct calls *c, uint32_t ms)
{
	c->timer = mem_deref(c->timer);
	if (c->f->view)
		(void)loop_timer_start(&c->timer, view_loop(c->f->view), ms,
				       on_timer, c);
}

static void fail(struct calls *c)
{
	stop(c);
	later(c, RETRY_MS);
}

static void on_page(int err, Sy__Call *const *callv, size_t n,
		    const char *next, void *arg)
{
	struct calls *c = arg;

	c->asking = false;
	if (c->step != LIST)
		return;

	for (size_t i = 0; !err && i < n; i++)
		err = calls_table_put(c->next, callv[i]);
	if (!err && next && *next && c->f->view) {
		err = store_hub_list(view_redis(c->f->view), next, PAGE,
				     on_page, c);
		c->asking = !err;
	}
	else if (!err) {
		c->step = SETTLE;
		c->look = c->f->reader.looks + 1;
	}
	if (err)
		fail(c);
}

static void list_records(void *arg)
{
	struct calls *c = arg;

	c->timer = mem_deref(c->timer);
	if (!c->f->view)
		return; /* we end */
	c->step = LIST;
	if (c->asking || calls_table_alloc(&c->next) ||
	    store_hub_list(view_redis(c->f->view), NULL, PAGE, on_page, c)) {
		fail(c);
		return;
	}
	c->asking = true;
}

static void begin(struct calls *c)
{
	if (!c->f->view || c->step != OFF)
		return;
	if (!c->f->reader.started) {
		later(c, COLLECT_MS);
		return;
	}

	c->again = false;
	c->age_s = 0;
	c->step = COLLECT;
	if (loop_timer_start(&c->timer, view_loop(c->f->view), COLLECT_MS,
			     list_records, c))
		c->step = OFF;
}

static void settle(struct calls *c)
{
	struct le *le;
	bool same;

	LIST_FOREACH(&c->keptl, le) {
		const struct kept *k = le->data;

		calls_table_event(c->next, k->ev);
	}
	same = c->ready && calls_table_equal(c->table, c->next);
	if (c->ready && !same)
		log_warn("the calls were not as their records are: told anew");
	mem_deref(c->table);
	c->table = c->next;
	c->next = NULL;
	c->series = mem_deref(c->series);
	stop(c);
	if (!same) {
		c->ready = true;
		feed_calls_anew(c->f);
	}
	if (c->again)
		begin(c);
}

void calls_read(struct calls *c, uint64_t looks)
{
	if (c->step == SETTLE && looks >= c->look)
		settle(c);
}

void calls_event(struct calls *c, const Sy__Event *ev)
{
	if (!*ev->call_id)
		return;
	if (c->ready)
		calls_table_event(c->table, ev);
	if (c->step != OFF && keep(c, ev))
		fail(c);
}

/* -------------------------------------------------------------------- when */

void calls_want(struct calls *c)
{
	c->unwanted_s = 0;
	if (!c->ready && c->step == OFF && !c->timer)
		begin(c);
}

void calls_again(struct calls *c, bool lost)
{
	if (c->step == OFF && !c->ready)
		return;

	if (lost) {
		c->ready = false;
		stop(c);
	}
	c->again = true;
	if (c->step == OFF)
		begin(c);
}

static void let_go(struct calls *c)
{
	stop(c);
	c->ready = false;
	c->table = mem_deref(c->table);
	c->series = mem_deref(c->series);
}

void calls_tick(struct calls *c)
{
	if (++c->unwanted_s > LET_GO_S)
		let_go(c);
	else if (c->ready && ++c->age_s >= AGAIN_S)
		calls_again(c, false);
}

bool calls_is_ready(const struct calls *c)
{
	return c->ready;
}

/* --------------------------------------------------------------- snapshots */

static void series_destructor(void *arg)
{
	struct series *s = arg;

	for (size_t i = 0; i < s->n; i++)
		mem_deref(s->v[i]);
}

struct collecting {
	struct known_call **v;
	size_t n;
};

static bool collect(struct known_call *k, void *arg)
{
	struct collecting *col = arg;

	col->v[col->n++] = k;

	return false;
}

static int by_id(const void *a, const void *b)
{
	return strcmp((*(struct known_call *const *)a)->msg->id,
		      (*(struct known_call *const *)b)->msg->id);
}

/* As its record says, while nobody serves it. */
static bool is_adopting(const struct view *v, const Sy__Call *call)
{
	const struct members *m = view_members(v);

	if (!member_is_ready(m))
		return false;

	return call->instance ? !member_by_instance(m, call->instance)
			      : !member_find(m, call->node);
}

static const char *text_of(const struct calls *c, struct known_call *k)
{
	const bool adopting = is_adopting(c->f->view, k->msg);

	if (k->json && (adopting != k->msg->adopting)) {
		free(k->json);
		k->json = NULL;
	}
	k->msg->adopting = adopting;
	if (!k->json)
		k->json = say_call(k->msg);

	return k->json;
}

/* In messages that are not too long. */
static struct series *make(struct calls *c)
{
	struct collecting col = {0};
	const size_t all = calls_table_count(c->table);
	struct feed_id id;
	struct series *s;
	char seq[STORE_EVENT_ID_SIZE];
	const char **textv;
	size_t i = 0;

	s = mem_zalloc(sizeof(*s) + (all + 1) * sizeof(s->v[0]),
		       series_destructor);
	col.v = mem_zalloc((all + 1) * sizeof(*col.v), NULL);
	textv = mem_zalloc((all + 1) * sizeof(*textv), NULL);
	if (!s || !col.v || !textv)
		goto out;

	feed_log_newest(&c->f->log, &id);
	feed_id_print(seq, &id);
	s->at = c->f->log.next;
	s->made_us = loop_now_us();
	calls_table_apply(c->table, collect, &col);
	qsort(col.v, col.n, sizeof(*col.v), by_id);
	do {
		size_t n = 0, bytes = 0;

		while (i < col.n && (!n || bytes < FRAME_BYTES)) {
			textv[n] = text_of(c, col.v[i++]);
			bytes += textv[n] ? strlen(textv[n]) : 0;
			n += textv[n] != NULL;
		}
		s->v[s->n] = say_calls("calls", seq, textv, n, i < col.n);
		if (!s->v[s->n])
			break;
		s->n++;
	} while (i < col.n);
	if (i < col.n || !s->n)
		s = mem_deref(s);

out:
	mem_deref(col.v);
	mem_deref(textv);

	return s;
}

struct series *calls_series(struct calls *c, uint64_t at)
{
	struct series *s = c->series;

	if (!c->ready || !c->f->view)
		return NULL;
	if (!s || s->at < c->f->log.first || (at && s->at != at) ||
	    (s->at != c->f->log.next &&
	     loop_now_us() - s->made_us > SERIES_US)) {
		mem_deref(c->series);
		c->series = make(c);
	}

	return mem_ref(c->series);
}

/* -------------------------------------------------------------------- life */

static void destructor(void *arg)
{
	struct calls *c = arg;

	let_go(c);
}

int calls_alloc(struct calls **cp, struct feed *f)
{
	struct calls *c = mem_zalloc(sizeof(*c), destructor);

	if (!c)
		return ENOMEM;

	c->f = f;
	*cp = c;

	return 0;
}
