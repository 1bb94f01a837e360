/* SPDX-License-Identifier: MIT */
/*
 * What may be a password: long, and not what is tried first (NIST SP 800-63B
 * 5.1.1.2: length and a list, no rules of composition).
 */

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "gateway/account/password.h"

enum { NAME_MIN = 4, PIECE_MAX = 4 };

/* Parts that a password of twelve characters must not be made of alone. */
static const char *const knownv[] = {
	"password", "passwort", "switchyard", "changeme", "letmein",
	"qwertyuiop", "qwerty", "asdfghjkl", "iloveyou", "welcome",
	"administrator", "admin", "1234567890", "123456789", "12345678",
	"0123456789", "9876543210", "abcdefghijklmnop", "abcdefgh", "secret",
	"monkey", "dragon", "football", "baseball", "sunshine", "princess",
};

/* UTF-8: all but what continues a character. */
static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;

	return n;
}

/* "abab...": a piece of up to PIECE_MAX bytes over and over. */
static bool is_repeated(const char *s)
{
	const size_t len = strlen(s);

	for (size_t n = 1; n <= PIECE_MAX; n++) {
		size_t i = n;

		while (i < len && s[i] == s[i - n])
			++i;
		if (i == len)
			return true;
	}

	return false;
}

static bool contains(const char *s, const char *part)
{
	const size_t len = strlen(part);

	for (; strlen(s) >= len; s++) {
		if (!strncasecmp(s, part, len))
			return true;
	}

	return false;
}

/* What is left when known parts are taken away is a few digits, or less. */
static bool is_known(const char *s)
{
	size_t left = strlen(s);

	while (*s) {
		size_t n = 0;

		for (size_t i = 0; i < sizeof(knownv) / sizeof(knownv[0]);
		     i++) {
			const size_t len = strlen(knownv[i]);

			if (len > n && !strncasecmp(s, knownv[i], len))
				n = len;
		}
		left -= n;
		s += n ? n : 1;
	}

	return left < NAME_MIN + 1;
}

static bool has_name(const char *password, const char *name)
{
	return name && strlen(name) >= NAME_MIN && contains(password, name);
}

const char *password_refuse(const char *password, const char *user,
			    const char *display)
{
	if (characters(password) < PASSWORD_MIN)
		return "is too short";
	if (strlen(password) > PASSWORD_MAX)
		return "is too long";
	if (is_repeated(password))
		return "is the same over and over";
	if (has_name(password, user) || has_name(password, display))
		return "contains the user's name";
	if (is_known(password))
		return "is one that is tried first";

	return NULL;
}
