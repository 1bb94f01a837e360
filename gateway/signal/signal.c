/* SPDX-License-Identifier: MIT */
/* The table of pages, and what is said: see signal.h. */

#include <errno.h>
#include <string.h>
#include <openssl/evp.h>

#include "gateway/signal/signal_impl.h"
#include "proto/callee.h"
#include "proto/log.h"
#include "proto/scope.h"

enum { BUCKETS = 1024, SECRET_MIN = 22, SECRET_MAX = 64, LEGS_SAID_MAX = 64 };

static bool end_handler(struct le *le, void *arg)
{
	(void)arg;
	phone_end(le->data);

	return false;
}

static void destructor(void *arg)
{
	struct signal *s = arg;

	if (s->phones) {
		(void)hash_apply(s->phones, end_handler, NULL);
		mem_deref(s->phones);
	}
	trace_flush(s);
	mem_deref(s->trace);
}

int signal_alloc(struct signal **sp, const struct signal_conf *conf)
{
	struct signal *s;
	int err;

	if (!sp || !conf || !conf->view)
		return EINVAL;

	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;

	s->view = conf->view;
	s->key = conf->key;
	s->http = conf->http ? conf->http : "";
	s->https = conf->https ? conf->https : "";
	err = hash_alloc(&s->phones, BUCKETS);
	if (!err)
		err = trace_batch_alloc(&s->trace);
	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}

static bool name_handler(struct le *le, void *arg)
{
	const struct phone *ph = le->data;

	return !strcmp(ph->name, arg);
}

struct phone *signal_find(const struct signal *s, const char *name)
{
	return list_ledata(hash_lookup(s->phones, hash_joaat_str(name),
				       name_handler, (void *)name));
}

void signal_stat(const struct signal *s, struct signal_stat *st)
{
	st->phones = s ? s->phonec : 0;
	st->calls = s ? s->calls : 0;
	st->traced = s ? trace_batch_stat(s->trace)->written : 0;
	st->trace_dropped = s ? trace_batch_stat(s->trace)->dropped : 0;
}

/* ------------------------------------------------------------- registration */

/* Who knows the name cannot make the secret of it. */
static int make_name(char name[PHONE_NAME_SIZE], const char *device,
		     const char *secret)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	char text[256];
	int n = re_snprintf(text, sizeof(text), "phone:%s:%s", device, secret);

	if (n < 0 || !EVP_Digest(text, (size_t)n, md, NULL, EVP_sha256(),
				 NULL))
		return ENOMEM;
	for (size_t i = 0; i < (PHONE_NAME_SIZE - 1) / 2; i++)
		(void)re_snprintf(name + 2 * i, 3, "%02x", md[i]);

	return 0;
}

static bool is_secret(const char *p)
{
	const size_t len = strlen(p);

	return len >= SECRET_MIN && len <= SECRET_MAX &&
	       strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789-_") == len;
}

/* Whose phone a page is. */
static const char *device_of(const struct principal *who,
			     const Sy__PhoneRegister *reg)
{
	return !who->device[0] && who->scopes == SCOPE_ALL ? reg->device
							   : who->device;
}

/* @return false: refused. */
static bool may_register(struct signal *s, struct ws_client *c,
			 const Sy__WsClient *msg)
{
	const struct principal *who = ws_principal(c);
	const Sy__PhoneRegister *reg = msg->phone_register;
	const char *device = device_of(who, reg);

	if (reg->device[0] && strcmp(reg->device, device))
		(void)ws_refuse(c, msg->id, "forbidden",
				"\"%s\" may be no phone of \"%.64s\"",
				who->id, reg->device);
	else if (!device[0])
		(void)ws_refuse(c, msg->id, "forbidden",
				"\"%s\" has no device: give the user or the "
				"token one", who->id);
	else if (!view_config(s->view) || !view_has_redis(s->view))
		(void)ws_refuse(c, msg->id, "unavailable",
				"Redis is not reachable: again in a while");
	else if (strlen(device) >= PRINCIPAL_NAME_SIZE ||
		 !config_device(view_config_table(s->view), device,
				strlen(device)))
		(void)ws_refuse(c, msg->id, "not-found",
				"there is no device \"%.64s\"", device);
	else if (!is_secret(reg->phone))
		(void)ws_refuse(c, msg->id, "bad-request",
				"phone: 22 to 64 characters of base64url, a "
				"secret of the page");
	else if (reg->n_legs > LEGS_SAID_MAX)
		(void)ws_refuse(c, msg->id, "bad-request",
				"legs: at most %u", LEGS_SAID_MAX);
	else
		return true;

	return false;
}

