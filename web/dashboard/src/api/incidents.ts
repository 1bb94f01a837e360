// SPDX-License-Identifier: MIT
//
// Nodes that died while others took their calls: told by the events of each
// call, put together by node.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useSession } from "../session";
import { call, type Page, query } from "./client";
import { useEvents } from "./live";
import type { Event } from "./schema";

const RECENT_MS = 30 * 60_000;
const ONE_MS = 60_000; // what is further apart is another death
const TYPES = "CALL_ADOPTED,LEG_LOST";
const KEY = ["events", "incidents"];

export interface Incident {
	node: string;   // that died
	at: number;     // when the first of its calls was taken [ms]
	taken: number;  // calls
	lost: number;   // legs
}

/** @param events  The newest first. */
export function incidents(events: Event[], now: number): Incident[] {
	const all: Incident[] = [];
	const died = new Map<string, Incident>(); // by call

	for (const e of [...events].reverse()) {
		const at = Date.parse(e.at ?? "");

		if (e.type === "LEG_LOST") {
			const of = died.get(e.callId);
			if (of)
				of.lost++;
			continue;
		}
		if (e.type !== "CALL_ADOPTED" || at < now - RECENT_MS)
			continue;
		let one = all.find((i) => i.node === e.fromNode &&
			at - i.at < ONE_MS);
		if (!one)
			all.push(one = { node: e.fromNode, at, taken: 0, lost: 0 });
		one.taken++;
		died.set(e.callId, one);
	}
	return all.reverse();
}

export function useIncidents(): Incident[] {
	const enabled = useSession().may("events:read");
	const events = useQuery({
		queryKey: KEY, enabled, retry: false,
		queryFn: () => call<Page<Event>>("GET", "/api/events" + query({
			format: "json", limit: 1000, type: TYPES,
			after: new Date(Date.now() - RECENT_MS).toISOString() })),
	});
	const client = useQueryClient();

	useEvents(useCallback((e: Event) => {
		if (TYPES.split(",").includes(e.type))
			client.setQueryData<Page<Event>>(KEY, (old) =>
				old && { ...old, items: [e, ...old.items] });
	}, [client]), enabled);
	return incidents(events.data?.items ?? [], Date.now());
}
