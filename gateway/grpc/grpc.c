/* SPDX-License-Identifier: MIT */
/* What all calls share: see grpc.h. */

#include <re.h>

#include "gateway/grpc/files.h"
#include "gateway/grpc/grpc.h"

int grpc_init(struct grpc *g, struct api *api, struct loop *loop)
{
	*g = (struct grpc){.api = api, .loop = loop};

	return files_alloc(&g->files);
}

void grpc_close(struct grpc *g)
{
	g->files = mem_deref(g->files);
}
