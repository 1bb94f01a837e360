/* SPDX-License-Identifier: MIT */
/* The end of a call in Redis: see farewell.h. */

#include <string.h>
#include "node/farewell.h"
#include "node/record.h"
#include "proto/log.h"
#include "proto/store.h"

struct farewell {
	struct le le;
	struct node *node;      /* borrowed                             */
	char hub[ULID_LEN + 1];
	uint32_t epoch;
	char *room;             /* owned; or NULL                       */
	struct list call_ids;   /* struct hub_call_id                   */
	Sy__CallRecord *rec;    /* owned; NULL: nobody ever came         */
	bool sent;              /* waits for the reply                  */
};

static void destructor(void *data)
{
	struct farewell *fw = data;

	list_unlink(&fw->le);
	list_flush(&fw->call_ids);
	mem_deref(fw->room);
	if (fw->rec)
		sy__call_record__free_unpacked(fw->rec, NULL);
}

/* The record outlives its hub: a deep copy. */
static int copy_record(Sy__CallRecord **recp, const struct hub *hub,
		       const char *node)
{
	Sy__CallRecord msg = SY__CALL_RECORD__INIT;
	struct record_call call;
	uint8_t *buf = NULL;
	size_t len;
	int err;

	err = record_call_init(&call, hub, node, RECORD_PAST);
	if (err)
		goto out;

	msg.call = &call.msg;
	if (hub->answered_ms && hub->ended_ms > hub->answered_ms)
		msg.duration_ms =
			(uint32_t)(hub->ended_ms - hub->answered_ms);

	len = sy__call_record__get_packed_size(&msg);
	buf = mem_alloc(len, NULL);
	if (!buf) {
		err = ENOMEM;
		goto out;
	}
	sy__call_record__pack(&msg, buf);
	*recp = sy__call_record__unpack(NULL, len, buf);
	if (!*recp)
		err = ENOMEM;

out:
	record_call_close(&call);
	mem_deref(buf);
	return err;
}

int farewell_alloc(struct farewell **fwp, struct list *list, struct node *n,
		   struct hub *hub)
{
	struct farewell *fw = mem_zalloc(sizeof(*fw), destructor);
	int err = 0;

	if (!fw)
		return ENOMEM;

	fw->node = n;
	fw->epoch = hub->epoch;
	str_ncpy(fw->hub, hub->id, sizeof(fw->hub));
	if (hub->conference && hub->dest)
		err |= str_dup(&fw->room, hub->dest->conference);
	if (hub->came)
		err |= copy_record(&fw->rec, hub, n->conf.id);
	if (err) {
		log_error("no memory for a call's record",
			  LOG_S("call", hub->id));
		mem_deref(fw);
		return ENOMEM;
	}

	while (hub->call_ids.head) {
		struct hub_call_id *cid = hub->call_ids.head->data;

		list_unlink(&cid->le);
		list_append(&fw->call_ids, &cid->le, cid);
	}

	list_append(list, &fw->le, fw);
	*fwp = fw;
	return 0;
}

/* Where its callers were placed.  Not before the fence let us through: while
 * we were cut off another node may have taken the hub, and needs them. */
static int drop_places(const struct farewell *fw)
{
	struct redis *r = bus_redis(fw->node->bus);
	const struct le *le;
	int err = 0;

	for (le = list_head(&fw->call_ids); le; le = le->next) {
		const struct hub_call_id *cid = le->data;

		err |= store_place_drop(r, cid->text, fw->hub);
	}
	if (fw->room)
		err |= store_room_drop(r, fw->room, fw->hub);

	return err;
}

static void drop_handler(int err, void *arg)
{
	struct farewell *fw = arg;

	fw->sent = false;
	if (err == ENOTCONN || err == ETIMEDOUT || err == EAGAIN)
		return; /* tried again */
	if (err != ESTALE && drop_places(fw))
		return;

	if (err && err != ENOENT && err != ESTALE)
		log_warn("record of an ended call not removed",
			 LOG_S("call", fw->hub), LOG_E(err));
	mem_deref(fw);
}

void farewell_send(struct farewell *fw)
{
	struct redis *r = bus_redis(fw->node->bus);

	if (fw->sent || !redis_is_up(r))
		return;

	if (!store_hub_drop(r, fw->hub, fw->epoch,
			    member_instance(fw->node->members), fw->rec,
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
