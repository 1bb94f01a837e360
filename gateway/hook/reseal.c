/* SPDX-License-Identifier: MIT */
/* Secrets from before the cluster had a key: see reseal.h. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/account/directory.h"
#include "gateway/hook/hook.h"
#include "gateway/hook/reseal.h"
#include "proto/log.h"
#include "proto/ulid.h"

struct hook_reseal {
	struct directory *d;         /* borrowed, as the next             */
	const struct token_key *key;
	char id[ULID_LEN + 1];       /* "": none is being written         */
	bool told;                   /* that it cannot be written         */
};

/* One that somebody changed meanwhile is looked at again. */
static void on_put(int err, void *arg)
{
	struct hook_reseal *r = arg;

	if (!err)
		log_info("the secret of a webhook is sealed now",
			 LOG_S("webhook", r->id));
	else if (err != ESTALE && err != ENOENT && !r->told)
		log_warn("the secret of a webhook cannot be sealed",
			 LOG_S("webhook", r->id), LOG_E(err));
	r->told = err && err != ESTALE && err != ENOENT;
	r->id[0] = '\0';
}

static void seal(struct hook_reseal *r, const struct directory_entry *e)
{
	Sy__WebhookRecord w = *(const Sy__WebhookRecord *)e->msg;
	const struct directory_put put = {
		.section = DIRECTORY_WEBHOOKS,
		.id = e->id,
		.msg = &w.base,
		.revision = e->revision,
	};
	uint8_t buf[HOOK_SEALED_MAX];
	int err;

	str_ncpy(r->id, e->id, sizeof(r->id));
	err = hook_record_seal(buf, r->key, &w);
	if (!err)
		err = directory_put(r->d, &put, on_put, r);
	if (err)
		on_put(err, r);
}

void hook_reseal(struct hook_reseal *r)
{
	size_t n;
	const struct directory_entry *v = directory_list(
		r->d, DIRECTORY_WEBHOOKS, &n);

	for (size_t i = 0; r->key && !r->id[0] && i < n; i++) {
		const Sy__WebhookRecord *w =
			(const Sy__WebhookRecord *)v[i].msg;

		if (w->secret[0] && !w->secret_sealed.len)
			seal(r, &v[i]);
	}
}

int hook_reseal_alloc(struct hook_reseal **rp, struct directory *d,
		      const struct token_key *key)
{
	struct hook_reseal *r = mem_zalloc(sizeof(*r), NULL);

	if (!r)
		return ENOMEM;
	r->d = d;
	r->key = key;
	*rp = r;

	return 0;
}
