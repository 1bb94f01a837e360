// SPDX-License-Identifier: MIT
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { call, type Page, query } from "../../api/client";
import { type Incident, incidents, RECENT_MS, TYPES }
	from "../../api/incidents";
import { useEvents } from "../../api/live";
import type { Event } from "../../api/schema";
import { useSession } from "../../session";

const KEY = ["events", "incidents"];

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
