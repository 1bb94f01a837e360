/* SPDX-License-Identifier: MIT */
/*
 * Structured log: one line an event, to stderr, as logfmt or JSON.
 *
 *   ts=2026-01-31T12:00:00.123Z level=info proc=node-1 msg="call answered"
 *   call=01J... leg=01J... code=200
 *
 * Levels: error (an operator must act), warn, info (one line a change of
 * call state), debug by subsystem.  Never on the media tick, never on the
 * router's packet path above debug; no digits dialled, no keys, no
 * passwords.  Any thread: a line is one write().
 */

#ifndef SY_PROTO_LOG_H
#define SY_PROTO_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_L_DEBUG, LOG_L_INFO, LOG_L_WARN, LOG_L_ERROR };
enum log_format { LOG_FMT_LOGFMT, LOG_FMT_JSON };

struct log_conf {
	enum log_level level;
	enum log_format format;
	const char *proc; /* member id; copied */
};

/** Set up the process's log. Once, before threads. */
void log_init(const struct log_conf *conf);

/** @return 0 or EINVAL; "debug", "info", "warn", "error". */
int log_level_read(enum log_level *lp, const char *str);

/** @return 0 or EINVAL; "logfmt", "json". */
int log_format_read(enum log_format *fp, const char *str);

bool log_on(enum log_level level);

/** A typed key and value of a line. */
struct log_kv {
	const char *key;
	enum { LOG_STR, LOG_U64, LOG_I64, LOG_F64, LOG_ERR } type;
	union {
		const char *s;
		uint64_t u;
		int64_t i;
		double f;
	} v;
};

#define LOG_S(k, val) ((struct log_kv){(k), LOG_STR, {.s = (val)}})
#define LOG_U(k, val) ((struct log_kv){(k), LOG_U64, {.u = (val)}})
#define LOG_I(k, val) ((struct log_kv){(k), LOG_I64, {.i = (val)}})
#define LOG_F(k, val) ((struct log_kv){(k), LOG_F64, {.f = (val)}})
#define LOG_E(errnum) ((struct log_kv){"error", LOG_ERR, {.i = (errnum)}})

/** Write a line; kvv may be NULL. */
void log_write(enum log_level level, const char *msg,
	       const struct log_kv *kvv, unsigned kvc);

#define log_line(level, msg, ...)                                             \
	do {                                                                  \
		if (log_on(level)) {                                          \
			const struct log_kv kv_[] = {__VA_ARGS__};            \
			log_write(level, msg, kv_,                            \
				  sizeof(kv_) / sizeof(kv_[0]));              \
		}                                                             \
	} while (0)

/* log_info("call answered", LOG_S("call", id), LOG_U("code", 200)); at least
 * one key and value. */
#define log_debug(msg, ...) log_line(LOG_L_DEBUG, msg, __VA_ARGS__)
#define log_info(msg, ...) log_line(LOG_L_INFO, msg, __VA_ARGS__)
#define log_warn(msg, ...) log_line(LOG_L_WARN, msg, __VA_ARGS__)
#define log_error(msg, ...) log_line(LOG_L_ERROR, msg, __VA_ARGS__)

#endif
