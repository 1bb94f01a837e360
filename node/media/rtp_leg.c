/* SPDX-License-Identifier: MIT */
/*
 * The RTP leg's life: port and socket, what was negotiated, and the way of
 * both to the worker.
 */

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/media/encgroup.h"
#include "node/media/engine.h"
#include "node/media/mix.h"
#include "node/media/cng.h"
#include "node/media/plc.h"
#include "node/media/port.h"
#include "node/media/rtp.h"
#include "node/media/rtp_leg.h"
#include "node/media/rtp_rtcp.h"

enum {
	TOS_EF = 0xb8,             /* RFC 3246: DSCP 46 */
	PRIORITY_VOICE = 6,
	RCVBUF_BYTES = 128 * 1024, /* as the kernel counts it: some 100
				      packets of voice */
	BIND_TRIES = 64,
};

static void set_destructor(void *arg)
{
	struct rtp_set *set = arg;
	size_t i;

	encgroup_leave(set->group);
	rtp_srtp_close(&set->srtp, &set->prm);
	mem_deref(set->rtcp);
	mem_deref(set->inband);
	codec_close(&set->tx);
	for (i = 0; i < set->prm.rxc; i++)
		codec_close(&set->rxv[i]);

	mem_deref(set->plc);
	mem_deref(set->cng);
}

static void destructor(void *arg)
{
	struct rtp_leg *r = arg;

	leg_dispose(&r->leg);
	if (r->fd >= 0)
		(void)close(r->fd);
	if (r->rtcp_fd >= 0)
		(void)close(r->rtcp_fd);

	if (r->port)
		port_put(r->m->ports, r->port, media_now_ms());

	mem_deref(r->set);
	mem_deref(r->rtcp);
}

/* What was heard so far is where concealment goes on from. */
static void keep_plc(struct rtp_set *set, struct rtp_set *old)
{
	struct plc *plc = set->plc;
	struct cng *cng = set->cng;

	if (plc && old->plc && old->plc_bytes >= set->plc_bytes) {
		set->plc = old->plc;
		set->plc_bytes = old->plc_bytes;
		set->plc_new = old->plc_new;
		old->plc = plc;
	}

	if (cng && old->cng) {
		set->cng = old->cng;
		old->cng = cng;
	}
}

/* Move the states of codecs that go on. */
static void keep_codecs(struct rtp_set *set, struct rtp_set *old)
{
	size_t i, k;

	if (set->tx.ops && old->tx.ops && codec_same(&set->tx, &old->tx)) {
		void *st = set->tx.st;

		set->tx.st = old->tx.st;
		old->tx.st = st;
	}

	for (i = 0; i < set->prm.rxc; i++) {
		for (k = 0; k < old->prm.rxc; k++) {
			void *st = set->rxv[i].st;

			if (!codec_same(&set->rxv[i], &old->rxv[k]))
				continue;

			set->rxv[i].st = old->rxv[k].st;
			old->rxv[k].st = st;
			old->rxv[k].ops = NULL;
			break;
		}
	}
}

/* Media that comes later than this pass is judged by the new signalling. */
static void set_source(struct rtp_leg *r, const struct media_rtp_params *prm)
{
	if (!source_signal(&r->rx.source, &prm->raddr, prm->relearn,
			   media_now_ms() * 1000)) {
		r->tx.latched = false;
		flood_open(&r->rx.flood, r->fd, &r->rx.source);
	}

	if (prm->asymmetric)
		r->tx.latched = false;
}

static void *cmd_set(struct rtp_leg *r, struct rtp_set *set)
{
	struct rtp_set *old = r->set;

	if (old) {
		keep_codecs(set, old);
		rtp_srtp_keep(set, old);
		inband_keep(set->inband, old->inband);
		keep_plc(set, old);
	}

	r->set = set;
	set_source(r, &set->prm);
	if (set->rtcp && !r->rtcp) {
		r->rtcp = set->rtcp;
		set->rtcp = NULL;
	}
	rtp_rx_set(r, old);
	rtp_tx_set(r, old);
	rtp_rtcp_set(r);

	return old;
}

