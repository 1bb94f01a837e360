/* SPDX-License-Identifier: MIT */
/* The table of routes: method and path to what serves it. */

#ifndef SY_GATEWAY_API_ROUTE_H
#define SY_GATEWAY_API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <protobuf-c/protobuf-c.h>

struct api_req;

typedef void(api_h)(struct api_req *a);

enum {
	ROUTE_PARAMS = 2,      /* {...} in a path, at most   */
	ROUTE_PARAM_SIZE = 128,
	ROUTE_ALLOW_SIZE = 64,
};

/* A parameter of the query, for people and for the description. */
struct route_query {
	const char *name;     /* NULL: the end of the list                */
	const char *doc;
};

struct api_route {
	const char *method;   /* GET serves HEAD, too                     */
	const char *path;     /* "/api/calls/{id}": {..} is one segment   */
	const char *scope;    /* that a token must have; NULL: open to all */
	api_h *handler;
	const char *summary;  /* one line, for people                     */
	const char *op;       /* its name for programs; NULL: made of
				 method and path (openapi_id.c)           */
	const ProtobufCMessageDescriptor *body; /* of the JSON; NULL: none */
	bool body_optional;   /* where all that it says is a wish         */
	const ProtobufCMessageDescriptor *other_body; /* fields that people
				 look for here, and that are set ...      */
	const char *other_path; /* ... there, followed by the first {..};
				 NULL: there is no such place             */
	const ProtobufCMessageDescriptor *reply; /* NULL: it has none, or
				 it is of another type, see type          */
	bool list;            /* of such messages, with limit and cursor  */
	const char *type;     /* of a reply that is no JSON; with `reply`:
				 either, as Accept says                   */
	unsigned status;      /* when all went well; 0: 200               */
	const struct route_query *queryv; /* beside limit and cursor; or NULL */
	bool secret;          /* the answer shows something once: never kept */
	bool large;           /* its body may be large (web_req)          */
	bool etag;            /* what it shows or changes has an ETag     */
};

/** The routes of the API (routes.c). @param np  Set to their number. */
const struct api_route *api_routes(size_t *np);

/** What a path's {...} were, percent-decoded. */
struct route_params {
	char v[ROUTE_PARAMS][ROUTE_PARAM_SIZE];
};

enum route_out {
	ROUTE_FOUND,
	ROUTE_NO_PATH,    /* 404 */
	ROUTE_NO_METHOD,  /* 405 */
};

/**
 * Find a route.
 *
 * @param routep  Set on ROUTE_FOUND.
 * @param params  Set on ROUTE_FOUND.
 * @param allow   Unless ROUTE_NO_PATH set to "GET, HEAD, ...".
 */
enum route_out route_find(const struct api_route **routep,
			  struct route_params *params,
			  char allow[ROUTE_ALLOW_SIZE],
			  const struct api_route *v, size_t n,
			  const char *method, const char *path);

#endif
