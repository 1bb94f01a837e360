/* SPDX-License-Identifier: MIT */
/* A port that many peers come to: see door.h. */

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/webrtc/door.h"
#include "node/webrtc/ice.h"

enum {
	BUCKETS = 1024,
	AT_ONCE = 64,            /* datagrams of one turn of the loop      */
	STUN_HEADER = 20,        /* RFC 8489 5                             */
	STUN_FIRST_MAX = 3,      /* RFC 7983 7                             */
	STUN_USERNAME = 0x0006,
	RCVBUF_BYTES = 512 * 1024,
};

struct door {
	struct sa laddr;
	int fd;
	struct hash *names;      /* struct door_name                       */
	struct hash *guests;     /* struct guest, by address               */
	uint64_t strays;
};

struct door_name {
	struct le le;
	struct door *door;       /* reference                              */
	char ufrag[ICE_UFRAG_MAX + 1];
	struct list guests;      /* struct guest, owned; the oldest first  */
	door_h *h;
	void *arg;
};

/* Where a peer is. */
struct guest {
	struct le le;            /* in name->guests                        */
	struct le hle;           /* in door->guests                        */
	struct door_name *name;
	struct sa addr;
};

static void destructor(void *arg)
{
	struct door *d = arg;

	if (d->fd >= 0) {
		fd_close(d->fd);
		(void)close(d->fd);
	}
	mem_deref(d->names);
	mem_deref(d->guests);
}

static void name_destructor(void *arg)
{
	struct door_name *n = arg;

	list_flush(&n->guests);
	hash_unlink(&n->le);
	mem_deref(n->door);
}

static void guest_destructor(void *arg)
{
	struct guest *g = arg;

	list_unlink(&g->le);
	hash_unlink(&g->hle);
}

bool door_ufrag(struct pl *ufrag, const uint8_t *p, size_t len)
{
	size_t at = STUN_HEADER;

	if (len <= STUN_HEADER || p[0] > STUN_FIRST_MAX)
		return false;

	while (at + 4 <= len) {
		const size_t type = (size_t)p[at] << 8 | p[at + 1];
		const size_t size = (size_t)p[at + 2] << 8 | p[at + 3];
		const uint8_t *end;

		at += 4;
		if (size > len - at)
			return false;
		if (type != STUN_USERNAME) {
			at += (size + 3) & ~(size_t)3;
			continue;
		}
		end = memchr(p + at, ':', size);
		if (!end)
			return false;
		ufrag->p = (const char *)p + at;
		ufrag->l = (size_t)(end - (p + at));
		return true;
	}

	return false;
}

static bool name_handler(struct le *le, void *arg)
{
	const struct door_name *n = le->data;

	return !pl_strcmp(arg, n->ufrag);
}

static bool guest_handler(struct le *le, void *arg)
{
	const struct guest *g = le->data;

	return sa_cmp(&g->addr, arg, SA_ALL);
}

static struct guest *guest_find(const struct door *d, const struct sa *addr)
{
	return list_ledata(hash_lookup(d->guests, sa_hash(addr, SA_ALL),
				       guest_handler, (void *)addr));
}

static struct door_name *name_of(const struct door *d, const struct sa *src,
				 const uint8_t *p, size_t len)
{
	const struct guest *g;
	struct pl ufrag;

	if (door_ufrag(&ufrag, p, len))
		return list_ledata(hash_lookup(d->names,
					       hash_joaat_pl(&ufrag),
					       name_handler, &ufrag));
	g = guest_find(d, src);

	return g ? g->name : NULL;
}

static void take(struct door *d, const struct sa *src, const uint8_t *p,
		 size_t len)
{
	struct door_name *n = name_of(d, src, p, len);

	if (n)
		n->h(src, p, len, n->arg);
	else
		d->strays++;
}