static void *command(struct leg *leg, const struct cmd *cmd)
{
	struct rtp_leg *r = (struct rtp_leg *)leg;

	if (cmd->type == CMD_LEG_SET)
		return cmd_set(r, cmd->ptr);

	if (cmd->type == CMD_LEG_DTMF)
		(void)event_tx_put(&r->tx.event, (char)cmd->a, cmd->b);

	return NULL;
}

static void stop(struct leg *leg, struct worker *w)
{
	struct rtp_leg *r = (struct rtp_leg *)leg;

	(void)w;
	rtp_rtcp_bye(r);
	jitter_flush(&r->rx.jitter);
}

/* On hold, and its peer is silent, too. */
static bool is_idle(const struct leg *leg)
{
	const struct rtp_leg *r = (const struct rtp_leg *)leg;

	return leg->cold && (!r->set || !r->set->prm.send);
}

/* What the buffer lets go of goes to who works on it, maybe a helper. */
static const float *get(struct leg *leg, float *buf, const struct tick *t)
{
	struct rtp_leg *r = (struct rtp_leg *)leg;
	struct pool *pool = r->rx.jitter.pool;
	const float *frame;

	r->rx.jitter.pool = &t->w->pool;
	frame = rtp_rx_get(leg, buf, t);
	r->rx.jitter.pool = pool;

	return frame;
}

static const struct leg_ops ops = {
	.name = "rtp",
	.rx = rtp_rx_read,
	.get = get,
	.put = rtp_tx_put,
	.plan = rtp_tx_plan,
	.share = rtp_tx_share,
	.idle = is_idle,
	.cmd = command,
	.stop = stop,
};

/* What fails here costs quality, not the call. */
static void socket_options(int fd, int af)
{
	const int tos = TOS_EF, prio = PRIORITY_VOICE, rcv = RCVBUF_BYTES;
	const int on = 1;

	if (af == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos,
				 sizeof(tos));
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));

	(void)setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &prio, sizeof(prio));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcv, sizeof(rcv));
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

int rtp_leg_open(int *fdp, const struct sa *laddr)
{
	int fd, err = 0;

	fd = socket(sa_af(laddr), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    IPPROTO_UDP);
	if (fd < 0)
		return errno;

	if (bind(fd, &laddr->u.sa, laddr->len)) {
		err = errno;
		(void)close(fd);
		return err;
	}

	socket_options(fd, sa_af(laddr));
	*fdp = fd;

	return 0;
}

/* A port that a stranger holds rests like a used one. */
static int open_socket(struct rtp_leg *r, struct sa *laddr)
{
	int i, err = EADDRINUSE;

	for (i = 0; i < BIND_TRIES && err == EADDRINUSE; i++) {
		uint64_t now_ms = media_now_ms();
		uint16_t port = port_get(r->m->ports, now_ms, rand_u32());

		if (!port)
			return EADDRINUSE;

		sa_set_port(laddr, port);
		err = rtp_leg_open(&r->fd, laddr);
		if (err)
			port_put(r->m->ports, port, now_ms);
		else
			r->port = port;
	}

	return err;
}

int media_leg_rtp_alloc(struct media_leg **lp, struct mix *mix,
			const struct sa *laddr, media_event_h *h, void *arg)
{
	struct sa addr;
	struct rtp_leg *r;
	int err;

	if (!lp || !mix || !laddr)
		return EINVAL;

	r = mem_alloc(sizeof(*r), destructor);
	if (!r)
		return ENOMEM;

	memset(r, 0, offsetof(struct rtp_leg, rx_fifo));
	r->leg.ops = &ops;
	r->m = mix->m;
	r->fd = -1;
	r->rtcp_fd = -1;
	r->silence_ms = mix->m->conf.rtp_silence_ms;
	r->tx.ssrc = rand_u32();
	r->tx.ts = rand_u32();
	r->tx.seq = rand_u16() & 0x7fff; /* RFC 3711: room before a wrap */
	r->tx.marker = true;
	r->tx.virgin = true;
	r->rx.codec = -1;
	jitter_init(&r->rx.jitter, &mix->w->pool, NULL);

	addr = *laddr;
	err = open_socket(r, &addr);
	if (err) {
		mem_deref(r);
		return err;
	}

	r->leg.watch_fd = r->fd;
	err = leg_attach(lp, mix, &r->leg, h, arg);
	if (!err)
		(*lp)->laddr = addr;

	return err;
}

