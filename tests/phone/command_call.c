/* SPDX-License-Identifier: MIT */
/* Commands on calls: make, answer, end, change, listen. */

#include <math.h>
#include <string.h>
#include "tests/phone/command.h"
#include "tests/phone/sound.h"
#include "tests/phone/watch.h"

#define F_PHONE {"phone", FIELD_STR, true, NULL, 0, 0, "an id, or \"p*\""}
#define F_ONE {"phone", FIELD_STR, true, NULL, 0, 0, "an id"}
#define F_CALL {"call", FIELD_STR, false, NULL, 0, 0, "its only one"}
#define F_END {NULL, 0, false, NULL, 0, 0, NULL}

static const struct field f_call[] = {
	F_ONE,
	{"to", FIELD_STR, true, NULL, 0, 0, "a number or a SIP URI"},
	{"call", FIELD_STR, false, NULL, 0, 0, "a name; c1, c2, ..."},
	{"proxy", FIELD_STR, false, NULL, 0, 0, "host:port, for this INVITE"},
	F_END,
};
static const struct field f_plain[] = {F_ONE, F_CALL, F_END};
static const struct field f_many[] = {F_PHONE, F_CALL, F_END};
static const struct field f_reject[] = {
	F_ONE, F_CALL,
	{"code", FIELD_INT, false, NULL, 400, 699, "486"}, F_END,
};
static const struct field f_hold[] = {
	F_ONE, F_CALL,
	{"mode", FIELD_ENUM, false, "sendonly|inactive", 0, 0, "sendonly"},
	F_END,
};
static const struct field f_reinvite[] = {
	F_ONE, F_CALL,
	{"codecs", FIELD_CODECS, false, NULL, 0, 0, "as before"},
	{"new_port", FIELD_BOOL, false, NULL, 0, 0, "false"},
	{"laddr", FIELD_STR, false, NULL, 0, 0, "another media address"},
	{"sdp", FIELD_BOOL, false, NULL, 0, 0, "true; false: no offer"},
	{"rekey", FIELD_BOOL, false, NULL, 0, 0, "false"},
	F_END,
};
static const struct field f_mute[] = {
	F_PHONE, F_CALL, {"on", FIELD_BOOL, false, NULL, 0, 0, "true"}, F_END,
};
static const struct field f_dtmf[] = {
	F_ONE, F_CALL,
	{"digits", FIELD_STR, true, NULL, 0, 0, "0-9 A-D * #"},
	{"ms", FIELD_INT, false, NULL, 40, 1000, "100"}, F_END,
};
static const struct field f_play[] = {
	F_ONE, F_CALL,
	{"file", FIELD_STR, true, NULL, 0, 0,
	 "WAV, mono, 16 bits, at the codec's rate"}, F_END,
};
static const struct field f_record[] = {
	F_ONE, F_CALL,
	{"file", FIELD_STR, true, NULL, 0, 0, "WAV to be written"},
	{"ms", FIELD_INT, true, NULL, 20, 600000, NULL}, F_END,
};
static const struct field f_listen[] = {
	F_ONE, F_CALL,
	{"ms", FIELD_INT, false, NULL, 20, 60000, "500"},
	{"freqs", FIELD_NUMS, true, NULL, 20, 20000, "up to 64"}, F_END,
};
static const struct field f_expect[] = {
	F_PHONE, F_CALL,
	{"hz", FIELD_INT, true, NULL, 20, 20000, NULL},
	{"present", FIELD_BOOL, false, NULL, 0, 0, "true"},
	{"within_ms", FIELD_INT, false, NULL, 1, 3600000, "3000"},
	{"threshold_db", FIELD_NUM, false, NULL, -100, 0,
	 "-35 present, -45 absent"},
	{"window_ms", FIELD_INT, false, NULL, 20, 5000, "100"}, F_END,
};

