/* SPDX-License-Identifier: MIT */
/*
 * The Lua scripts of proto/lua/, compiled into the program.  Each is sent
 * once and then run by its digest; NOSCRIPT (Redis was restarted or flushed)
 * sends it again without the caller noticing.
 */

#ifndef SY_PROTO_SCRIPT_H
#define SY_PROTO_SCRIPT_H

#include "proto/redis.h"

/** One file proto/lua/NAME.lua each; its header comment is its contract. */
enum script {
	SCRIPT_MEMBER_BEAT,
	SCRIPT_MEMBER_LIST,
	SCRIPT_MEMBER_LEAVE,
	SCRIPT_MEMBER_DIED,
	SCRIPT_MEMBER_EXPIRED,
	SCRIPT_PLACE_CALL,
	SCRIPT_PLACE_DROP,
	SCRIPT_HUB_PUT,
	SCRIPT_HUB_DROP,
	SCRIPT_HUB_CLAIM,
	SCRIPT_REG_PUT,
	SCRIPT_REG_GET,
	SCRIPT_REG_AGAIN,
	SCRIPT_REG_LAPSE,
	SCRIPT_CONFIG_PUT,
	SCRIPT_CONFIG_GET,
	SCRIPT_CONFIG_ITEM_PUT,
	SCRIPT_QUALITY_PUT,
	SCRIPT_CDR_PUT,
	SCRIPT_LIMIT_TAKE,
	SCRIPT_LEASE,
	SCRIPT_BAN_PUT,
	SCRIPT_BAN_LIST,
	SCRIPT_BAN_DROP,
	SCRIPT_COSTLY_TAKE,
	SCRIPT_COSTLY_GIVE,
	SCRIPT_DEVICE_STATE,
	SCRIPT_SUB_PUT,
	SCRIPT_SUB_NEXT,
	SCRIPT_SUB_CLAIM,
	SCRIPT_SUB_LIST,
	SCRIPT_RING_PUT,
	SCRIPT_TRACE_PUT,
	SCRIPT_QUAL_DUE,
	SCRIPT_QUAL_TAKE,
	SCRIPT_QUAL_PUT,
	SCRIPT_ACCT_GET,
	SCRIPT_ACCT_PUT,
	SCRIPT_ACCT_AGAIN,
	SCRIPT_ACCT_TRY,
	SCRIPT_ACCT_TRIED,
	SCRIPT_TICKET_PUT,
	SCRIPT_TICKET_LIST,
	SCRIPT_HOOK_DUE,
	SCRIPT_HOOK_PUT,
	SCRIPT_HOOK_DONE,
	SCRIPT_HOOK_LIST,
	SCRIPT_HOOK_STAT,
	SCRIPT_CDR_GET,
	SCRIPT_IDEM_TAKE,
	SCRIPT_IDEM_PUT,
	SCRIPT_COUNT,
};

/**
 * Run a script.
 *
 * @param keyc  Number of leading keys in argv.
 * @param argv  Keys, then arguments; borrowed for the call.
 * @param lenv  Lengths [bytes].
 * @param h     As for redis_command(); never called twice.
 *
 * @return as redis_command().
 */
int script_run(struct redis *r, enum script script, uint32_t deadline_ms,
	       redis_reply_h *h, void *arg, int keyc, int argc,
	       const char **argv, const size_t *lenv);

/** script_run(), with arg given as by redis_arg_owned(). On error it stays
 * the caller's. */
int script_run_owned(struct redis *r, enum script script,
		     uint32_t deadline_ms, redis_reply_h *h, void *arg,
		     int keyc, int argc, const char **argv,
		     const size_t *lenv);

/**
 * Send all scripts, ahead of anything else on a new connection: a run that
 * had to be sent a second time would overtake a later one otherwise.
 */
void script_load_all(struct redis *r);

#endif
