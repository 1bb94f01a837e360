/* SPDX-License-Identifier: MIT */
/*
 * The engine under load; see media_bench.h.  CPU time is that of its workers
 * alone.  Every packet is accounted for: what the peers sent must have come
 * in, what the workers sent must have come back; what is missing is told.
 */

#include <stdlib.h>
#include <string.h>

#include "tests/bench/media_bench.h"

enum {
	WARM_MS = 900,
	HOLD_MS = 3000, /* until held legs have come to rest */
	EVENT_PT = 101, /* as phones have it: else digits are looked for in
			   the audio */
};

void call_params(struct media_rtp_params *prm, const struct load *load)
{
	*prm = (struct media_rtp_params){
	    .tx = load->codec,
	    .rxv = {load->codec},
	    .rxc = 1,
	    .event_pt_tx = EVENT_PT,
	    .event_pt_rx = EVENT_PT,
	    .event_clock_hz = 8000,
	    .rtcp = MEDIA_RTCP_MUX,
	    .send = !load->held,
	    .recv = !load->held,
	};
}

static void leg_add(struct call *c, const struct load *load, struct peers *p)
{
	struct media_rtp_params prm;
	size_t i = c->legc;
	struct sa laddr;
	int err;

	(void)sa_set_str(&laddr, "127.0.0.1", 0);
	err = media_leg_rtp_alloc(&c->legv[i], c->mixv[c->mixc - 1], &laddr,
				  NULL, NULL);
	if (err)
		die("leg", err);

	p->dstv[i] = *media_leg_laddr(c->legv[i]);
	++c->legc;
	if (load->webrtc)
		return;

	call_params(&prm, load);
	prm.srtp_rx = prm.srtp_tx = p->keys;
	prm.raddr = p->addrv[i];
	err = media_leg_rtp_set(c->legv[i], &prm);
	if (err)
		die("leg's parameters", err);
}

void call_build(struct call *c, struct media *m, const struct load *load,
		struct peers *p)
{
	size_t hub = load->hub_min, k;
	int err;

	while (c->legc < load->legs) {

		err = mix_alloc(&c->mixv[c->mixc++], m);
		if (err)
			die("mix", err);

		for (k = 0; k < hub && c->legc < load->legs; k++) {
			leg_add(c, load, p);
			/* The ring of commands is finite. */
			if (c->legc % 500 == 0)
				sleep_ms(50);
		}

		hub = hub == load->hub_max ? load->hub_min : hub + 1;
	}
}

void call_close(struct call *c)
{
	size_t i;

	for (i = 0; i < c->legc; i++)
		mem_deref(c->legv[i]);
	for (i = 0; i < c->mixc; i++)
		mem_deref(c->mixv[i]);
}

uint64_t call_received(const struct call *c)
{
	struct media_stat st;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < c->legc; i++) {
		media_leg_stat(c->legv[i], &st);
		n += st.rx_datagrams;
	}

	return n;
}

static void account(const struct call *c, const struct load *load,
		    const struct peers *p, struct outcome *out)
{
	const struct peers_count *n = p->count;
	uint64_t in = call_received(c), played = 0, want = 0, errors = 0;
	struct media_stat st;
	size_t i;

	for (i = 0; i < c->legc; i++) {
		media_leg_stat(c->legv[i], &st);
		errors += st.tx_errors;
		if (i < p->talkers) {
			want += st.rx_packets;
			played += st.frames_played;
		}
	}

	out->sent = n->sent;
	out->lost = n->sent > in && !load->held ? n->sent - in : 0;
	out->lost += n->send_errors;
	out->echoed = n->received;
	out->lost_back = peers_dropped(p) + errors;
	out->unplayed = want > played ? want - played : 0;
	out->peer_late = n->rounds ? (double)n->late_rounds / n->rounds : 0;
}

void run_round(const struct load *load, const struct script *script,
	       unsigned ms, struct outcome *out)
{
	const struct media_conf conf = {
	    .workers = load->workers,
	    .rtp_port_min = PORT_MIN,
	    .rtp_port_max = PORT_MAX,
	    .never_shed = true, /* the figure is of the whole work */
	};
	struct call *call = calloc(1, sizeof(*call));
	struct peers *p = calloc(1, sizeof(*p));
	struct media_load begin, end;
	struct webrtc *w = NULL;
	struct media *m;
	uint64_t ticks;
	int err;

	if (!call || !p)
		die("memory", ENOMEM);

	p->talkers = load->talkers ? load->talkers : load->legs;
	if (load->held)
		p->talkers = 0;
	p->open_lines = load->open_lines;
	p->script = script;
	if (!load->webrtc)
		p->keys.suite = load->suite;
	memset(p->keys.key, 0x5a, sizeof(p->keys.key));
	peers_open(p, load->legs, "127.0.0.1");
	memset(p->ptv, load->codec.pt, sizeof(p->ptv));

	err = media_alloc(&m, &conf);
	if (err)
		die("engine", err);

	call_build(call, m, load, p);
	if (load->webrtc)
		w = webrtc_start(call, load, p);
	peers_start(p);

	sleep_ms(load->held ? HOLD_MS : WARM_MS);
	media_load(m, &begin);
	sleep_ms(ms);
	media_load(m, &end);

	peers_quiet(p);
	sleep_ms(DRAIN_MS);
	account(call, load, p, out);
	peers_stop(p);

	ticks = end.ticks - begin.ticks;
	if (!ticks)
		ticks = 1;
	out->tick_us =
	    (double)(end.cpu_us - begin.cpu_us) / ticks * load->workers;
	out->late = (double)(end.late_ticks - begin.late_ticks) /
		    (ticks + end.late_ticks - begin.late_ticks);

	webrtc_stop(w);
	call_close(call);
	mem_deref(m);
	peers_close(p);
	free(p);
	free(call);
}
