/* SPDX-License-Identifier: MIT */
/* A dialog, or a page: see leg_sip_words.h. */

#include "node/leg_sip_words.h"
#include "node/page.h"

int words_progress(struct leg_sip *ls, uint16_t code, struct mbuf *sdp)
{
	return ls->page ? page_progress(ls->page, code, sdp)
			: dialog_progress(ls->dlg, code, NULL, sdp);
}

int words_answer(struct leg_sip *ls, struct mbuf *sdp)
{
	return ls->page ? page_answer(ls->page, sdp)
			: dialog_answer(ls->dlg, sdp);
}

/* What is sent to a page is told whether it came. */
bool words_is_reliable(const struct leg_sip *ls)
{
	return ls->page || dialog_is_reliable(ls->dlg);
}

bool words_is_described(const struct leg_sip *ls)
{
	return ls->page ? page_is_described(ls->page)
			: dialog_is_described(ls->dlg);
}

bool words_is_updated(const struct leg_sip *ls)
{
	return !ls->page && dialog_is_updated(ls->dlg);
}

void words_hangup(struct leg_sip *ls, uint16_t code, const char *reason)
{
	if (ls->page)
		page_hangup(ls->page, code, reason);
	else
		dialog_hangup(ls->dlg, code, NULL);
}

void words_because(struct leg_sip *ls, const char *reason)
{
	if (!ls->page)
		dialog_because(ls->dlg, reason);
}

bool words_is_answered(const struct leg_sip *ls)
{
	return ls->page ? leg_is(&ls->leg, SY__LEG_STATE__LEG_ANSWERED)
			: dialog_state(ls->dlg) == DIALOG_ANSWERED;
}

void words_abandon(struct leg_sip *ls)
{
	if (ls->page)
		page_abandon(ls->page);
	else
		dialog_abandon(ls->dlg);
}

int words_offer(struct leg_sip *ls, struct mbuf *sdp)
{
	return ls->page ? page_offer(ls->page, sdp)
			: dialog_offer(ls->dlg, sdp);
}

int words_accept(struct leg_sip *ls, struct mbuf *sdp)
{
	return ls->page ? page_accept(ls->page, sdp)
			: dialog_accept(ls->dlg, sdp);
}

void words_warn(struct leg_sip *ls, const char *warning)
{
	if (ls->page)
		page_warn(ls->page, warning);
	else
		dialog_warn(ls->dlg, warning);
}

int words_refuse(struct leg_sip *ls, uint16_t code, const char *reason)
{
	return ls->page ? page_refuse(ls->page, reason)
			: dialog_refuse(ls->dlg, code, reason);
}

bool words_is_ours(const struct leg_sip *ls)
{
	return !ls->page && dialog_is_ours(ls->dlg);
}

uint32_t words_retry_after(const struct leg_sip *ls)
{
	return ls->page ? 0 : dialog_retry_after(ls->dlg);
}

void words_probe(struct leg_sip *ls)
{
	if (!ls->page)
		(void)dialog_probe(ls->dlg);
}

int words_peer(const struct leg_sip *ls, struct sa *peer)
{
	return ls->page ? page_peer(ls->page, peer)
			: dialog_peer(ls->dlg, peer);
}

const char *words_through(const struct leg_sip *ls)
{
	return ls->page ? page_gateway(ls->page) : dialog_router(ls->dlg);
}

void words_checkpoint(const struct leg_sip *ls, Sy__DialogState *out)
{
	if (ls->page)
		page_checkpoint(ls->page, out);
	else
		dialog_checkpoint(ls->dlg, out);
}

const char *words_call_id(const struct leg_sip *ls)
{
	return ls->page ? NULL : dialog_call_id(ls->dlg);
}

bool words_is_quiet(const struct leg_sip *ls)
{
	return ls->page ? page_is_quiet(ls->page) : dialog_is_quiet(ls->dlg);
}

/* What pages say comes by commands, and those wait by themselves. */
int words_freeze(struct leg_sip *ls)
{
	return ls->page ? 0 : dialog_freeze(ls->dlg);
}

void words_thaw(struct leg_sip *ls)
{
	if (!ls->page)
		dialog_thaw(ls->dlg);
}

void words_depart(struct leg_sip *ls, const struct sa *to)
{
	if (ls->page)
		page_abandon(ls->page);
	else
		dialog_depart(ls->dlg, to);
}
