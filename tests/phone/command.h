/* SPDX-License-Identifier: MIT */
/*
 * Commands: a table of names, fields and handlers.  The parser, its errors
 * and --help are made from it.
 */
#ifndef PHONE_COMMAND_H
#define PHONE_COMMAND_H

#include "tests/phone/call.h"
#include "tests/phone/phone.h"

enum field_type {
	FIELD_STR,
	FIELD_INT,
	FIELD_NUM,
	FIELD_BOOL,
	FIELD_ENUM,   /* one of the words in `allowed`, "a|b" */
	FIELD_CODECS, /* list of codec names                  */
	FIELD_WORDS,  /* list of words in `allowed`           */
	FIELD_NUMS,   /* list of numbers within the bounds    */
	FIELD_ANSWER, /* auto, manual, reject:CODE            */
};

struct field {
	const char *name;
	enum field_type type;
	bool must;
	const char *allowed; /* of ENUM and WORDS */
	double min, max;     /* of INT, NUM, NUMS */
	const char *help;    /* default and unit  */
};

/* What a handler works on; it writes `error` when it returns not 0. */
struct command_ctx {
	struct farm *farm;
	struct phone *phone; /* where the command names one */
	const json_t *cmd;
	json_t *reply; /* members of the ok event, besides cmd and phone */
	char error[256];
};

enum command_flags {
	COMMAND_PHONE = 1, /* has a field "phone" that must exist        */
	COMMAND_MANY = 2,  /* that may also be "p*"; called for each     */
	COMMAND_ONCE = 4,  /* with MANY: called once, for all of them    */
	COMMAND_ANY = 8,   /* takes members that are not in the table    */
};

struct command {
	const char *name;
	unsigned flags;
	const struct field *fields; /* ends with a NULL name */
	int (*h)(struct command_ctx *ctx);
	const char *help;
};

/* Tables, each ended by a NULL name. */
extern const struct command commands_phone[];
extern const struct command commands_farm[];
extern const struct command commands_call[];
extern const struct command commands_tone[];

/** Do one line; its ok or error is put out. */
void command_run(struct farm *farm, const char *line);

/** All commands with their fields. */
void command_help(FILE *f);

/** Fields of a command, with a default. */
const char *command_str(const json_t *cmd, const char *name);
int command_int(const json_t *cmd, const char *name, int def);
double command_num(const json_t *cmd, const char *name, double def);
bool command_bool(const json_t *cmd, const char *name, bool def);

/**
 * A field "host:port" as numbers; NULL when it is not given or empty.
 *
 * @return 0, or an error that names the field
 */
int command_hostport(struct command_ctx *ctx, const char *name, char **textp);

/** Field "transport", or def. */
enum sip_transp command_transport(const json_t *cmd, enum sip_transp def);

/** True if a pattern "p*", or an id, names this phone. */
bool command_match(const char *pattern, const char *id);

#endif
