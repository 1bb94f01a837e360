/* SPDX-License-Identifier: MIT */
/*
 * The files for browsers: the dashboard and the SDK, as built into one
 * folder.  They are read once, at start, into a table; a request is a look-up
 * of a name in it, so no path of a request ever reaches the file system.
 *
 * Knows HTTP, and nothing of calls.  All on the loop's thread.
 */

#ifndef SY_GATEWAY_SITE_SITE_H
#define SY_GATEWAY_SITE_SITE_H

#include <stdbool.h>
#include <stddef.h>

struct site;
struct web_req;

/**
 * @param sp      Set on success; owned by the caller.
 * @param dir     Folder with index.html; borrowed.  NULL or "": none, and
 *                the page at "/" says so.
 * @param errbuf  On error, one line: which file and why.
 */
int site_alloc(struct site **sp, const char *dir, char *errbuf,
	       size_t errsize);

/** Read the folder again; on error what was read before stays. */
int site_reload(struct site *s, char *errbuf, size_t errsize);

/** Number of files. */
size_t site_count(const struct site *s);

/**
 * Answer a GET or HEAD of a file, of "/", or of a path that is the
 * dashboard's own (it gets index.html, and finds its page itself).
 *
 * @return true: was answered; false: nothing of ours.
 */
bool site_answer(const struct site *s, struct web_req *req);

/** The headers that every answer has, of whatever it is. */
void site_headers(struct web_req *req);

#endif
