/* SPDX-License-Identifier: MIT */
/*
 * Pages of other sites that may use the API (WHATWG Fetch, CORS): those that
 * --cors-origin names, with a token.  Never with a cookie.
 */

#ifndef SY_GATEWAY_API_CORS_H
#define SY_GATEWAY_API_CORS_H

#include <stdbool.h>

struct web_req;

/**
 * Say that the page which sent a request may read the answer, if it may.
 *
 * @param origins  "https://app.example.com,https://..."; "*": any; "": none.
 */
void cors_answer(struct web_req *req, const char *origins);

/** Is it such a list? */
bool cors_is_valid(const char *origins);

#endif
