/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a body, all of it: collected as the lines that
 * json_to_message_all() and config_check_all() tell, answered as one problem
 * document.  (No header of libre: see body.c.)
 */

#ifndef SY_GATEWAY_API_FAULTS_H
#define SY_GATEWAY_API_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "gateway/http/problem.h"

struct web_req;
struct fault;

/** All zero at first; ended by faults_reset(). */
struct faults {
	struct fault *v;
	size_t n;
	bool lost;         /* there was no memory for one */
};

/** Add one: "path.of.field: cause; allowed: ...". @param arg  The faults. */
void faults_add(const char *text, void *arg);

/** The same, in pieces. @param allowed  Or NULL. */
void faults_say(struct faults *fs, const char *field, const char *cause,
		const char *allowed);

/**
 * Fields that are not known here, but are elsewhere: say so.
 *
 * @param d     What is elsewhere.
 * @param path  There: "/api/config/devices".
 * @param id    Of the item there.
 */
void faults_elsewhere(struct faults *fs, const ProtobufCMessageDescriptor *d,
		      const char *path, const char *id);

/** One of them, as fields. @param i  Below n. @return borrowed. */
const struct problem_field *faults_field(const struct faults *fs, size_t i);

/** Answer 400 with all of them (500 when none could be kept), and end
 * them. */
void faults_refuse(struct web_req *req, struct faults *fs);

/** End them. */
void faults_reset(struct faults *fs);

#endif
