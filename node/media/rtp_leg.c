/* SPDX-License-Identifier: MIT */
/* The RTP leg's life: port, socket, what it is asked, and its end. */

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/media/engine.h"
#include "node/media/mix.h"
#include "node/media/port.h"
#include "node/media/rtp_leg.h"
#include "node/media/rtp_rtcp.h"

enum {
	TOS_EF = 0xb8,             /* RFC 3246: DSCP 46 */
	PRIORITY_VOICE = 6,
	RCVBUF_BYTES = 128 * 1024, /* as the kernel counts it: some 100
				      packets of voice */
	BIND_TRIES = 64,
};

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
	mem_deref(r->aside);
}

static void *command(struct leg *leg, const struct cmd *cmd)
{
	struct rtp_leg *r = (struct rtp_leg *)leg;

	if (cmd->type == CMD_LEG_SET)
		return rtp_set_take(r, cmd->ptr);

	if (cmd->type == CMD_LEG_DTMF)
		(void)event_tx_put(&r->tx.event, (char)cmd->a, cmd->b);

	if (cmd->type == CMD_LEG_FREEZE)
		jitter_freeze(&r->rx.jitter, cmd->a);

	if (cmd->type == CMD_LEG_SEND)
		r->tx.off = !cmd->a;

	if (cmd->type == CMD_LEG_ASIDE) {
		r->aside = cmd->ptr;
		r->rx.flood.aside = true;
	}

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

	return leg->cold && (!r->set || !r->set->prm.send || r->tx.off);
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

const struct leg_ops rtp_leg_ops = {
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

static int socket_open(int *fdp, int af)
{
	*fdp = socket(af, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		      IPPROTO_UDP);

	return *fdp < 0 ? errno : 0;
}

int rtp_leg_open(int *fdp, const struct sa *laddr)
{
	int fd, err = socket_open(&fd, sa_af(laddr));

	if (err)
		return err;

	if (bind(fd, &laddr->u.sa, laddr->len)) {
		err = errno;
		(void)close(fd);
		return err;
	}

	socket_options(fd, sa_af(laddr));
	*fdp = fd;

	return 0;
}

/* It gets its port when its peer is known; until then it has nothing to do. */
static int open_shared(struct rtp_leg *r, const struct sa *laddr)
{
	const int on = 1;
	int err = socket_open(&r->fd, sa_af(laddr));

	if (err)
		return err;

	socket_options(r->fd, sa_af(laddr));
	if (setsockopt(r->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)))
		return errno;

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

int rtp_leg_alloc(struct media_leg **lp, struct mix *mix,
		  const struct sa *laddr, enum rtp_leg_kind kind,
		  media_event_h *h, void *arg)
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
	r->leg.ops = &rtp_leg_ops;
	r->leg.link = kind == RTP_LEG_LINK;
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
	err = kind == RTP_LEG_SHARED ? open_shared(r, &addr)
				     : open_socket(r, &addr);
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

int media_leg_rtp_alloc(struct media_leg **lp, struct mix *mix,
			const struct sa *laddr, media_event_h *h, void *arg)
{
	return rtp_leg_alloc(lp, mix, laddr, RTP_LEG_OWN, h, arg);
}

int media_leg_shared_alloc(struct media_leg **lp, struct mix *mix,
			   const struct sa *laddr, media_event_h *h, void *arg)
{
	if (!laddr || !sa_port(laddr))
		return EINVAL;

	return rtp_leg_alloc(lp, mix, laddr, RTP_LEG_SHARED, h, arg);
}

/* Between the two calls the kernel may give us what is for others: it is no
 * use here, and who sent it asks again. */
int media_leg_join(struct media_leg *leg, const struct sa *peer)
{
	struct rtp_leg *r;

	if (!leg || !peer || leg->leg->ops != &rtp_leg_ops)
		return EINVAL;

	r = (struct rtp_leg *)leg->leg;
	if (r->port)
		return EINVAL;
	if (!r->joined && bind(r->fd, &leg->laddr.u.sa, leg->laddr.len))
		return errno;

	r->joined = true;

	return connect(r->fd, &peer->u.sa, peer->len) ? errno : 0;
}

const struct sa *media_leg_foreign(const struct media_leg *leg)
{
	if (!leg || leg->leg->ops != &rtp_leg_ops)
		return NULL;

	return &((const struct rtp_leg *)leg->leg)->foreign;
}

int media_leg_dtmf(struct media_leg *leg, char digit, uint32_t duration_ms)
{
	struct cmd cmd = {.type = CMD_LEG_DTMF};

	if (!leg || event_code(digit) < 0)
		return EINVAL;

	if (leg->leg->ops != &rtp_leg_ops || !leg->dtmf)
		return ENOTSUP;

	cmd.obj = leg->leg;
	cmd.a = (uint8_t)digit;
	cmd.b = duration_ms;

	return media_cmd(leg->mix->m, leg->mix->w, &cmd);
}

static int switch_cmd(struct media_leg *leg, enum cmd_type type, bool on)
{
	struct cmd cmd = {.type = type, .a = on};

	if (!leg || leg->leg->ops != &rtp_leg_ops)
		return EINVAL;

	cmd.obj = leg->leg;

	return media_cmd(leg->mix->m, leg->mix->w, &cmd);
}

int media_leg_freeze(struct media_leg *leg, bool on)
{
	return switch_cmd(leg, CMD_LEG_FREEZE, on);
}

int media_leg_send(struct media_leg *leg, bool on)
{
	return switch_cmd(leg, CMD_LEG_SEND, on);
}
