/* SPDX-License-Identifier: MIT */
/* What the resources of accounts share: users, tokens, sessions, webhooks. */

#ifndef SY_GATEWAY_API_ACCOUNT_H
#define SY_GATEWAY_API_ACCOUNT_H

#include "gateway/account/account.h"
#include "gateway/api/api.h"
#include "gateway/api/faults.h"

/** Answer for an error of directory_put(), password_make(). */
void account_reply_put(struct api_req *a, int err, const char *what);

/**
 * Change a record as a request has it: the request is held, and the handler
 * answers and releases it.
 *
 * @param put  As directory_put().
 * @param h    Also called at once, when it cannot be begun.
 */
void account_put(struct api_req *a, const struct directory_put *put,
		 directory_put_h *h);

/** The user who asks was changed: his other sessions end, the one that asks
 * goes along. */
void account_keep_own(struct api_req *a);

/** The directory was read. @return true; false: answered. */
bool account_is_loaded(struct api_req *a);

/*
 * What a body must be.  Each adds what is wrong to `bad`; once all were
 * looked at, account_refused() answers with all of it.
 */

/** May this be the password of a user? */
void account_check_password(struct faults *bad, const char *field,
			    const char *password, const char *user,
			    const char *display);

/** A name for people: up to 200 bytes, none of them a control character. */
void account_check_name(struct faults *bad, const char *field,
			const char *name);

/** "", or a device of the configuration; without one it answers. */
void account_check_device(struct api_req *a, struct faults *bad,
			  const char *device);

/** Scopes that there are, at least one. */
void account_check_scopes(struct faults *bad, char *const *scopev, size_t n);

/** Answer, if something is wrong, and end `bad`. @return true: answered. */
bool account_refused(struct api_req *a, struct faults *bad);

/** Nobody gives scopes that he has not himself. @return true; false:
 * answered. */
bool account_may_give(struct api_req *a, char *const *scopev, size_t n);

/** A page of what is in the directory, and when each was last seen. */
struct account_page {
	size_t n;
	char **idv;
	uint64_t *seenv;        /* account_seen() [ms since 1970]; 0: never */
	bool more;              /* there is another page                  */

	struct api_req *a;      /* of the implementation                  */
	void (*h)(struct api_req *a, int err,
		  const struct account_page *page);
};

/** @param page  Borrowed for the call.  The handler answers, and releases. */
typedef void(account_page_h)(struct api_req *a, int err,
			     const struct account_page *page);

/** Read the page that ?limit= and ?cursor= ask for; or answer.
 * @param lead  Of their keys for account_seen(): "user". */
void account_page_list(struct api_req *a, enum directory_section section,
		       const char *lead, account_page_h *h);

/** The same of one. */
void account_page_one(struct api_req *a, const struct directory_entry *e,
		      const char *lead, account_page_h *h);

#endif
