/* SPDX-License-Identifier: MIT */
/* Reading what a client has missed: see catchup.h. */

#include <errno.h>
#include <string.h>

#include "gateway/feed/catchup.h"
#include "gateway/feed/feed_impl.h"

enum { PAGE = 100 };

/* A page that is asked for outlives who asked. */
struct page {
	struct le le;           /* in feed->pagel                         */
	struct catchup *c;      /* borrowed; NULL: it is gone             */
};

struct item {
	struct le le;
	struct ws_frame *f;
};

struct catchup {
	struct catchup_conf conf;
	char after[STORE_EVENT_ID_SIZE];
	struct page *page;      /* under way                              */
	struct list iteml;      /* struct item                            */
	uint64_t looks;         /* of the reader, when nothing was found  */
	bool lost;
};

static void item_destructor(void *arg)
{
	struct item *it = arg;

	list_unlink(&it->le);
	mem_deref(it->f);
}

static void page_destructor(void *arg)
{
	struct page *page = arg;

	list_unlink(&page->le);
}

static void destructor(void *arg)
{
	struct catchup *c = arg;

	if (c->page)
		c->page->c = NULL;
	list_flush(&c->iteml);
}

static void add(struct catchup *c, const struct store_entry *entry)
{
	struct ws_frame *f = NULL;
	struct item *it;

	str_ncpy(c->after, entry->id, sizeof(c->after));
	if (entry->event)
		f = c->conf.makeh(entry->id, entry->event, c->conf.arg);
	if (!f)
		return;
	it = mem_zalloc(sizeof(*it), item_destructor);
	if (!it) {
		mem_deref(f);
		return;
	}
	it->f = f;
	list_append(&c->iteml, &it->le, it);
}

static void on_page(int err, const struct store_entry *v, size_t n, void *arg)
{
	struct page *page = arg;
	struct catchup *c = page->c;
	bool there;

	mem_deref(page);
	if (!c)
		return;

	c->page = NULL;
	there = n && !strcmp(v[0].id, c->after);
	if (!err && !there && c->conf.exact && strcmp(c->after, "0-0"))
		c->lost = true;
	if (n <= there)
		c->looks = c->conf.f->reader.looks;
	for (size_t i = there; !err && !c->lost && i < n; i++)
		add(c, &v[i]);
	c->conf.wakeh(c->conf.arg);
}

static void read_page(struct catchup *c)
{
	struct feed *f = c->conf.f;
	struct page *page;

	/* Nothing was there, and nobody has looked since. */
	if (!f->view || c->looks == f->reader.looks)
		return;
	page = mem_zalloc(sizeof(*page), page_destructor);
	if (!page)
		return;
	if (store_event_list_from(view_redis(f->view), c->after, PAGE,
				  on_page, page)) {
		c->looks = f->reader.looks;
		mem_deref(page);
		return;
	}
	page->c = c;
	c->page = page;
	list_append(&f->pagel, &page->le, page);
}

enum catchup_out catchup_next(struct catchup *c, struct ws_frame **fp,
			      uint64_t *numberp)
{
	struct item *it = list_ledata(c->iteml.head);
	struct feed_id after;

	if (it) {
		*fp = mem_ref(it->f);
		mem_deref(it);
		return CATCHUP_FRAME;
	}
	if (c->lost)
		return CATCHUP_LOST;
	if (c->page || !c->conf.f->reader.started)
		return CATCHUP_WAIT;
	if (feed_id_read(&after, c->after) &&
	    feed_log_find(&c->conf.f->log, &after, numberp))
		return CATCHUP_JOINED;
	read_page(c);

	return CATCHUP_WAIT;
}

int catchup_alloc(struct catchup **cp, const struct catchup_conf *conf)
{
	struct catchup *c = mem_zalloc(sizeof(*c), destructor);

	if (!c)
		return ENOMEM;

	c->conf = *conf;
	str_ncpy(c->after, conf->after, sizeof(c->after));
	c->conf.after = c->after;
	c->looks = UINT64_MAX;
	*cp = c;

	return 0;
}
