/* SPDX-License-Identifier: MIT */
/*
 * Telephone numbers as a trunk writes them: E.164 and back, rules that rewrite
 * them, and which of them are ours.  Pure functions; any thread.
 *
 *   in:   as received -> E.164 -> called_in, caller_in -> dial plan
 *   out:  as dialled -> called_out, caller_out -> number_format -> trunk
 *
 * What is no telephone number (letters, "*97", a short number like "110") is
 * left as it is by everything here but a rule that matches it.
 */

#ifndef SY_PROTO_NUMBER_H
#define SY_PROTO_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include "proto/schema.h"

/** Longest number with its terminator. */
enum { NUMBER_SIZE = 128 };

/**
 * A number as the trunk writes it, as E.164 with a "+".  Without a
 * country_code only numbers that have a "+" are E.164.  Visual separators
 * (RFC 3966 5.1.1) of a number that begins with "+" are taken out.
 *
 * @param out  May be the same as number's memory.
 *
 * @return 0; ENOENT: it is none, out is the number as it was; ENAMETOOLONG.
 */
int number_e164(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		const char *number);

/**
 * A number in the trunk's number_format; what is not E.164 for it stays.
 *
 * @return 0, ENAMETOOLONG.
 */
int number_format(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		  const char *number);

/** Is it the name of a format, or ""? */
bool number_format_valid(const char *name);

/**
 * Apply the first rule that matches, if one does.
 *
 * @param number  Changed in place.
 *
 * @return 0, ENAMETOOLONG (number is then unchanged).
 */
int number_rewrite(char number[NUMBER_SIZE], Sy__Rewrite *const *rulev,
		   size_t rulec);

/** All of "in" for a called number: E.164, then the trunk's called_in.
 * @return 0, ENAMETOOLONG. */
int number_called_in(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		     const char *number);
/** The same for a caller. */
int number_caller_in(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		     const char *number);
/** All of "out". */
int number_called_out(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		      const char *number);
int number_caller_out(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		      const char *number);

/** Digits only, or "+" and digits? */
bool number_is_digits(const char *number);

/** Does a number (after number_called_in()) lie in an entry? */
bool number_in(const Sy__TrunkNumber *tn, const char *number);

/** The entry of a trunk that has it; NULL: none. */
const Sy__TrunkNumber *number_ours(const Sy__Trunk *trunk, const char *number);

/**
 * What "$1" of an entry stands for: the last digits of the number, as many as
 * differ within the range; of a single number none.
 *
 * @return within number.
 */
const char *number_extension(const Sy__TrunkNumber *tn, const char *number);

/** May the trunk's peer be shown this number as the caller's?  Yes if it is
 * ours there, or any_caller is set, or nothing is said of numbers at all. */
bool number_may_show(const Sy__Trunk *trunk, const char *number);

/**
 * What the trunk's peer is shown as the caller's number, in the trunk's way of
 * writing: that number if it may be, else the default number.
 *
 * @param out     "": nothing is shown.
 * @param number  Of the caller; "": has none.
 *
 * @return 0, ENAMETOOLONG.
 */
int number_shown(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		 const char *number);

#endif
