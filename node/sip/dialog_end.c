/* SPDX-License-Identifier: MIT */
/* ACK to a 2xx, BYE, and the 2xx that come again or from another branch. */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

/* ------------------------------------------------------------ ACK, BYE */

static void ack_handler(void *arg)
{
	struct dialog *d = arg;

	d->ack = mem_deref(d->ack);
}

static void ack_send(struct dialog *d)
{
	d->ack->pos = 0;
	(void)request_send(NULL, d, "ACK", d->ack, NULL);
}

/* An ACK is repeated as often as its 2xx, and kept as long as that may be. */
int dialog_send_ack(struct dialog *d, struct mbuf *sdp)
{
	const struct request r = {
		.met = "ACK", .cseq = d->inv_cseq, .body = sdp};
	struct mbuf *mb;
	int err;

	err = request_print(&mb, d, &r);
	if (err)
		return err;

	mem_deref(d->ack);
	d->ack = mb;
	d->need_answer = false;
	ack_send(d);
	wheel_start(d->ua->wheel, &d->ack_tmr,
		    stranss_span_ms(d->ua->stranss), ack_handler, d);

	return 0;
}

static void bye_resp(int err, const struct sip_msg *msg, struct dialog *d)
{
	(void)err;
	(void)msg;
	(void)d;
}

int dialog_bye(struct dialog *d)
{
	struct request r = {.met = "BYE"};
	char why[REASON_SIZE + 16];
	struct mbuf *mb;
	int err;

	if (!d->ua || d->abandoned)
		return ECONNABORTED;

	if (d->need_answer)
		(void)dialog_send_ack(d, NULL);

	r.cseq = ++d->lcseq;
	if (d->why && re_snprintf(why, sizeof(why), "Reason: %s\r\n", d->why) > 0)
		r.extra = why;
	err = request_print(&mb, d, &r);
	if (err)
		return err;

	err = request_send(NULL, d, r.met, mb, bye_resp);
	mem_deref(mb);

	return err;
}

/* -------------------------------------------------------- further 2xx */

/* Each costs a dialog and a BYE that is repeated, to wherever it says. */
enum { FORKS_MAX = 8 };

/* Another branch of a fork answered too: take it and end it. */
static void fork_end(struct dialog *d, const struct sip_msg *msg)
{
	struct dialog *f;
	struct pl call_id;
	int err;

	if (dialog_alloc(&f, d->ua, &d->tok))
		return;

	f->orphan = true;
	f->inv_cseq = f->lcseq = msg->cseq.num;
	f->tp = d->tp;
	f->next_hop = d->next_hop;
	memcpy(f->router, d->router, sizeof(f->router));
	pl_set_str(&call_id, d->call_id);

	err = str_dup(&f->lhdr, d->lhdr);
	err |= str_dup(&f->rhdr, d->rhdr);
	err |= str_dup(&f->target, d->target);
	err |= str_dup(&f->contact, d->contact);
	err |= dialog_confirm(f, msg);
	err |= dialog_set_call_id(f, &call_id);

	if (!err) {
		(void)dialog_send_ack(f, NULL);
		err = dialog_bye(f);
	}
	if (err)
		mem_deref(f);
}

static struct dialog *find_forked(const struct sipua *ua,
				  const struct sip_msg *msg)
{
	struct le *le;

	le = list_head(hash_list(ua->ht, hash_joaat_pl(&msg->callid)));

	for (; le; le = le->next) {
		struct dialog *d = le->data;

		if (!d->inbound && d->rtag && !d->abandoned &&
		    d->inv_cseq == msg->cseq.num && !d->re_invite &&
		    pl_is(&msg->callid, d->call_id) &&
		    pl_is(&msg->from.tag, d->ltag))
			return d;
	}

	return NULL;
}

/* The 2xx to an INVITE that another node sent, and maybe ACKed. */
static void ack_for_other(struct dialog *d, uint32_t cseq)
{
	const struct request r = {.met = "ACK", .cseq = cseq};
	struct mbuf *mb;

	if (request_print(&mb, d, &r))
		return;

	(void)request_send(NULL, d, r.met, mb, NULL);
	mem_deref(mb);
}

void dialog_recv_2xx(struct sipua *ua, const struct sip_msg *msg)
{
	struct dialog *d;

	d = dialog_find(ua, &msg->callid, &msg->from.tag, &msg->to.tag);
	if (d) {
		if (d->abandoned)
			return;
		if (d->ack && d->inv_cseq == msg->cseq.num)
			ack_send(d);
		else if (d->resumed && msg->cseq.num < d->lcseq)
			ack_for_other(d, msg->cseq.num);
		return;
	}

	d = find_forked(ua, msg);
	if (d && d->forks < FORKS_MAX) {
		++d->forks;
		fork_end(d, msg);
	}
}
