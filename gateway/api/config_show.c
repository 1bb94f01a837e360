/* SPDX-License-Identifier: MIT */
/* GET of what is configured: /api/config/devices, /api/config/devices/{id} and
 * the like for the other sections. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/config.h"
#include "gateway/api/etag.h"

/* Providers are the trunks of the configuration. */
static const struct {
	const char *path;
	enum config_section section;
} pathv[] = {
	{"devices", CONFIG_DEVICES},	  {"providers", CONFIG_TRUNKS},
	{"routes", CONFIG_ROUTES},	  {"groups", CONFIG_GROUPS},
	{"settings", CONFIG_SETTINGS},
};

enum config_section config_section_of(const struct api_req *a)
{
	const char *p = a->route->path + strlen("/api/");

	if (!strncmp(p, "config/", 7))
		p += 7;
	for (size_t i = 0; i < sizeof(pathv) / sizeof(pathv[0]); i++) {
		const size_t n = strlen(pathv[i].path);

		if (!strncmp(p, pathv[i].path, n) && (!p[n] || p[n] == '/'))
			return pathv[i].section;
	}

	return CONFIG_SECTIONS; /* no such row is in routes.c */
}

const Sy__Config *config_now(struct api_req *a)
{
	const Sy__Config *conf = view_config(a->api->view);

	if (!conf)
		api_unavailable(a, "no configuration was loaded yet");

	return conf;
}

void config_show(struct api_req *a, unsigned status, enum config_section s,
		 const ProtobufCMessage *item)
{
	union config_any shown;
	char tag[ETAG_SIZE];

	etag_item(tag, a, s, item);
	(void)web_head(a->web, "etag", "%s", tag);
	config_edit_hide(s, &shown, item);
	api_reply(a, status, &shown.base);
}

void api_config_item(struct api_req *a)
{
	const enum config_section s = config_section_of(a);
	const Sy__Config *conf = config_now(a);
	const ProtobufCMessage *item;
	char tag[ETAG_SIZE];

	if (!conf)
		return;
	item = config_item_find(conf, s, a->params.v[0]);
	if (!item) {
		api_reply_err(a, ENOENT, config_section_def(s)->what);
		return;
	}
	etag_item(tag, a, s, item);
	if (etag_check(a, tag))
		config_show(a, 200, s, item);
}

/* A page in order of the ids. */
struct page {
	const ProtobufCMessage **msgv; /* as configured, all that match   */
	union config_any *shownv;
	size_t n;
};

static int id_cmp(const void *a, const void *b)
{
	/* Any section but settings: the id is the first field of all. */
	return strcmp(config_item_id(CONFIG_DEVICES,
				     *(const ProtobufCMessage *const *)a),
		      config_item_id(CONFIG_DEVICES,
				     *(const ProtobufCMessage *const *)b));
}

static bool collect(struct page *p, const Sy__Config *conf,
		    enum config_section s, const char *cursor, size_t limit)
{
	size_t n;
	ProtobufCMessage **v = config_section_items(conf, s, &n);

	p->msgv = calloc(n + 1, sizeof(*p->msgv));
	p->shownv = calloc(limit, sizeof(*p->shownv));
	if (!p->msgv || !p->shownv)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!*cursor || strcmp(config_item_id(s, v[i]), cursor) > 0)
			p->msgv[p->n++] = v[i];
	}
	if (p->n)
		qsort(p->msgv, p->n, sizeof(*p->msgv), id_cmp);

	return true;
}

void api_config_list(struct api_req *a)
{
	const enum config_section s = config_section_of(a);
	const Sy__Config *conf = config_now(a);
	char cursor[ROUTE_PARAM_SIZE], tag[ETAG_SIZE];
	struct page p = {.n = 0};
	size_t limit;

	if (!conf || !api_page(a, &limit, cursor, sizeof(cursor)))
		return;
	etag_revision(tag, conf->revision);
	if (!etag_check(a, tag))
		return;
	if (collect(&p, conf, s, cursor, limit)) {
		const size_t n = p.n < limit ? p.n : limit;

		for (size_t i = 0; i < n; i++) {
			config_edit_hide(s, &p.shownv[i], p.msgv[i]);
			p.msgv[i] = &p.shownv[i].base;
		}
		(void)web_head(a->web, "etag", "%s", tag);
		api_reply_list(a, p.msgv, n,
			       p.n > n ? config_item_id(s, p.msgv[n - 1])
				       : NULL);
	} else {
		api_reply_err(a, ENOMEM, config_section_def(s)->what);
	}
	free(p.msgv);
	free(p.shownv);
}