static void take_register(struct signal *s, struct ws_client *c,
			  const Sy__WsClient *msg)
{
	const Sy__PhoneRegister *reg = msg->phone_register;
	const char *device = device_of(ws_principal(c), reg);
	char name[PHONE_NAME_SIZE];
	struct phone *ph;
	int err;

	if (!may_register(s, c, msg))
		return;

	err = make_name(name, device, reg->phone);
	ph = err ? NULL : signal_find(s, name);
	if (!err && !ph)
		err = phone_alloc(&ph, s, name, device);
	if (err) {
		(void)ws_refuse(c, msg->id, "unavailable",
				err == ENOSPC ? "this gateway serves as many "
						"phones as it may"
					      : "out of memory");
		return;
	}

	phone_attach(ph, c);
	str_ncpy(ph->agent, reg->name[0] ? reg->name : "browser",
		 sizeof(ph->agent));
	enlist(ph, msg->id, reg->legs, reg->n_legs);
}

static void take_unregister(struct phone *ph, const Sy__WsClient *msg)
{
	struct ws_client *c = ph->client;

	ws_phone_set(c, NULL, NULL);
	enlist_drop(ph);
	phone_end(ph);
	(void)ws_done(c, msg->id);
}

void signal_receive(struct ws_client *c, const Sy__WsClient *msg, void *arg)
{
	struct signal *s = arg;
	struct phone *ph = ws_phone(c);

	if (msg->body_case == SY__WS_CLIENT__BODY_PHONE_REGISTER)
		take_register(s, c, msg);
	else if (!ph)
		(void)ws_refuse(c, msg->id, "conflict",
				"this connection is no phone: phoneRegister "
				"goes first");
	else if (msg->body_case == SY__WS_CLIENT__BODY_PHONE_UNREGISTER)
		take_unregister(ph, msg);
	else if (msg->body_case == SY__WS_CLIENT__BODY_PHONE_CALL)
		place_call(ph, msg);
	else if (msg->body_case == SY__WS_CLIENT__BODY_PHONE_MESSAGE)
		text_write(ph, msg);
	else
		take_about_leg(ph, msg);
}

/* ------------------------------------------------- from nodes, and routers */

static void take_message(struct signal *s, struct bus_request *req,
			 const Sy__BrowserMessage *m, const char *node)
{
	struct phone *ph = signal_find(s, m->phone);
	int err = !ph || !m->message ? ENOENT : phone_say(ph, m->message);
	bool ended;

	if (err) {
		bus_replyf(req,
			   err == ENOMEM ? SY__RESULT_CODE__INTERNAL
					 : SY__RESULT_CODE__NOT_FOUND,
			   "the page is not here");
		return;
	}

	ended = m->message->body_case == SY__WS_SERVER__BODY_PHONE_ENDED;
	trace(ph, &(struct trace_about){m->call, m->leg, 0, ended},
	      &m->message->base);
	if (ended)
		phone_leg_remove(ph, m->leg);
	else if (m->leg[0])
		phone_leg_add(ph, m->leg, m->call, node);
	bus_replyf(req, SY__RESULT_CODE__OK, "%s", "");
}

bool signal_command(struct signal *s, struct bus_request *req,
		    const Sy__Envelope *env)
{
	struct phone *ph;

	if (env->body_case == SY__ENVELOPE__BODY_BROWSER_MESSAGE) {
		take_message(s, req, env->browser_message, env->from);
		return true;
	}
	if (env->body_case != SY__ENVELOPE__BODY_BROWSER_HERE)
		return false;

	ph = signal_find(s, env->browser_here->phone);
	if (ph)
		phone_replaced(ph);
	bus_replyf(req, SY__RESULT_CODE__OK, "%s", "");

	return true;
}
