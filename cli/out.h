/* SPDX-License-Identifier: MIT */
/*
 * What is printed: aligned tables, pairs, JSON; colours on a terminal alone,
 * and not where NO_COLOR is set.
 */

#ifndef SY_CLI_OUT_H
#define SY_CLI_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

enum out_colour {
	OUT_PLAIN,
	OUT_DIM,
	OUT_BOLD,
	OUT_GREEN,
	OUT_YELLOW,
	OUT_RED,
	OUT_CYAN,
};

enum { OUT_COLUMNS = 12 };

/** One line to stderr, "switchyard: ...". */
void out_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Say nothing of errors: they are expected. */
void out_mute(bool on);

/** A string of an object; "" if it is none. Borrowed. */
const char *out_text(const json_t *j, const char *key);

/** A number of an object, also one written as a string (64 bits); 0. */
double out_number(const json_t *j, const char *key);

bool out_true(const json_t *j, const char *key);

/** Print as JSON, indented. */
void out_json(const json_t *j);

/** Is stdout a terminal? */
bool out_is_terminal(void);

/** Columns of the terminal; 0: it is none. */
unsigned out_width(void);

/** Begin and end a colour on stdout. */
const char *out_on(enum out_colour c);
const char *out_off(enum out_colour c);

/** Text from outside without what a terminal would obey. @param f  stdout. */
void out_safe(const char *text, bool lines);

/** Characters that a text takes on a terminal. */
size_t out_len(const char *text);

struct out_table;

/** @param heads  Of the columns, separated by '|'; one that begins with '>' is
 * of numbers: to the right. */
struct out_table *out_table(const char *heads);

/** Add a row's next cell. */
void out_cell(struct out_table *t, enum out_colour c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Print and free. @param none  Line that is printed for no rows. */
void out_table_end(struct out_table *t, const char *none);

/** "name   value" lines. */
void out_pair(const char *name, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** "1:02:03" of seconds. @param buf  16 bytes. */
const char *out_duration(char *buf, double s);

/** Seconds since 1970 of an RFC 3339 time, with its fraction; 0: none. */
double out_time(const char *text);

/** The local time of day of one, "18:20:30.123". @param buf  16 bytes. */
const char *out_clock(char *buf, const char *text);

#endif
