/* SPDX-License-Identifier: MIT */

#include <re.h>

#include "node/sip/path.h"

enum {
	PATHS_MAX = 8,     /* routers that brought the same request */
	FRESH_MS = 1000,   /* who sent a message just now lives     */
};

/* One way back: a top Via, and where it leads. */
struct path {
	struct le le;
	char *via;            /* the value of the header */
	char *sentby;
	struct sa dst;
	uint64_t known_ms;    /* when dst was right */
	enum sip_transp tp;
	void *sock;
};

static void destructor(void *arg)
{
	struct path *p = arg;

	list_unlink(&p->le);
	mem_deref(p->via);
	mem_deref(p->sentby);
	mem_deref(p->sock);
}

/* The top Via as it goes back: RFC 3261 18.2.1, RFC 3581 4. */
static int via_print(char **viap, struct sa *dst, const struct sip_msg *msg)
{
	const struct sip_via *via = &msg->via;
	struct pl rp;
	bool rport = !msg_param_exists(&via->params, "rport", &rp);
	struct mbuf *mb = mbuf_alloc(256);
	int err = 0;

	if (!mb)
		return ENOMEM;

	if (rport) {
		err |= mbuf_write_pl_skip(mb, &via->val, &rp);
		err |= mbuf_printf(mb, ";rport=%u", sa_port(&msg->src));
	}
	else {
		err |= mbuf_write_pl(mb, &via->val);
	}

	if (rport || !sa_cmp(&msg->src, &via->addr, SA_ADDR))
		err |= mbuf_printf(mb, ";received=%j", &msg->src);

	mb->pos = 0;
	if (!err)
		err = mbuf_strdup(mb, viap, mb->end);
	mem_deref(mb);

	/* The Via is a router's, with its address in the cluster; another
	 * node may have handed the message on. */
	sip_reply_addr(dst, msg, rport);
	if (msg->tp == SIP_TRANSP_UDP && !rport &&
	    sa_isset(&via->addr, SA_ALL))
		*dst = via->addr;

	return err;
}

struct path *path_find(const struct list *pathl, const struct sip_msg *msg)
{
	struct le *le;

	for (le = pathl->head; le; le = le->next) {
		struct path *p = le->data;

		if (p->tp == msg->tp && !pl_strcmp(&msg->via.sentby, p->sentby))
			return p;
	}

	return NULL;
}

int path_add(struct path **pp, struct list *pathl, const struct sip_msg *msg)
{
	struct path *p;
	int err;

	if (list_count(pathl) >= PATHS_MAX)
		return EOVERFLOW;

	p = mem_zalloc(sizeof(*p), destructor);
	if (!p)
		return ENOMEM;

	p->tp = msg->tp;
	p->known_ms = msg->sock ? tmr_jiffies() : 0; /* or it was stored */
	p->sock = mem_ref(msg->sock);
	err = pl_strdup(&p->sentby, &msg->via.sentby);
	err |= via_print(&p->via, &p->dst, msg);

	if (err) {
		mem_deref(p);
		return err;
	}

	list_append(pathl, &p->le, p);
	if (pp)
		*pp = p;

	return 0;
}

void path_find_way(struct path *p, path_way_h *h, void *arg)
{
	const uint64_t now_ms = tmr_jiffies();

	if (p->tp != SIP_TRANSP_UDP || now_ms - p->known_ms < FRESH_MS)
		return;

	p->known_ms = now_ms;
	h(&p->dst, p->sentby, arg);
}

int path_send(const struct path *p, struct sip *sip, const struct mbuf *start,
	      const struct mbuf *via, const struct mbuf *rest)
{
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(start->end + via->end + rest->end + 512);
	if (!mb)
		return ENOMEM;

	err = mbuf_write_mem(mb, start->buf, start->end);
	err |= mbuf_printf(mb, "Via: %s\r\n", p->via);
	err |= mbuf_write_mem(mb, via->buf, via->end);
	err |= mbuf_write_mem(mb, rest->buf, rest->end);
	mb->pos = 0;

	if (!err)
		err = sip_send(sip, p->sock, p->tp, &p->dst, mb);

	mem_deref(mb);

	return err;
}

bool path_is_reliable(const struct path *p)
{
	return p->tp != SIP_TRANSP_UDP;
}
