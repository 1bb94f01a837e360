/* SPDX-License-Identifier: MIT */
/* Bodies of NOTIFY: see notify_body.h. */

#include <string.h>
#include "router/notify_body.h"

/* Text within XML. */
static int print_xml(struct re_printf *pf, const char *s)
{
	int err = 0;

	for (; *s && !err; s++) {
		const char *as = *s == '&'  ? "&amp;" :
				 *s == '<'  ? "&lt;" :
				 *s == '>'  ? "&gt;" :
				 *s == '"'  ? "&quot;" :
				 *s == '\'' ? "&apos;" : NULL;

		if (as)
			err = re_hprintf(pf, "%s", as);
		else if ((unsigned char)*s >= ' ')
			err = pf->vph(s, 1, pf->arg);
	}

	return err;
}

/* User part of an address, escaped for the URI, and that for XML. */
static int print_user(struct re_printf *pf, const char *user)
{
	char uri[512];
	struct pl pl;

	pl_set_str(&pl, user);
	if (re_snprintf(uri, sizeof(uri), "%H", uri_user_escape, &pl) < 0)
		return ENOMEM;

	return print_xml(pf, uri);
}

struct writing {
	struct mbuf *mb;
	const char *domain;
	const char *resource;
	bool pick;
	enum calls_state top;
	unsigned n;
	int err;
};

/* Only of what rings: whoever knows these may take the call, and who talks is
 * not to be put out of it. */
static int write_names(struct writing *w, const struct calls_dialog *d)
{
	if (!w->pick || d->state != CALLS_EARLY || d->initiator ||
	    !d->call_id[0] || !d->tag[0])
		return 0;

	return mbuf_printf(w->mb,
			   " call-id=\"%H\" local-tag=\"%H\""
			   " remote-tag=\"%H\"",
			   print_xml, d->call_id, print_xml, d->tag,
			   print_xml, d->our_tag);
}

/* Phones that pick up by their key call the target. */
static int write_party(struct writing *w, const char *which,
		       const char *name, const char *user)
{
	if (!user[0])
		return 0;

	return mbuf_printf(w->mb,
			   "  <%s><identity display=\"%H\">sip:%H@%s"
			   "</identity><target uri=\"sip:%H@%s\"/></%s>\r\n",
			   which, print_xml, name, print_user, user,
			   w->domain, print_user, user, w->domain, which);
}

static void write_dialog(const struct calls_dialog *d, void *arg)
{
	static const char *const names[] = {
		[CALLS_TRYING] = "trying",
		[CALLS_EARLY] = "early",
		[CALLS_CONFIRMED] = "confirmed",
	};
	struct writing *w = arg;

	if (w->err)
		return;
	w->err = mbuf_printf(w->mb, " <dialog id=\"%s\"", d->id);
	if (!w->err)
		w->err = write_names(w, d);
	if (!w->err)
		w->err = mbuf_printf(w->mb,
				     " direction=\"%s\">\r\n"
				     "  <state>%s</state>\r\n",
				     d->initiator ? "initiator" : "recipient",
				     names[d->state]);
	if (!w->err)
		w->err = write_party(w, "local", "", w->resource);
	if (!w->err)
		w->err = write_party(w, "remote", d->name, d->remote);
	if (!w->err)
		w->err = mbuf_write_str(w->mb, " </dialog>\r\n");
}

int notify_body_dialog(struct mbuf *mb, const struct calls *c,
		       const char *resource, const char *domain,
		       uint32_t version, bool pick)
{
	struct writing w = {
		.mb = mb,
		.domain = domain,
		.resource = resource,
		.pick = pick,
	};

	w.err = mbuf_printf(mb,
			    "<?xml version=\"1.0\"?>\r\n<dialog-info xmlns="
			    "\"urn:ietf:params:xml:ns:dialog-info\" version="
			    "\"%u\" state=\"full\" entity=\"sip:%H@%s\">\r\n",
			    version, print_user, resource, domain);
	if (c)
		calls_apply(c, resource, write_dialog, &w);

	return w.err ? w.err : mbuf_write_str(mb, "</dialog-info>\r\n");
}

static void look(const struct calls_dialog *d, void *arg)
{
	struct writing *w = arg;

	w->n++;
	if (d->state > w->top)
		w->top = d->state;
}

int notify_body_presence(struct mbuf *mb, const struct calls *c,
			 const char *resource, const char *domain,
			 bool registered)
{
	struct writing w = {.n = 0};
	const char *note;

	if (c)
		calls_apply(c, resource, look, &w);
	note = !registered		  ? "Offline" :
	       !w.n			  ? "Online" :
	       w.top == CALLS_CONFIRMED ? "On the phone" : "Ringing";

	return mbuf_printf(mb,
			   "<?xml version=\"1.0\"?>\r\n<presence xmlns="
			   "\"urn:ietf:params:xml:ns:pidf\" entity="
			   "\"sip:%H@%s\">\r\n <tuple id=\"phone\">\r\n"
			   "  <status><basic>%s</basic></status>\r\n"
			   "  <note>%s</note>\r\n </tuple>\r\n"
			   " <note>%s</note>\r\n</presence>\r\n",
			   print_user, resource, domain,
			   registered ? "open" : "closed", note, note);
}

int notify_body_messages(struct mbuf *mb, const char *resource,
			 const char *domain, uint32_t fresh, uint32_t old)
{
	return mbuf_printf(mb,
			   "Messages-Waiting: %s\r\n"
			   "Message-Account: sip:%H@%s\r\n"
			   "Voice-Message: %u/%u (0/0)\r\n",
			   fresh ? "yes" : "no", print_user, resource, domain,
			   fresh, old);
}
