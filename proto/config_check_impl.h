/* SPDX-License-Identifier: MIT */
/* Internal to config_check*.c. */

#ifndef SY_PROTO_CONFIG_CHECK_IMPL_H
#define SY_PROTO_CONFIG_CHECK_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "proto/config_check.h"
#include "proto/schema.h"

enum {
	NAME_MAX_BYTES = 128,
	RING_MAX_S = 3600,
};

/* An id with its place in its section. */
struct ref {
	const char *id;
	size_t index;
};

struct refs {
	struct ref *v;
	size_t n;
};

struct checker {
	const Sy__Config *conf;
	struct refs devices, trunks, groups;
	config_wrong_h *wrongh;
	void *arg;
	size_t told;       /* errors so far */
	char path[96];     /* "routes[3]" */
};

/** Tell of an error. @param field  Within c->path. @return EBADMSG. */
int check_wrong(struct checker *c, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Set c->path to "section[i]". */
void check_at(struct checker *c, const char *section, size_t i);

/**
 * Check the ids of a section, each once.
 *
 * @param r       Set to the sorted ids, on error too; freed by the caller
 *                (free(r->v)).
 * @param offset  Of the id in the messages.
 */
int check_ids(struct checker *c, struct refs *r, const char *section,
	      void *const *msgv, size_t n, size_t offset);

bool check_refs_has(const struct refs *r, const char *id);

/** One of "", off, optional, required. */
int check_srtp(struct checker *c, const char *mode);
/** How digits are sent: Device.dtmf, Trunk.dtmf. */
int check_dtmf(struct checker *c, const char *name);

int check_codecs(struct checker *c, char **strv, size_t n);

int check_max(struct checker *c, const char *field, uint32_t v, uint32_t max);

/** Settings.qualify_s, Device.qualify_s. */
int check_qualify(struct checker *c, uint32_t s);

/** Text that people see: no control characters, not long. */
bool check_text_valid(const char *s, const char *without);

/** Our account at a trunk: password, registration, health, certificates. */
int check_trunk_account(struct checker *c, const Sy__Trunk *t);

/* config_check_trunk.c */

/** A number as one may stand in a URI; "" is fine. */
int check_dialable(struct checker *c, const char *field, const char *s);
/** What is said of a trunk's calls; its path is that of the trunk. */
int check_trunk_calls(struct checker *c, size_t at);
int check_device_calls(struct checker *c, const Sy__Device *d);
/** The trunks tried next. */
int check_failover(struct checker *c, const Sy__External *e);

/** A destination, which is needed; fields are below "target". */
int check_target(struct checker *c, const Sy__Destination *d);
/** Settings.guard and Settings.costly. */
int check_guard(struct checker *c, const Sy__Settings *s);
/** Words of Device.permissions, Trunk.permissions: each that of a rule. */
int check_permissions(struct checker *c, char **strv, size_t n);

/** A name that is there, or one that is made from the number. */
int check_ref(struct checker *c, const char *field, const struct refs *refs,
	      const char *what, const char *id);

int check_forward(struct checker *c, const Sy__Forward *f);
int check_park(struct checker *c, const Sy__Settings *s);
int check_music(struct checker *c, const Sy__Destination *d);
/** Of the kinds that config_check_feature.c knows. */
int check_feature_target(struct checker *c, const Sy__Destination *d);
int check_settings(struct checker *c);
int check_groups(struct checker *c);
int check_trunks(struct checker *c);
int check_routes(struct checker *c);

#endif