static void default_jitter(const struct media *m,
			   struct media_rtp_params *prm)
{
	if (prm->jitter_ms || prm->jitter_min_ms || prm->jitter_max_ms)
		return;

	prm->jitter_ms = m->conf.jitter_ms;
	prm->jitter_min_ms = m->conf.jitter_min_ms;
	prm->jitter_max_ms = m->conf.jitter_max_ms;
}

static void default_opus(const struct media *m, struct media_codec *c)
{
	if (c->id != MEDIA_OPUS)
		return;

	if (c->complexity < 0 || c->complexity > 10)
		c->complexity = m->conf.opus_complexity;
	if (!c->bitrate_bps)
		c->bitrate_bps = m->conf.opus_bitrate_bps;
}

static int set_tx(struct rtp_set *set, struct mix *mix)
{
	const struct media *m = mix->m;
	struct media_codec prm = set->prm.tx;
	int err;

	/* Nothing to send and nothing named: all right. */
	if (!set->prm.send && !prm.clock_hz)
		return 0;

	default_opus(m, &prm);
	err = codec_init(&set->tx, &prm);
	if (!err)
		err = codec_enc_alloc(&set->tx);
	if (!err)
		err = encgroup_join(&set->group, &mix->groupl, &set->tx);
	if (err)
		codec_close(&set->tx);
	if (err)
		set->tx.ops = NULL;

	return err;
}

/* Concealment for codecs that have none, and the peer's comfort noise. */
static int set_plc(struct rtp_set *set)
{
	size_t i;

	for (i = 0; i < set->prm.rxc; i++) {
		const struct codec *c = &set->rxv[i];

		if (!c->ops->conceal)
			set->plc_bytes = MAX(set->plc_bytes,
					     plc_size(c->rate_hz));
	}

	if (set->plc_bytes) {
		set->plc_new = true;
		set->plc = mem_alloc(set->plc_bytes, NULL);
		if (!set->plc)
			return ENOMEM;
	}

	if (set->prm.cn_rx && set->ptv[RTP_PT_CN] == PT_UNKNOWN) {
		set->ptv[RTP_PT_CN] = PT_CN;
		set->cng = mem_alloc(sizeof(*set->cng), NULL);
		if (!set->cng)
			return ENOMEM;
		cng_init(set->cng, rand_u32());
	}

	return 0;
}

static int set_rx(struct rtp_set *set)
{
	size_t i;
	int err;

	memset(set->ptv, PT_UNKNOWN, sizeof(set->ptv));
	if (set->prm.event_pt_rx >= 0)
		set->ptv[set->prm.event_pt_rx] = PT_EVENT;
	if (set->prm.event2_pt_rx > 0)
		set->ptv[set->prm.event2_pt_rx] = PT_EVENT2;

	for (i = 0; i < set->prm.rxc; i++) {

		err = codec_init(&set->rxv[i], &set->prm.rxv[i]);
		if (!err)
			err = codec_dec_alloc(&set->rxv[i]);
		if (err)
			return err;

		set->ptv[set->prm.rxv[i].pt] = (int8_t)i;
	}

	return set_plc(set);
}

