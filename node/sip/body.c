/* SPDX-License-Identifier: MIT */
/* Bodies: see body.h. */

#include <string.h>
#include <re.h>

#include "node/sip/body.h"
#include "node/sip/ua.h"

enum { BOUNDARY_MAX = 70 }; /* RFC 2046 5.1.1 */

/* ------------------------------------------------------------- multipart */

/* Where a text begins, or NULL. */
static const char *find(const struct pl *in, const char *what, size_t len)
{
	return in->l >= len ? memmem(in->p, in->l, what, len) : NULL;
}

static void skip_to(struct pl *rest, const char *p)
{
	rest->l -= (size_t)(p - rest->p);
	rest->p = p;
}

/* The next delimiter line: what stands before it, and what follows.
 * @param last  It is the closing one. */
static bool next_delimiter(struct pl *before, struct pl *rest,
			   const char *delim, size_t len, bool *last)
{
	const char *at = find(rest, delim, len), *end;

	if (!at)
		return false;

	before->p = rest->p;
	before->l = (size_t)(at - rest->p);
	skip_to(rest, at + len);
	*last = rest->l >= 2 && rest->p[0] == '-' && rest->p[1] == '-';
	end = memchr(rest->p, '\n', rest->l);
	skip_to(rest, end ? end + 1 : rest->p + rest->l);

	return true;
}

/* The CRLF before a delimiter is the delimiter's. */
static void chomp(struct pl *part)
{
	if (part->l && part->p[part->l - 1] == '\n')
		--part->l;
	if (part->l && part->p[part->l - 1] == '\r')
		--part->l;
}

/* Headers and body of a part; no headers: all of it is body. */
static void split(struct pl *head, struct pl *body, const struct pl *part)
{
	const char *end = find(part, "\r\n\r\n", 4);
	size_t gap = 4;

	if (!end) {
		end = find(part, "\n\n", 2);
		gap = 2;
	}

	*head = *part;
	*body = *part;
	if (!end) {
		body->l = 0;
		return;
	}

	head->l = (size_t)(end - part->p);
	skip_to(body, end + gap);
}

static bool is_optional(const struct pl *val)
{
	return !re_regex(val->p, val->l, "handling[ \t]*=[ \t]*optional", NULL,
			 NULL);
}

/* One line of the headers, with a name in any case. */
static bool header(struct pl *val, const struct pl *head, const char *name)
{
	const size_t len = strlen(name);
	struct pl rest = *head;

	while (rest.l) {
		const char *end = memchr(rest.p, '\n', rest.l);
		const size_t n = end ? (size_t)(end - rest.p) : rest.l;

		if (n > len && rest.p[len] == ':' &&
		    !strncasecmp(rest.p, name, len)) {
			val->p = rest.p + len + 1;
			val->l = n - len - 1;
			return true;
		}
		skip_to(&rest, end ? end + 1 : rest.p + rest.l);
	}

	return false;
}

static bool is_sdp(const struct pl *head)
{
	struct pl val;

	return header(&val, head, "Content-Type") &&
	       !re_regex(val.p, val.l, "[ \t]*application/sdp", NULL);
}

int body_part_sdp(struct pl *part, const struct pl *body,
		  const struct pl *boundary)
{
	char delim[BOUNDARY_MAX + 3];
	struct pl rest = *body, before, head, text, val;
	bool last = false, needed = false;
	int n;

	if (!boundary->l || boundary->l > BOUNDARY_MAX)
		return EBADMSG;

	n = re_snprintf(delim, sizeof(delim), "--%r", boundary);
	if (n < 0 || !next_delimiter(&before, &rest, delim, (size_t)n, &last))
		return EBADMSG;

	while (!last) {
		if (!next_delimiter(&before, &rest, delim, (size_t)n, &last))
			return EBADMSG;
		chomp(&before);
		split(&head, &text, &before);
		if (is_sdp(&head)) {
			*part = text;
			return 0;
		}
		needed |= !header(&val, &head, "Content-Disposition") ||
			  !is_optional(&val);
	}

	return needed ? ENOTSUP : ENOENT;
}

/* --------------------------------------------------------------- message */

static bool is_encoded(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTENT_ENCODING);

	return hdr && hdr->val.l && pl_strcasecmp(&hdr->val, "identity");
}

static bool may_ignore(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr =
	    sip_msg_hdr(msg, SIP_HDR_CONTENT_DISPOSITION);

	return hdr && is_optional(&hdr->val);
}

static int from_parts(struct mbuf **mbp, const struct sip_msg *msg)
{
	const struct mbuf *whole = *mbp;
	const struct pl body = {(const char *)mbuf_buf(whole),
				mbuf_get_left(whole)};
	struct pl boundary, part;
	struct mbuf *mb;
	int err;

	if (re_regex(msg->ctyp.params.p, msg->ctyp.params.l,
		     "boundary=\"[^\"]+\"", &boundary) &&
	    re_regex(msg->ctyp.params.p, msg->ctyp.params.l,
		     "boundary=[^; \t\r\n]+", &boundary))
		return EBADMSG;

	err = body_part_sdp(&part, &body, &boundary);
	if (err || !part.l) {
		*mbp = mem_deref(*mbp);
		return err == ENOENT ? 0 : err;
	}

	mb = mbuf_alloc(part.l);
	if (!mb)
		return ENOMEM;

	(void)mbuf_write_pl(mb, &part);
	mb->pos = 0;
	mem_deref(*mbp);
	*mbp = mb;

	return 0;
}

int body_sdp(struct mbuf **mbp, const struct sip_msg *msg)
{
	int err;

	err = msg_body(mbp, msg);
	if (err || !*mbp)
		return err;

	if (is_encoded(msg))
		err = EPROTONOSUPPORT;
	else if (msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
		return 0;
	else if (!pl_strcasecmp(&msg->ctyp.type, "multipart"))
		err = from_parts(mbp, msg);
	else
		err = ENOTSUP;

	if (err) {
		*mbp = mem_deref(*mbp);
		if (err != EBADMSG && err != ENOMEM && may_ignore(msg))
			err = 0;
	}

	return err;
}
