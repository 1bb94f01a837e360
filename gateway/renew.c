/* SPDX-License-Identifier: MIT */
/* Files that change while we run: see renew.h. */

#include <errno.h>
#include <re.h>

#include "gateway/http/tls.h"
#include "gateway/renew.h"
#include "gateway/site/site.h"
#include "proto/log.h"
#include "proto/loop.h"

struct renew {
	struct loop *loop;        /* borrowed, as the next two            */
	struct web_tls *tls;
	struct site *site;
	struct loop_timer *timer;
};

static void read_tls(struct renew *r)
{
	char errbuf[512];

	if (web_tls_reload(r->tls, errbuf, sizeof(errbuf)))
		log_error("new certificate is wrong: the old one stays",
			  LOG_S("why", errbuf));
	else
		log_info("new certificate",
			 LOG_S("sha256", web_tls_fingerprint(r->tls)));
}

static void read_site(struct renew *r)
{
	char errbuf[512];

	if (site_reload(r->site, errbuf, sizeof(errbuf)))
		log_error("new files for browsers are wrong: the old ones "
			  "stay", LOG_S("why", errbuf));
	else
		log_info("files for browsers",
			 LOG_U("n", (unsigned)site_count(r->site)));
}

static void on_timer(void *arg)
{
	struct renew *r = arg;

	if (web_tls_has_changed(r->tls))
		read_tls(r);
	r->timer = mem_deref(r->timer);
	(void)loop_timer_start(&r->timer, r->loop, RENEW_MS, on_timer, r);
}

static void destructor(void *arg)
{
	struct renew *r = arg;

	mem_deref(r->timer);
}

int renew_alloc(struct renew **rp, struct loop *loop, struct web_tls *tls,
		struct site *site)
{
	struct renew *r;
	int err;

	if (!rp || !loop)
		return EINVAL;

	r = mem_zalloc(sizeof(*r), destructor);
	if (!r)
		return ENOMEM;

	r->loop = loop;
	r->tls = tls;
	r->site = site;
	err = loop_timer_start(&r->timer, loop, RENEW_MS, on_timer, r);
	if (err)
		mem_deref(r);
	else
		*rp = r;

	return err;
}

void renew_now(struct renew *r)
{
	if (!r)
		return;

	(void)web_tls_has_changed(r->tls);
	if (r->tls && !web_tls_is_selfsigned(r->tls))
		read_tls(r);
	read_site(r);
}