static int find(struct command_ctx *ctx, struct call **callp)
{
	const char *id = command_str(ctx->cmd, "call");
	const int err = call_find(callp, ctx->phone, id);

	if (err == ENOENT)
		snprintf(ctx->error, sizeof(ctx->error), "phone '%s' has no %s%s",
			 ctx->phone->id, id ? "call " : "call", id ? id : "");
	else if (err)
		snprintf(ctx->error, sizeof(ctx->error),
			 "field 'call' is missing: phone '%s' has several",
			 ctx->phone->id);
	else
		json_object_set_new(ctx->reply, "call",
				    json_string(call_id(*callp)));

	return err;
}

static int state_error(struct command_ctx *ctx, int err)
{
	if (err == EPROTO)
		snprintf(ctx->error, sizeof(ctx->error),
			 "the call is not in a state for that");
	else if (err == EBUSY)
		snprintf(ctx->error, sizeof(ctx->error),
			 "a re-INVITE is under way");

	return err;
}

static int cmd_call(struct command_ctx *ctx)
{
	const char *id = command_str(ctx->cmd, "call");
	struct call *call;
	char *proxy;
	int err;

	if (id && !call_find(&call, ctx->phone, id)) {
		snprintf(ctx->error, sizeof(ctx->error),
			 "field 'call': '%s' is in use", id);
		return EEXIST;
	}

	err = command_hostport(ctx, "proxy", &proxy);
	if (err)
		return err;

	err = call_start(&call, ctx->phone, id, command_str(ctx->cmd, "to"),
			 proxy);
	mem_deref(proxy);
	if (!err)
		json_object_set_new(ctx->reply, "call",
				    json_string(call_id(call)));

	return err;
}

static int cmd_answer(struct command_ctx *ctx)
{
	struct call *call;
	int err = find(ctx, &call);

	return err ? err : state_error(ctx, call_answer(call));
}

static int cmd_reject(struct command_ctx *ctx)
{
	struct call *call;
	int err = find(ctx, &call);

	return err ? err
		   : state_error(ctx,
				 call_reject(call, command_int(ctx->cmd, "code",
							       486)));
}

static int cmd_cancel(struct command_ctx *ctx)
{
	struct call *call;
	int err = find(ctx, &call);

	return err ? err : state_error(ctx, call_cancel(call));
}

static int cmd_hangup(struct command_ctx *ctx)
{
	struct call *call;
	int err;

	if (!command_str(ctx->cmd, "call") && ctx->phone->calll.head) {
		phone_hangup(ctx->phone);
		return 0;
	}
	if (strchr(command_str(ctx->cmd, "phone"), '*'))
		return 0;

	err = find(ctx, &call);
	return err ? err : call_hangup(call);
}

static int change(struct command_ctx *ctx, const struct call_change *ch)
{
	struct call *call;
	int err = find(ctx, &call);

	return err ? err : state_error(ctx, call_change(call, ch));
}

static int cmd_hold(struct command_ctx *ctx)
{
	const char *mode = command_str(ctx->cmd, "mode");
	const struct call_change ch = {
		.kind = CHANGE_HOLD,
		.dir = mode && !strcmp(mode, "inactive") ? DESC_INACTIVE
							 : DESC_SENDONLY,
	};

	return change(ctx, &ch);
}

static int cmd_resume(struct command_ctx *ctx)
{
	const struct call_change ch = {.kind = CHANGE_RESUME};

	return change(ctx, &ch);
}

static int cmd_reinvite(struct command_ctx *ctx)
{
	const json_t *codecs = json_object_get(ctx->cmd, "codecs");
	const char *addr = command_str(ctx->cmd, "laddr");
	struct sa laddr = ctx->phone->laddr;
	enum codec_id idv[DESC_CODECS_MAX];
	struct call_change ch = {
		.kind = CHANGE_OTHER,
		.codecc = json_array_size(codecs),
		.no_offer = !command_bool(ctx->cmd, "sdp", true),
		.rekey = command_bool(ctx->cmd, "rekey", false),
	};

	for (size_t i = 0; i < ch.codecc; i++)
		idv[i] = codec_find(
			json_string_value(json_array_get(codecs, i)));
	if (codecs)
		ch.codecv = idv;

	if (addr && sa_set_str(&laddr, addr, 0)) {
		snprintf(ctx->error, sizeof(ctx->error),
			 "field 'laddr': an IPv4 or IPv6 address");
		return EINVAL;
	}
	if (addr || command_bool(ctx->cmd, "new_port", false))
		ch.laddr = &laddr;

	return change(ctx, &ch);
}

