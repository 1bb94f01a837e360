/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <re.h>

#include "node/media/aside.h"
#include "node/media/engine.h"
#include "node/media/mix.h"
#include "node/media/rtp_leg.h"

enum {
	RING = 16,    /* datagrams that wait: a flight of DTLS, some checks */
	BYTES = 1500, /* no handshake sends more at a time                  */
};

struct datagram {
	struct sockaddr_in6 src; /* or sockaddr_in */
	uint16_t len;
	uint8_t data[BYTES];
};

struct aside {
	struct ring *ring;
	media_aside_h *h; /* signalling */
	void *arg;
	struct datagram in;  /* worker     */
	struct datagram out; /* signalling */
};

static void destructor(void *arg)
{
	struct aside *a = arg;

	mem_deref(a->ring);
}

enum aside_kind aside_kind(uint8_t first)
{
	if (first <= 3)
		return ASIDE_STUN;
	if (first >= 20 && first <= 63)
		return ASIDE_DTLS;

	return first >= 128 && first <= 191 ? ASIDE_MEDIA : ASIDE_NONE;
}

bool aside_take(struct aside *a, struct leg *leg, struct worker *w,
		const struct sockaddr *src, const uint8_t *p, size_t len)
{
	const struct note note = {.type = NOTE_ASIDE, .obj = leg};
	enum aside_kind kind;

	if (!a || !len)
		return false;

	kind = aside_kind(p[0]);
	if (kind == ASIDE_MEDIA)
		return false;
	if (kind == ASIDE_NONE || len > sizeof(a->in.data))
		return true;

	memcpy(&a->in.src, src,
	       src->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					  : sizeof(struct sockaddr_in));
	memcpy(a->in.data, p, len);
	a->in.len = (uint16_t)len;
	if (ring_put(a->ring, &a->in))
		worker_note(w, &note);

	return true;
}

void aside_drain(struct media_leg *handle)
{
	struct aside *a = handle->aside;
	struct sa src;

	if (!a)
		return;

	/* The handler may end the leg, and with it the handle. */
	mem_ref(a);
	while (a->h && ring_get(a->ring, &a->out)) {
		if (!sa_set_sa(&src, (const struct sockaddr *)&a->out.src))
			a->h(&src, a->out.data, a->out.len, a->arg);
	}
	mem_deref(a);
}

static int alloc(struct aside **ap)
{
	struct aside *a = mem_zalloc(sizeof(*a), destructor);
	int err;

	if (!a)
		return ENOMEM;

	err = ring_alloc(&a->ring, sizeof(a->in), RING);
	if (err)
		mem_deref(a);
	else
		*ap = a;

	return err;
}

int media_leg_aside(struct media_leg *leg, media_aside_h *h, void *arg)
{
	struct cmd cmd = {.type = CMD_LEG_ASIDE};
	struct aside *a = NULL;
	int err;

	if (!leg || leg->leg->ops != &rtp_leg_ops)
		return EINVAL;

	if (leg->aside) {
		leg->aside->h = h;
		leg->aside->arg = arg;
		return 0;
	}

	err = alloc(&a);
	if (err)
		return err;

	cmd.obj = leg->leg;
	cmd.ptr = mem_ref(a);
	err = media_cmd(leg->mix->m, leg->mix->w, &cmd);
	if (err) {
		mem_deref(cmd.ptr);
		mem_deref(a);
		return err;
	}

	a->h = h;
	a->arg = arg;
	leg->aside = a;

	return 0;
}

int media_leg_aside_send(struct media_leg *leg, const struct sa *dst,
			 const uint8_t *p, size_t len)
{
	const struct rtp_leg *r;

	if (!leg || !dst || !p || leg->leg->ops != &rtp_leg_ops)
		return EINVAL;

	r = (const struct rtp_leg *)leg->leg;

	return sendto(r->fd, p, len, 0, &dst->u.sa, dst->len) < 0 ? errno : 0;
}
