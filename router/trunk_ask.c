/* SPDX-License-Identifier: MIT */
#include "proto/random.h"
#include "router/core.h"
#include "router/trunk_ask.h"
#include "router/trunk_job_impl.h"

int trunk_ask_options(struct uac **up, struct worker *w,
		      const struct trunk_ask *ask, uac_h *h, void *arg)
{
	const struct wire_set *set = &w->router->wires;
	const Sy__Trunk *conf = ask->conf;
	const char *to = conf->target[0] ? conf->target : trunk_job_hop(conf);
	char uri[320], dest[330], from[160], id[40], headers[512] = "";
	struct uac_request r = {.method = "OPTIONS",
				.uri = uri,
				.from = from,
				.to = dest,
				.call_id = id,
				.headers = headers,
				.cseq = ask->cseq,
				.timeout_ms = ask->timeout_ms};
	uint8_t rnd[16];
	struct flow f;
	struct pl told;
	int err;

	err = trunk_target_flow(w, ask->text, ask->target, &f);
	if (err)
		return err;
	told = wire_told(set, &set->portv[f.listener], &f);
	random_bytes(rnd, sizeof(rnd));
	(void)re_snprintf(id, sizeof(id), "%w", rnd, sizeof(rnd));
	(void)re_snprintf(uri, sizeof(uri), "sip:%s", to);
	(void)re_snprintf(dest, sizeof(dest), "<%s>", uri);
	(void)re_snprintf(from, sizeof(from), "<sip:%r>;tag=%w",
			  &told, rnd, (size_t)6);
	(void)re_snprintf(headers, sizeof(headers),
			  "%s%s%sContact: <sip:%r%s>\r\n"
			  "Accept: application/sdp\r\n"
			  "User-Agent: Switchyard/" SY_VERSION "\r\n",
			  conf->proxy[0] ? "Route: <sip:" : "", conf->proxy,
			  conf->proxy[0] ? ";lr>\r\n" : "", &told,
			  wire_kind_param(set->portv[f.listener].kind));
	r.to_flow = &f;

	return uac_send(up, w->uacs, &r, h, arg);
}