static int cmd_mute(struct command_ctx *ctx)
{
	const bool on = command_bool(ctx->cmd, "on", true);
	struct call *call;
	int err = find(ctx, &call);

	if (!err)
		stream_mute(call_stream(call), on);

	return err;
}

static int cmd_dtmf(struct command_ctx *ctx)
{
	struct call *call;
	int err = find(ctx, &call);

	if (err)
		return err;

	err = stream_send_digits(call_stream(call),
				 command_str(ctx->cmd, "digits"),
				 command_int(ctx->cmd, "ms", 100));
	if (err == EINVAL)
		snprintf(ctx->error, sizeof(ctx->error),
			 "field 'digits': 1 to 64 of 0-9 A-D * #");
	else if (err == ENOTSUP)
		snprintf(ctx->error, sizeof(ctx->error),
			 "telephone-event was not negotiated");

	return err;
}

/* ------------------------------------------------------------------ sound */

static json_t *done_json(const struct sound_done *done)
{
	return json_pack("{s:f s:f s:i}", "start_ms", done->start_ms, "ms",
			 done->ms, "packets", (int)done->packets);
}

static void played_handler(const struct sound_done *done, void *arg)
{
	call_event_asked(arg, "played", done_json(done));
}

static void recorded_handler(const struct sound_done *done, void *arg)
{
	call_event_asked(arg, "recorded", done_json(done));
}

static int file_error(struct command_ctx *ctx, int err)
{
	const char *cause = err == EBADMSG ? "no mono WAV of 16 bits"
			    : err == EDOM  ? "not of the codec's rate"
			    : err == EINVAL ? "there is no codec yet"
					    : strerror(err);

	if (err)
		snprintf(ctx->error, sizeof(ctx->error), "field 'file': %s",
			 cause);

	return err;
}

static int cmd_play(struct command_ctx *ctx)
{
	struct sound *sound;
	struct call *call;
	int err = find(ctx, &call);

	if (err)
		return err;

	err = sound_alloc(&sound, command_str(ctx->cmd, "file"),
			  stream_codec(call_stream(call)), played_handler,
			  call);
	if (!err)
		stream_play(call_stream(call), sound);

	return file_error(ctx, err);
}

static int cmd_record(struct command_ctx *ctx)
{
	struct tape *tape;
	struct call *call;
	int err = find(ctx, &call);

	if (err)
		return err;

	err = tape_alloc(&tape, command_str(ctx->cmd, "file"),
			 stream_codec(call_stream(call)),
			 command_int(ctx->cmd, "ms", 0), stream_clock_ms(),
			 recorded_handler, call);
	if (!err)
		stream_record(call_stream(call), tape);

	return file_error(ctx, err);
}

/* ----------------------------------------------------------------- listen */

static json_t *tones_json(const struct watch_result *res)
{
	json_t *tones = json_object();
	char key[16];

	for (size_t i = 0; i < res->n; i++) {
		snprintf(key, sizeof(key), "%u", res->hzv[i]);
		json_object_set_new(tones, key, json_real(res->dbv[i]));
	}

	return tones;
}

static void heard_handler(const struct watch_result *res, void *arg)
{
	struct call *call = arg;
	struct stream *s = call_stream(call);
	const struct codec_info *info = codec_info(stream_codec(s));
	struct stream_stats st;

	stream_stats(s, &st);
	stream_gap_reset(s);
	call_event_asked(call, "heard",
		json_pack("{s:b s:o s:f s:f s:I s:I s:I s:I s:I s:f s:f s:s?}",
			  "ok", res->ok, "tones", tones_json(res), "rms_db",
			  res->n ? res->rms_db : TONE_FLOOR_DB, "ms",
			  res->took_ms, "packets", (json_int_t)st.rx, "lost",
			  (json_int_t)st.lost, "late", (json_int_t)st.late,
			  "stray", (json_int_t)st.stray, "forged",
			  (json_int_t)st.forged, "jitter_ms", st.jitter_ms,
			  "gap_ms_max", st.gap_max_ms, "codec",
			  info ? info->name : NULL));
}

