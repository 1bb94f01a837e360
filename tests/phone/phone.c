/* SPDX-License-Identifier: MIT */
/* Phones and their farm; see phone.h. */

#include <netdb.h>
#include <string.h>
#include <netinet/tcp.h>
#include "tests/phone/call.h"
#include "tests/phone/load.h"
#include "tests/phone/phone.h"

enum {
	IDS_SIZE = 1024,
	TRANSACTIONS_SIZE = 32, /* hash tables of one phone: it has few */
	CLOSE_MS = 2000,
	CLOSE_POLL_MS = 20,
};

static const char *method_names[METHOD_COUNT] = {"REGISTER", "INVITE", "ACK",
						 "BYE", "CANCEL"};

const char *method_name(enum method m)
{
	return method_names[m];
}

/* ------------------------------------------------------------------- farm */

static void farm_destructor(void *arg)
{
	struct farm *farm = arg;

	tmr_cancel(&farm->tmr_close);
	list_flush(&farm->loadl);
	list_flush(&farm->bulkl);
	list_flush(&farm->phonel);
	json_decref(farm->wait);
	mem_deref(farm->ids);
	mem_deref(farm->media);
	mem_deref(farm->events);
	tally_reset(&farm->tally);
}

int farm_alloc(struct farm **farmp, FILE *out)
{
	struct farm *farm = mem_zalloc(sizeof(*farm), farm_destructor);
	int err;

	if (!farm)
		return ENOMEM;

	err = hash_alloc(&farm->ids, IDS_SIZE);
	if (!err)
		err = media_alloc(&farm->media);
	if (!err)
		err = events_alloc(&farm->events, out);

	if (err)
		mem_deref(farm);
	else
		*farmp = farm;

	return err;
}

static bool id_handler(struct le *le, void *arg)
{
	return !str_cmp(((struct phone *)le->data)->id, arg);
}

struct phone *farm_find(const struct farm *farm, const char *id)
{
	return list_ledata(hash_lookup(farm->ids, hash_joaat_str(id),
				       id_handler, (void *)id));
}

static bool farm_busy(const struct farm *farm)
{
	struct le *le;

	LIST_FOREACH(&farm->phonel, le) {
		const struct phone *p = le->data;

		if (p->calll.head || phone_registered(p) ||
		    phone_registering(p))
			return true;
	}

	return false;
}

static void close_handler(void *arg)
{
	struct farm *farm = arg;

	if (farm_busy(farm) && tmr_jiffies() < farm->close_until_ms)
		tmr_start(&farm->tmr_close, CLOSE_POLL_MS, close_handler, farm);
	else if (farm->closedh)
		farm->closedh(farm->arg);
}

void farm_close(struct farm *farm, void (*closedh)(void *arg), void *arg)
{
	struct le *le;

	if (farm->closing)
		return;

	farm->closing = true;
	farm->closedh = closedh;
	farm->arg = arg;
	farm->close_until_ms = tmr_jiffies() + CLOSE_MS;
	list_flush(&farm->loadl);

	LIST_FOREACH(&farm->phonel, le) {
		struct phone *p = le->data;

		phone_hangup(p);
		if (phone_registered(p) || phone_registering(p))
			phone_register(p, 0, NULL, NULL);
	}

	tmr_start(&farm->tmr_close, 1, close_handler, farm);
}

/* ------------------------------------------------------------------ phone */

static void phone_destructor(void *arg)
{
	struct phone *p = arg;

	list_unlink(&p->le);
	hash_unlink(&p->he);
	tmr_cancel(&p->tmr_remove);
	tmr_cancel(&p->tmr_hangup);
	list_flush(&p->calll);
	mem_deref(p->reg);
	mem_deref(p->lsnr_req);
	mem_deref(p->lsnr_resp);
	if (p->sip) {
		sip_close(p->sip, true);
		mem_deref(p->sip);
	}
	for (int i = 0; i < METHOD_COUNT; i++)
		mem_deref(p->route[i]);
	credentials_reset(&p->cred);
	mem_deref(p->domain);
	mem_deref(p->proxy);
	mem_deref(p->id);
}

int phone_alloc(struct phone **pp, struct farm *farm, const char *id)
{
	struct phone *p = mem_zalloc(sizeof(*p), phone_destructor);
	int err;

	if (!p)
		return ENOMEM;

	p->farm = farm;
	p->cred.allowed = DIGEST_ANY;
	err = str_dup(&p->id, id);
	if (err)
		mem_deref(p);
	else
		*pp = p;

	return err;
}

