/* SPDX-License-Identifier: MIT */
/* Client transactions: see ctrans.h. */

#include <string.h>
#include <re.h>

#include "node/sip/ctrans.h"

enum {
	T1_MS = 500,
	T2_MS = 4000,
	SPAN_MS = 64 * T1_MS,
	ORPHAN_MS = 10 * T1_MS,
	HASH_SIZE = 1024,
	BRANCH_SIZE = 24,
	MET_SIZE = 16,
	SENTBY_SIZE = 64,
};

enum state { CALLING, PROCEEDING, COMPLETED };

struct ctranss {
	struct sip *sip;      /* borrowed */
	struct wheel *wheel;  /* borrowed */
	char sentby[SENTBY_SIZE];
	struct hash *ht;      /* by branch; owns the transactions */
	struct list all;      /* the same, by `le`                */
	bool closed;
};

struct ctrans {
	struct le he;
	struct le le;
	struct ctranss *t;
	struct mbuf *mb;      /* the request                      */
	struct mbuf *ack;     /* to a failure of INVITE           */
	struct sa dst;
	struct wheel_tmr repeat;
	struct wheel_tmr end;
	ctrans_resp_h *resph;
	void *arg;
	uint32_t repeat_ms;
	enum state state;
	bool invite;
	bool canceled;
	char branch[BRANCH_SIZE];
	char met[MET_SIZE];
	char *sentby;         /* of another node; NULL: ours      */
	char *why;            /* Reason of its CANCEL, or NULL    */
};

static void ctrans_destructor(void *arg)
{
	struct ctrans *ct = arg;

	hash_unlink(&ct->he);
	list_unlink(&ct->le);
	wheel_cancel(&ct->repeat);
	wheel_cancel(&ct->end);
	mem_deref(ct->mb);
	mem_deref(ct->ack);
	mem_deref(ct->sentby);
	mem_deref(ct->why);
}

static void destructor(void *arg)
{
	struct ctranss *t = arg;

	ctranss_close(t);
	mem_deref(t->ht);
}

int ctranss_alloc(struct ctranss **tp, struct sip *sip, struct wheel *wheel,
		  const struct sa *laddr)
{
	struct ctranss *t;
	int err;

	if (!tp || !sip || !wheel || !laddr)
		return EINVAL;

	t = mem_zalloc(sizeof(*t), destructor);
	if (!t)
		return ENOMEM;

	t->sip = sip;
	t->wheel = wheel;
	(void)re_snprintf(t->sentby, sizeof(t->sentby), "%J", laddr);

	err = hash_alloc(&t->ht, HASH_SIZE);
	if (err)
		mem_deref(t);
	else
		*tp = t;

	return err;
}

/* The last word; the transaction is gone before its user hears it. */
static void finish(struct ctrans *ct, int err, const struct sip_msg *msg)
{
	ctrans_resp_h *resph = ct->resph;
	void *arg = ct->arg;

	mem_deref(ct);
	if (resph)
		resph(err, msg, arg);
}

void ctranss_close(struct ctranss *t)
{
	if (!t)
		return;

	t->closed = true;
	while (t->all.head)
		finish(t->all.head->data, ECONNABORTED, NULL);
}

/* -------------------------------------------------------------- sending */

static int send_mb(const struct ctrans *ct, struct mbuf *mb)
{
	mb->pos = 0;

	return sip_send(ct->t->sip, NULL, SIP_TRANSP_UDP, &ct->dst, mb);
}

static void repeat_handler(void *arg)
{
	struct ctrans *ct = arg;

	/* INVITE doubles for ever, others up to T2 (17.1.1.2, 17.1.2.2) */
	ct->repeat_ms *= 2;
	if (!ct->invite && (ct->repeat_ms > T2_MS || ct->state == PROCEEDING))
		ct->repeat_ms = T2_MS;

	wheel_start(ct->t->wheel, &ct->repeat, ct->repeat_ms, repeat_handler,
		    ct);
	(void)send_mb(ct, ct->mb);
}

static void end_handler(void *arg)
{
	finish(arg, ETIMEDOUT, NULL);
}

/* What is asked in the name of a node that is gone is answered to that node;
 * routers find us by the hub's record, but only as long as there is one. */
static uint32_t cancel_span_ms(const struct ctrans *ct)
{
	return ct->sentby ? ORPHAN_MS : SPAN_MS;
}

static void repeat_start(struct ctrans *ct)
{
	ct->repeat_ms = T1_MS;
	wheel_start(ct->t->wheel, &ct->repeat, ct->repeat_ms, repeat_handler,
		    ct);
	wheel_start(ct->t->wheel, &ct->end, SPAN_MS, end_handler, ct);
}

