/* SPDX-License-Identifier: MIT */
/* The cluster's secret, from a file or as it is. */

#ifndef SY_PROTO_TOKEN_FILE_H
#define SY_PROTO_TOKEN_FILE_H

#include <stddef.h>
#include "proto/token.h"

/**
 * Read it.
 *
 * @param kp      Set on success; owned by the caller (mem_deref).
 * @param path    Of a file, a newline at its end does not count; NULL or "":
 *                none.
 * @param secret  Used without a path.
 * @param errbuf  On error, one line that names the file.
 *
 * @return 0; ENOENT, EACCES ... (the file), EINVAL (too short), ENOMEM.
 */
int token_file_read(struct token_key **kp, const char *path,
		    const char *secret, char *errbuf, size_t errsize);

#endif