int phone_open(struct phone *p)
{
	struct sa la = p->laddr;
	int err;

	err = sip_alloc(&p->sip, NULL, TRANSACTIONS_SIZE, TRANSACTIONS_SIZE,
			TRANSACTIONS_SIZE, "switchyard-phone", NULL, NULL);
	if (err)
		return err;

	sa_set_port(&la, 0);
	err = sip_transp_add(p->sip, p->tp, &la);
	if (!err)
		err = sip_transp_laddr(p->sip, &p->addr, p->tp, &p->laddr);
	if (!err)
		err = sip_listen(&p->lsnr_req, p->sip, true,
				 call_request_handler, p);
	if (!err)
		err = sip_listen(&p->lsnr_resp, p->sip, false,
				 call_response_handler, p);
	if (err)
		return err;

	list_append(&p->farm->phonel, &p->le, p);
	hash_append(p->farm->ids, hash_joaat_str(p->id), &p->he, p);
	return 0;
}

void phone_event(const struct phone *p, const char *name, json_t *more)
{
	json_t *ev = json_pack("{s:s s:s}", "event", name, "phone", p->id);

	if (more) {
		json_object_update(ev, more);
		json_decref(more);
	}

	events_put(p->farm->events, ev);
}

/* -------------------------------------------------------------------- URI */

int phone_uri(const struct phone *p, char **urip)
{
	return re_sdprintf(urip, "sip:%s@%s", p->cred.user, p->domain);
}

int phone_uri_of(const struct phone *p, const char *to, char **urip)
{
	if (!strncasecmp(to, "sip:", 4))
		return str_dup(urip, to);

	return re_sdprintf(urip, strchr(to, '@') ? "sip:%s" : "sip:%s@%s", to,
			   p->domain);
}

int phone_contact_encode(struct mbuf *mb, const struct phone *p)
{
	return mbuf_printf(mb, "Contact: <sip:%s@%J%s>\r\n", p->cred.user,
			   &p->addr, sip_transp_param(p->tp));
}

int phone_hostport(char **textp, const char *hostport)
{
	const struct addrinfo hints = {.ai_family = AF_INET,
				       .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found = NULL;
	struct pl host, port, pl;
	char name[256];
	struct sa sa;
	int err;

	if (!sa_decode(&sa, hostport, str_len(hostport)))
		return str_dup(textp, hostport);

	pl_set_str(&pl, hostport);
	if (re_regex(pl.p, pl.l, "[^:]+:[0-9]+", &host, &port) ||
	    pl_strcpy(&host, name, sizeof(name)) ||
	    getaddrinfo(name, NULL, &hints, &found))
		return EADDRNOTAVAIL;

	err = sa_set_sa(&sa, found->ai_addr);
	freeaddrinfo(found);
	if (err)
		return err;

	sa_set_port(&sa, pl_u32(&port));
	return re_sdprintf(textp, "%J", &sa);
}

int phone_hop_uri(char **urip, const char *hostport, enum sip_transp tp)
{
	return re_sdprintf(urip, "sip:%s%s", hostport, sip_transp_param(tp));
}

/* libre leaves Nagle's algorithm on: 40 ms between a 180 and its 200. */
void phone_nodelay(const struct sip_msg *msg)
{
	const int on = 1;
	struct tcp_conn *tc;

	if (!msg || msg->tp != SIP_TRANSP_TCP)
		return;

	tc = sip_msg_tcpconn(msg);
	if (tc)
		(void)setsockopt(tcp_conn_fd(tc), IPPROTO_TCP, TCP_NODELAY,
				 &on, sizeof(on));
}

int phone_request(struct phone *p, struct sip_request **reqp, enum method m,
		  const char *uri, const char *hop, struct mbuf *mb,
		  sip_resp_h *resph, void *arg)
{
	struct uri route;
	struct pl pl;
	int err;

	pl_set_str(&pl, p->route[m] ? p->route[m] : hop);
	err = uri_decode(&route, &pl);
	if (err)
		return err;

	mb->pos = 0;
	return sip_request(reqp, p->sip, reqp != NULL, method_names[m], -1, uri,
			   -1, &route, mb, 0, NULL, resph, arg);
}
