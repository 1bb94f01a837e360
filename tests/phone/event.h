/* SPDX-License-Identifier: MIT */
/* Events: JSON objects, one a line, on an output stream. */
#ifndef PHONE_EVENT_H
#define PHONE_EVENT_H

#include <stdio.h>
#include "tests/phone/base.h"

struct events;

/* Sees every event before it is written; for the command `wait`. */
typedef void(event_h)(const json_t *ev, void *arg);

/** Write to a stream that outlives the events. */
int events_alloc(struct events **evp, FILE *out);

void events_set_handler(struct events *ev, event_h *h, void *arg);

/**
 * Write one event and flush it.
 *
 * @param obj  Taken; NULL (no memory) is a lost event.
 */
void events_put(struct events *ev, json_t *obj);

#endif