static int cmd_listen(struct command_ctx *ctx)
{
	const json_t *freqs = json_object_get(ctx->cmd, "freqs");
	unsigned hzv[WATCH_FREQS_MAX];
	const struct watch_param prm = {
		.hzv = hzv,
		.hzc = json_array_size(freqs),
		.window_ms = command_int(ctx->cmd, "ms", 500),
	};
	struct call *call;
	int err = find(ctx, &call);

	if (err)
		return err;

	for (size_t i = 0; i < prm.hzc; i++)
		hzv[i] = json_integer_value(json_array_get(freqs, i));

	return watch_start(call_stream(call), &prm, heard_handler, call);
}

struct expect {
	struct call *call;
	bool present;
};

static void expected_handler(const struct watch_result *res, void *arg)
{
	struct expect *ex = arg;

	call_event_asked(ex->call, "expected",
		json_pack("{s:i s:b s:b s:f s:f}", "hz", res->hzv[0],
			  "present", ex->present, "ok", res->ok, "level_db",
			  res->n ? res->dbv[0] : TONE_FLOOR_DB, "ms",
			  res->took_ms));
	mem_deref(ex);
}

static int cmd_expect(struct command_ctx *ctx)
{
	const unsigned hz = command_int(ctx->cmd, "hz", 0);
	const bool present = command_bool(ctx->cmd, "present", true);
	const struct watch_param prm = {
		.hzv = &hz,
		.hzc = 1,
		.window_ms = command_int(ctx->cmd, "window_ms", 100),
		.until = true,
		.present = present,
		.threshold_db = command_num(ctx->cmd, "threshold_db",
					    present ? -35.0 : -45.0),
		.within_ms = command_int(ctx->cmd, "within_ms", 3000),
	};
	struct expect *ex;
	struct call *call;
	int err = find(ctx, &call);

	if (err)
		return err;

	ex = mem_zalloc(sizeof(*ex), NULL);
	if (!ex)
		return ENOMEM;

	ex->call = call;
	ex->present = present;
	err = watch_start(call_stream(call), &prm, expected_handler, ex);
	if (err)
		mem_deref(ex);

	return err;
}

const struct command commands_call[] = {
	{"call", COMMAND_PHONE, f_call, cmd_call, "INVITE"},
	{"answer", COMMAND_PHONE, f_plain, cmd_answer, "200 to an INVITE"},
	{"reject", COMMAND_PHONE, f_reject, cmd_reject, "refuse an INVITE"},
	{"cancel", COMMAND_PHONE, f_plain, cmd_cancel, "before an answer"},
	{"hangup", COMMAND_PHONE | COMMAND_MANY, f_many, cmd_hangup,
	 "BYE; before an answer CANCEL, or 486; without call: all of them"},
	{"hold", COMMAND_PHONE, f_hold, cmd_hold, "re-INVITE"},
	{"resume", COMMAND_PHONE, f_plain, cmd_resume, "re-INVITE"},
	{"reinvite", COMMAND_PHONE, f_reinvite, cmd_reinvite,
	 "re-INVITE with another codec or address"},
	{"mute", COMMAND_PHONE | COMMAND_MANY, f_mute, cmd_mute,
	 "send silence instead of the tone"},
	{"dtmf", COMMAND_PHONE, f_dtmf, cmd_dtmf, "digits by RFC 4733"},
	{"play", COMMAND_PHONE, f_play, cmd_play,
	 "send a sound once instead of the tone: event played"},
	{"record", COMMAND_PHONE, f_record, cmd_record,
	 "write what is heard for ms: event recorded"},
	{"listen", COMMAND_PHONE, f_listen, cmd_listen,
	 "levels of tones in the next ms of audio: event heard"},
	{"expect", COMMAND_PHONE | COMMAND_MANY, f_expect, cmd_expect,
	 "until a tone is there, or gone: event expected"},
	{NULL, 0, NULL, NULL, NULL},
};