static struct ctrans *ctrans_alloc(struct ctranss *t, const char *met,
				   const char *branch, const struct sa *dst)
{
	struct ctrans *ct = mem_zalloc(sizeof(*ct), ctrans_destructor);

	if (!ct)
		return NULL;

	ct->t = t;
	ct->dst = *dst;
	ct->invite = !strcmp(met, "INVITE");
	str_ncpy(ct->met, met, sizeof(ct->met));
	str_ncpy(ct->branch, branch, sizeof(ct->branch));
	hash_append(t->ht, hash_joaat_str(ct->branch), &ct->he, ct);
	list_append(&t->all, &ct->le, ct);

	return ct;
}

static int print(struct mbuf **mbp, const struct ctrans_req *req,
		 const char *sentby, const char *branch)
{
	struct mbuf *mb = mbuf_alloc(req->mb->end + strlen(req->uri) + 160);
	int err;

	if (!mb)
		return ENOMEM;

	err = mbuf_printf(mb,
			  "%s %s SIP/2.0\r\n"
			  "Via: SIP/2.0/UDP %s;branch=%s;rport\r\n",
			  req->met, req->uri, sentby, branch);
	err |= mbuf_write_mem(mb, req->mb->buf, req->mb->end);
	mb->pos = 0;

	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}

static void branch_make(char branch[BRANCH_SIZE])
{
	(void)re_snprintf(branch, BRANCH_SIZE, "z9hG4bK%016llx", rand_u64());
}

int ctrans_request(struct ctrans **ctp, struct ctranss *t,
		   const struct ctrans_req *req, ctrans_resp_h *resph,
		   void *arg)
{
	char branch[BRANCH_SIZE];
	struct ctrans *ct;
	int err;

	if (!t || !req)
		return EINVAL;
	if (t->closed)
		return ECONNABORTED;

	branch_make(branch);
	ct = ctrans_alloc(t, req->met, branch, req->dst);
	if (!ct)
		return ENOMEM;

	err = print(&ct->mb, req, t->sentby, branch);
	if (!err)
		err = send_mb(ct, ct->mb);
	if (err) {
		mem_deref(ct);
		return err;
	}

	ct->resph = resph;
	ct->arg = arg;
	repeat_start(ct);
	if (ctp)
		*ctp = ct;

	return 0;
}

/* After a provisional answer an INVITE waits as long as its user does. */
static void resume(struct ctrans *ct, bool heard)
{
	if (heard) {
		ct->state = PROCEEDING;
		return;
	}

	repeat_start(ct);
	(void)send_mb(ct, ct->mb);
}

int ctrans_resume(struct ctrans **ctp, struct ctranss *t,
		  const struct ctrans_req *req,
		  const struct ctrans_origin *orig, ctrans_resp_h *resph,
		  void *arg)
{
	struct ctrans *ct;
	int err;

	if (!ctp || !t || !req || !orig ||
	    strlen(orig->branch) >= BRANCH_SIZE)
		return EINVAL;
	if (t->closed)
		return ECONNABORTED;

	ct = ctrans_alloc(t, req->met, orig->branch, req->dst);
	if (!ct)
		return ENOMEM;

	err = str_dup(&ct->sentby, orig->sentby);
	if (!err)
		err = print(&ct->mb, req, ct->sentby, ct->branch);
	if (err) {
		mem_deref(ct);
		return err;
	}

	ct->resph = resph;
	ct->arg = arg;
	resume(ct, orig->heard);
	*ctp = ct;

	return 0;
}

void ctrans_drop(struct ctrans *ct)
{
	mem_deref(ct);
}

const char *ctrans_branch(const struct ctrans *ct)
{
	return ct->branch;
}

const char *ctrans_sentby(const struct ctrans *ct)
{
	return ct->sentby ? ct->sentby : ct->t->sentby;
}

bool ctrans_is_canceled(const struct ctrans *ct)
{
	return ct->canceled;
}

int ctrans_send(struct ctranss *t, const struct ctrans_req *req)
{
	char branch[BRANCH_SIZE];
	struct mbuf *mb;
	int err;

	if (!t || !req)
		return EINVAL;

	branch_make(branch);
	err = print(&mb, req, t->sentby, branch);
	if (err)
		return err;

	err = sip_send(t->sip, NULL, SIP_TRANSP_UDP, req->dst, mb);
	mem_deref(mb);

	return err;
}

void ctrans_aim(struct ctrans *ct, const struct sa *dst)
{
	ct->dst = *dst;
}

void ctrans_lead(struct ctrans *ct, const struct sa *dst)
{
	if (!ct)
		return;

	ct->dst = *dst;
	(void)send_mb(ct, ct->mb);
}

/* --------------------------------------------------------- ACK and CANCEL */