/* A port that a stranger holds costs RTCP, not the call. */
static void rtcp_open(struct rtp_leg *r, const struct sa *laddr)
{
	struct sa addr = *laddr;

	if (r->rtcp_fd >= 0)
		return;

	sa_set_port(&addr, (uint16_t)(sa_port(laddr) + 1));
	(void)rtp_leg_open(&r->rtcp_fd, &addr);
}

static int set_rtcp(struct rtp_set *set, struct rtp_leg *r,
		    const struct media_leg *leg)
{
	set->rtcp_fd = -1;
	if (set->prm.rtcp == MEDIA_RTCP_OFF)
		return 0;

	if (set->prm.rtcp == MEDIA_RTCP_PORT)
		rtcp_open(r, &leg->laddr);
	set->rtcp_fd = r->rtcp_fd;

	if (r->rtcp_made)
		return 0;

	set->rtcp = rtp_rtcp_alloc(leg->mix->m->cname);

	return set->rtcp ? 0 : ENOMEM;
}

static bool params_valid(const struct media_rtp_params *prm)
{
	bool events = prm->event_pt_tx >= 0 || prm->event_pt_rx >= 0;

	if (prm->rxc > MEDIA_CODECS_MAX || prm->event_pt_tx > 127 ||
	    prm->event_pt_rx > 127)
		return false;

	if (prm->event2_pt_rx > 127 ||
	    (prm->event2_pt_rx > 0 && (prm->event2_clock_hz < 8000 ||
				       prm->event2_clock_hz > 48000)))
		return false;

	return !events || (prm->event_clock_hz >= 8000 &&
			   prm->event_clock_hz <= 48000);
}

int media_leg_rtp_set(struct media_leg *leg,
		      const struct media_rtp_params *prm)
{
	struct cmd cmd = {.type = CMD_LEG_SET};
	struct rtp_leg *r;
	struct rtp_set *set;
	bool says;
	int err;

	if (!leg || !prm || leg->leg->ops != &ops || !params_valid(prm))
		return EINVAL;

	if (sa_isset(&prm->raddr, SA_ADDR) &&
	    sa_af(&prm->raddr) != sa_af(&leg->laddr))
		return EINVAL;

	r = (struct rtp_leg *)leg->leg;
	set = mem_zalloc(sizeof(*set), set_destructor);
	if (!set)
		return ENOMEM;

	set->prm = *prm;
	default_jitter(leg->mix->m, &set->prm);

	err = set_tx(set, leg->mix);
	if (err)
		goto out;

	err = set_rx(set);
	if (!err)
		err = set_rtcp(set, r, leg);
	if (err)
		goto out;

	err = rtp_srtp_init(&set->srtp, prm);
	if (err)
		goto out;

	err = inband_alloc(&set->inband, prm);
	if (err)
		goto out;

	says = set->inband && set->inband->says;

	cmd.obj = leg->leg;
	cmd.ptr = set;
	err = media_cmd(leg->mix->m, leg->mix->w, &cmd);
	if (err)
		goto out;

	r->rtcp_made |= prm->rtcp != MEDIA_RTCP_OFF;
	leg->dtmf = says || (prm->event_pt_tx >= 0 &&
			     prm->dtmf != MEDIA_DTMF_ELSEWHERE);

out:
	if (err)
		mem_deref(set);

	return err;
}

const struct sa *media_leg_foreign(const struct media_leg *leg)
{
	if (!leg || leg->leg->ops != &ops)
		return NULL;

	return &((const struct rtp_leg *)leg->leg)->foreign;
}

int media_leg_dtmf(struct media_leg *leg, char digit, uint32_t duration_ms)
{
	struct cmd cmd = {.type = CMD_LEG_DTMF};

	if (!leg || event_code(digit) < 0)
		return EINVAL;

	if (leg->leg->ops != &ops || !leg->dtmf)
		return ENOTSUP;

	cmd.obj = leg->leg;
	cmd.a = (uint8_t)digit;
	cmd.b = duration_ms;

	return media_cmd(leg->mix->m, leg->mix->w, &cmd);
}
