/* SPDX-License-Identifier: MIT */
/*
 * gRPC on the gateway's own port: HTTP/2 requests whose Content-Type is
 * application/grpc.
 *
 *   grpc_head --> call: method, deadline --> unary    a route of the API
 *                  |  messages               health
 *                  |  (frame)                reflect
 *
 * All on the loop's thread.
 */

#ifndef SY_GATEWAY_GRPC_GRPC_H
#define SY_GATEWAY_GRPC_GRPC_H

#include <stdbool.h>

struct api;
struct files;
struct loop;
struct web_req;

struct grpc {
	struct api *api;      /* borrowed                                 */
	struct loop *loop;    /* borrowed                                 */
	struct files *files;  /* the schema, for reflection               */
};

/** @return 0, ENOMEM, EBADMSG (the schema that was built in is broken). */
int grpc_init(struct grpc *g, struct api *api, struct loop *loop);

/** Free what it holds; after its last call is gone. */
void grpc_close(struct grpc *g);

/** True if a request means us. */
bool grpc_is(const struct web_req *req);

/** Head handler for such a request; arg is the struct grpc. */
void grpc_head(struct web_req *req, void *arg);

#endif
