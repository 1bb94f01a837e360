/* SPDX-License-Identifier: MIT */
/* The newest events, in order, each as it is sent.  Entries are numbered from
 * 1 on; who reads is at the number of what it wants next. */

#ifndef SY_GATEWAY_FEED_LOG_H
#define SY_GATEWAY_FEED_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/http/ws.h"
#include "proto/store.h"

enum {
	FEED_LOG_ENTRIES = 16384,           /* a power of two             */
	FEED_LOG_BYTES = 16 * 1024 * 1024,
};

/* Forms of event streams, each made once an event. */
enum stream_form_id { STREAM_SSE, STREAM_GRPC, STREAM_FORMS };

/* An id of the stream, to be compared. */
struct feed_id {
	uint64_t ms, seq;
};

struct feed_entry {
	struct feed_id id;
	Sy__EventType type;
	char call[ULID_LEN + 1];  /* "": of none                          */
	struct ws_frame *ws;      /* owned; NULL: it cannot be read       */
	struct ws_frame *madev[STREAM_FORMS]; /* in these forms; owned;
				     NULL: nobody asked yet               */
};

struct feed_log {
	struct feed_entry *v;     /* FEED_LOG_ENTRIES; NULL: none yet     */
	uint64_t first, next;     /* numbers: oldest, one after newest    */
	size_t bytes;
	struct feed_id before;    /* what came before the oldest          */
};

/** @return false: no id. */
bool feed_id_read(struct feed_id *id, const char *text);
void feed_id_print(char text[STORE_EVENT_ID_SIZE], const struct feed_id *id);
int feed_id_compare(const struct feed_id *a, const struct feed_id *b);

/** Begin, or begin anew, after this one; who reads must start again. */
void feed_log_reset(struct feed_log *log, const struct feed_id *after);

/** Append what follows the newest; the oldest goes when it is too much. */
int feed_log_add(struct feed_log *log, const struct store_entry *entry);

/** @return borrowed, NULL: not there (any more, or yet). */
struct feed_entry *feed_log_get(const struct feed_log *log, uint64_t number);

/** Where to go on after an event. @return false: it is not known here. */
bool feed_log_find(const struct feed_log *log, const struct feed_id *after,
		   uint64_t *numberp);

/** The id of what comes before an entry. */
void feed_log_before(const struct feed_log *log, uint64_t number,
		     struct feed_id *id);

/** The newest id that is known. */
void feed_log_newest(const struct feed_log *log, struct feed_id *id);

void feed_log_close(struct feed_log *log);

#endif