static bool route_handler(const struct sip_hdr *hdr,
			  const struct sip_msg *msg, void *arg)
{
	(void)msg;

	return mbuf_printf(arg, "Route: %r\r\n", &hdr->val) != 0;
}

/* ACK and CANCEL are made of their INVITE's own headers (9.1, 17.1.1.3);
 * both are rare, so those are found by reading it again. */
static int derive(struct mbuf **mbp, const struct ctrans *ct, const char *met,
		  const struct pl *to)
{
	struct sip_msg *inv;
	struct mbuf *mb = NULL;
	int err;

	ct->mb->pos = 0;
	err = sip_msg_decode(&inv, ct->mb);
	if (err)
		return err;

	mb = mbuf_alloc(1024);
	if (!mb) {
		err = ENOMEM;
		goto out;
	}

	err = mbuf_printf(mb, "%s %r SIP/2.0\r\nVia: %r\r\n", met, &inv->ruri,
			  &inv->via.val);
	err |= mbuf_write_str(mb, "Max-Forwards: 70\r\n");
	err |= sip_msg_hdr_apply(inv, true, SIP_HDR_ROUTE, route_handler,
				 mb) ? ENOMEM : 0;
	err |= mbuf_printf(mb, "To: %r\r\nFrom: %r\r\nCall-ID: %r\r\n",
			   to ? to : &inv->to.val, &inv->from.val,
			   &inv->callid);
	err |= mbuf_printf(mb, "CSeq: %u %s\r\n", inv->cseq.num, met);
	if (ct->why && !to)
		err |= mbuf_printf(mb, "Reason: %s\r\n", ct->why);
	err |= mbuf_write_str(mb, "User-Agent: switchyard/" SY_VERSION "\r\n"
				  "Content-Length: 0\r\n\r\n");

out:
	mem_deref(inv);
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}

static void cancel_send(struct ctrans *inv)
{
	struct ctrans *ct;

	/* The peer owes a 487 now, but not for ever. */
	wheel_start(inv->t->wheel, &inv->end, cancel_span_ms(inv), end_handler,
		    inv);

	ct = ctrans_alloc(inv->t, "CANCEL", inv->branch, &inv->dst);
	if (!ct)
		return;

	if (derive(&ct->mb, inv, "CANCEL", NULL)) {
		mem_deref(ct);
		return;
	}

	repeat_start(ct);
	wheel_start(inv->t->wheel, &ct->end, cancel_span_ms(inv), end_handler,
		    ct);
	(void)send_mb(ct, ct->mb);
}

void ctrans_cancel(struct ctrans *ct, const char *why)
{
	if (!ct || !ct->invite || ct->canceled)
		return;

	ct->canceled = true;
	if (why)
		(void)str_dup(&ct->why, why);
	if (ct->state == PROCEEDING)
		cancel_send(ct);
}

/* ------------------------------------------------------------ responses */

static void provisional(struct ctrans *ct, const struct sip_msg *msg)
{
	const bool first = ct->state == CALLING;

	ct->state = PROCEEDING;
	if (ct->invite && first) {
		wheel_cancel(&ct->repeat);
		wheel_cancel(&ct->end);
		if (ct->canceled)
			cancel_send(ct);
	}

	if (ct->resph)
		ct->resph(0, msg, ct->arg);
}

/* ACK, and again for each copy that comes. */
static void failed(struct ctrans *ct, const struct sip_msg *msg)
{
	ctrans_resp_h *resph = ct->resph;
	void *arg = ct->arg;

	ct->state = COMPLETED;
	ct->resph = NULL;
	wheel_cancel(&ct->repeat);
	wheel_start(ct->t->wheel, &ct->end, SPAN_MS, end_handler, ct);

	if (!derive(&ct->ack, ct, "ACK", &msg->to.val))
		(void)send_mb(ct, ct->ack);
	ct->mb = mem_deref(ct->mb);

	if (resph)
		resph(0, msg, arg);
}

static void received(struct ctrans *ct, const struct sip_msg *msg)
{
	if (ct->state == COMPLETED) {
		if (msg->scode >= 300 && ct->ack)
			(void)send_mb(ct, ct->ack);
	}
	else if (msg->scode < 200) {
		provisional(ct, msg);
	}
	else if (ct->invite && msg->scode >= 300) {
		failed(ct, msg);
	}
	else {
		finish(ct, 0, msg);
	}
}

bool ctrans_recv(struct ctranss *t, const struct sip_msg *msg)
{
	struct le *le;

	le = list_head(hash_list(t->ht, hash_joaat_pl(&msg->via.branch)));

	for (; le; le = le->next) {
		struct ctrans *ct = le->data;

		if (pl_strcmp(&msg->via.branch, ct->branch) ||
		    pl_strcmp(&msg->cseq.met, ct->met))
			continue;

		received(ct, msg);
		return true;
	}

	return false;
}
