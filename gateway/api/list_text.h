/* SPDX-License-Identifier: MIT */
/* A list as it is sent, made once. */

#ifndef SY_GATEWAY_API_LIST_TEXT_H
#define SY_GATEWAY_API_LIST_TEXT_H

#include "gateway/api/api.h"

struct list_text {
	const char *type;    /* Content-Type                              */
	uint8_t *p;          /* owned                                     */
	size_t len;
};

/** Make it. @param wire  As messages (wire.h), not JSON. @return 0, ENOMEM. */
int list_text_make(struct list_text *t, bool wire,
		   const ProtobufCMessage *const *msgv, size_t n,
		   const char *next);

/** Answer a request by it. */
void list_text_reply(struct api_req *a, const struct list_text *t);

/** Free what it holds. */
void list_text_reset(struct list_text *t);

#endif