static void read_handler(int flags, void *arg)
{
	struct door *d = arg;
	uint8_t buf[2048];
	(void)flags;

	mem_ref(d);
	for (int i = 0; i < AT_ONCE; i++) {
		struct sa src;
		ssize_t n;

		src.len = sizeof(src.u);
		n = recvfrom(d->fd, buf, sizeof(buf), 0, &src.u.sa, &src.len);
		if (n < 0)
			break;
		take(d, &src, buf, (size_t)n);
	}
	mem_deref(d);
}

/* Another process could have it by SO_REUSEPORT as well, and half of our
 * peers. */
static int check_free(const struct sa *laddr)
{
	const int fd = socket(sa_af(laddr), SOCK_DGRAM | SOCK_CLOEXEC,
			      IPPROTO_UDP);
	int err = 0;

	if (fd < 0)
		return errno;
	if (bind(fd, &laddr->u.sa, laddr->len))
		err = errno;
	(void)close(fd);

	return err;
}

static int open_socket(struct door *d)
{
	const int on = 1, rcv = RCVBUF_BYTES;
	int err = check_free(&d->laddr);

	if (err)
		return err;

	d->fd = socket(sa_af(&d->laddr),
		       SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
	if (d->fd < 0)
		return errno;

	(void)setsockopt(d->fd, SOL_SOCKET, SO_RCVBUF, &rcv, sizeof(rcv));
	if (setsockopt(d->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ||
	    bind(d->fd, &d->laddr.u.sa, d->laddr.len))
		return errno;

	return fd_listen(d->fd, FD_READ, read_handler, d);
}

int door_alloc(struct door **dp, const struct sa *laddr)
{
	struct door *d;
	int err;

	if (!dp || !laddr || !sa_port(laddr))
		return EINVAL;

	d = mem_zalloc(sizeof(*d), destructor);
	if (!d)
		return ENOMEM;

	d->fd = -1;
	d->laddr = *laddr;
	err = hash_alloc(&d->names, BUCKETS);
	if (!err)
		err = hash_alloc(&d->guests, BUCKETS);
	if (!err)
		err = open_socket(d);
	if (err)
		mem_deref(d);
	else
		*dp = d;

	return err;
}

const struct sa *door_laddr(const struct door *d)
{
	return d ? &d->laddr : NULL;
}

int door_name(struct door_name **np, struct door *d, const char *ufrag,
	      door_h *h, void *arg)
{
	struct door_name *n;

	if (!np || !d || !ufrag || !h)
		return EINVAL;

	n = mem_zalloc(sizeof(*n), name_destructor);
	if (!n)
		return ENOMEM;

	n->door = mem_ref(d);
	str_ncpy(n->ufrag, ufrag, sizeof(n->ufrag));
	n->h = h;
	n->arg = arg;
	hash_append(d->names, hash_joaat_str(n->ufrag), &n->le, n);
	*np = n;

	return 0;
}

bool door_name_is(const struct door_name *n, const char *ufrag)
{
	return n && !strcmp(n->ufrag, ufrag);
}

int door_guest(struct door_name *n, const struct sa *peer)
{
	struct guest *g = guest_find(n->door, peer);

	if (g && g->name == n)
		return 0;

	/* Who checks for another name is that one's by now. */
	mem_deref(g);
	if (list_count(&n->guests) >= DOOR_GUESTS)
		mem_deref(list_ledata(n->guests.head));

	g = mem_zalloc(sizeof(*g), guest_destructor);
	if (!g)
		return ENOMEM;

	g->name = n;
	g->addr = *peer;
	list_append(&n->guests, &g->le, g);
	hash_append(n->door->guests, sa_hash(peer, SA_ALL), &g->hle, g);

	return 0;
}

void door_guests_leave(struct door_name *n)
{
	list_flush(&n->guests);
}

int door_send(const struct door *d, const struct sa *dst, const uint8_t *p,
	      size_t len)
{
	return sendto(d->fd, p, len, 0, &dst->u.sa, dst->len) < 0 ? errno : 0;
}

uint64_t door_strays(const struct door *d)
{
	return d ? d->strays : 0;
}
