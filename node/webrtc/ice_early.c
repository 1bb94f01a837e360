/* SPDX-License-Identifier: MIT */
/*
 * A peer that has our offer, and whose answer is not here yet: its checks are
 * answered, and what they say waits for the answer.  See ice_expect().
 */

#include <string.h>
#include <re.h>
#include <openssl/crypto.h>

#include "node/webrtc/ice_impl.h"

static void early_destructor(void *arg)
{
	struct ice_early *e = arg;

	OPENSSL_cleanse(&e->local, sizeof(e->local));
}

int ice_expect(struct ice *ice, const struct ice_cred *local,
	       const char *former)
{
	struct ice_early *e;

	if (!ice || !local || !former)
		return EINVAL;

	ice->early = mem_deref(ice->early);
	if (ice->set && ice_cred_same(&ice->local, local))
		return 0;

	e = mem_zalloc(sizeof(*e), early_destructor);
	if (!e)
		return ENOMEM;

	e->local = *local;
	str_ncpy(e->former, former, sizeof(e->former));
	ice->early = e;

	return 0;
}

/* A browser checks as soon as it has our offer, by the names that it had
 * before: its DTLS would take us for who we replace. */
bool ice_early_named(const struct ice *ice, const char *name)
{
	const struct ice_early *e = ice->early;
	const char *remote = e ? ice_theirs(&e->local, name) : NULL;

	return remote && (!*e->former || strcmp(remote, e->former));
}

/* Another one's name: what the one before did was not the peer's. */
void ice_early_check(struct ice_check *c, uint64_t now_ms)
{
	struct ice_early *e = c->ice->early;
	const char *remote = ice_theirs(
		&e->local,
		stun_msg_attr(c->msg, STUN_ATTR_USERNAME)->v.username);

	if (strcmp(e->remote, remote)) {
		memset(&e->at, 0, sizeof(e->at));
		str_ncpy(e->remote, remote, sizeof(e->remote));
	}
	ice_places_add(&e->at, c->src, now_ms);
	ice_answer_success(c);
	if (stun_msg_attr(c->msg, STUN_ATTR_USE_CAND)) {
		e->at.selected = *c->src;
		e->at.has_selected = true;
	}
}

/* Its answer is here: those checks were its own, or another's. */
void ice_early_take(struct ice *ice)
{
	const struct ice_early *e = ice->early;

	if (e->at.checkedc && !strcmp(e->remote, ice->remote.ufrag)) {
		const struct ice_places former = ice->at;

		ice->at = e->at;
		if (!ice->at.has_selected) {
			ice->at.selected = former.selected;
			ice->at.has_selected = former.has_selected;
		}
	}
	ice->early = mem_deref(ice->early);
}

bool ice_is_early(const struct ice *ice, const struct sa *src)
{
	return ice && ice->early && ice_places_has(&ice->early->at, src);
}
