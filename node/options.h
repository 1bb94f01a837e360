/* SPDX-License-Identifier: MIT */
/* How switchyard-node is called: its options, and the cluster key. */

#ifndef SY_NODE_OPTIONS_H
#define SY_NODE_OPTIONS_H

#include <stdint.h>
#include "node/node.h"

enum { OPTIONS_KEY_SIZE = 4096 };

/* As on the command line; strings are borrowed from it. */
struct options {
	const char *id, *sip, *media_addr, *ports, *shared, *redis;
	const char *key, *key_file;
	const char *metrics, *log_level, *log_format, *sounds, *jitter;
	const char *media_public, *locals;
	uint32_t workers, capacity, rt_priority, complexity, quarantine_ms;
	uint32_t rtp_timeout_s, probe_s, drain_s, adopt_rate;
};

/** Read and check them. @return as option_read(). */
int options_read(struct options *o, int argc, char **argv);

/**
 * A node's configuration, without its key.
 *
 * @param conf  Set; its strings are those of the options.
 *
 * @return 0, EINVAL (never after options_read() was content).
 */
int options_conf(struct node_conf *conf, const struct options *o);

/**
 * The cluster key, from its file if there is one.
 *
 * @return 0; EINVAL: one line was printed to stderr.
 */
int options_key(char buf[OPTIONS_KEY_SIZE], const struct options *o);

#endif
