/* SPDX-License-Identifier: MIT */
/* The end of a call in Redis: see farewell.h. */

#include <string.h>
#include "node/farewell.h"
#include "node/record.h"
#include "proto/dialplan.h"
#include "proto/log.h"
#include "proto/schema_copy.h"
#include "proto/store.h"

struct farewell {
	struct le le;
	struct node *node;      /* borrowed                             */
	char hub[ULID_LEN + 1];
	uint32_t epoch;
	Sy__HubEnd *end;        /* owned                                */
	bool sent;              /* waits for the reply                  */
};

static void destructor(void *data)
{
	struct farewell *fw = data;

	list_unlink(&fw->le);
	if (fw->end)
		sy__hub_end__free_unpacked(fw->end, NULL);
}

/* ------------------------------------------------------------ what is left */

/* Placements of who called, and of whom; borrowed from the hub. */
static int fill_places(Sy__HubEnd *end, char *room, size_t size,
		       const struct hub *hub)
{
	const struct le *le;

	if (dialplan_room(room, size, hub->dest))
		end->room = room;
	end->call_ids = mem_zalloc((list_count(&hub->call_ids) + 1) *
				   sizeof(*end->call_ids), NULL);
	if (!end->call_ids)
		return ENOMEM;

	for (le = list_head(&hub->call_ids); le; le = le->next) {
		struct hub_call_id *cid = le->data;

		end->call_ids[end->n_call_ids++] = cid->text;
	}

	return 0;
}

/* Without a record if nobody ever came. */
static int end_make(Sy__HubEnd **endp, const struct hub *hub,
		    const char *node)
{
	Sy__CallRecord rec = SY__CALL_RECORD__INIT;
	Sy__HubEnd end = SY__HUB_END__INIT;
	struct record_call call;
	char room[256];
	int err = fill_places(&end, room, sizeof(room), hub);

	if (err || !hub->came)
		goto out;

	err = record_call_init(&call, hub, node, RECORD_PAST);
	rec.call = &call.msg;
	if (hub->answered_ms && hub->ended_ms > hub->answered_ms)
		rec.duration_ms =
			(uint32_t)(hub->ended_ms - hub->answered_ms);
	end.record = &rec;

out:
	if (!err) { /* it outlives its hub */
		*endp = schema_copy(&end.base);
		err = *endp ? 0 : ENOMEM;
	}
	if (end.record)
		record_call_close(&call);
	mem_deref(end.call_ids);
	return err;
}

int farewell_alloc(struct farewell **fwp, struct list *list, struct node *n,
		   struct hub *hub)
{
	struct farewell *fw = mem_zalloc(sizeof(*fw), destructor);
	int err;

	if (!fw)
		return ENOMEM;

	fw->node = n;
	fw->epoch = hub->epoch;
	str_ncpy(fw->hub, hub->id, sizeof(fw->hub));
	err = end_make(&fw->end, hub, n->conf.id);
	if (err) {
		log_error("no memory for a call's record",
			  LOG_S("call", hub->id));
		mem_deref(fw);
		return err;
	}

	list_append(list, &fw->le, fw);
	*fwp = fw;
	return 0;
}

static void drop_handler(int err, void *arg)
{
	struct farewell *fw = arg;

	fw->sent = false;
	if (err == ENOTCONN || err == ETIMEDOUT || err == EAGAIN)
		return; /* tried again */

	if (err && err != ESTALE)
		log_warn("record of an ended call not removed",
			 LOG_S("call", fw->hub), LOG_E(err));
	mem_deref(fw);
}

void farewell_send(struct farewell *fw)
{
	struct redis *r = bus_redis(fw->node->bus);

	if (fw->sent || !redis_is_up(r))
		return;

	if (!store_hub_drop(r, fw->hub, fw->epoch, fw->node->conf.id,
			    member_instance(fw->node->members), fw->end,
			    drop_handler, fw))
		fw->sent = true;
}

void farewell_send_all(struct list *list)
{
	struct le *le;

	for (le = list_head(list); le; le = le->next)
		farewell_send(le->data);
}

const struct farewell *farewell_find(const struct list *list,
				     const char *hub)
{
	const struct le *le;

	for (le = list_head(list); le; le = le->next) {
		const struct farewell *fw = le->data;

		if (!strcmp(fw->hub, hub))
			return fw;
	}

	return NULL;
}
