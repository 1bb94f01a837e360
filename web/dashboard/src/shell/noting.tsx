// SPDX-License-Identifier: MIT
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { call, type Page } from "../api/client";
import { noteEvent, noteRecords, noteStatus, takeSample } from "../api/course";
import { useEvents, useStatus } from "../api/live";
import type { CallRecord, Event } from "../api/schema";
import { useSession } from "../session";

/** Follow the cluster whatever page is open: the overview has its course. */
export function useNoting() {
	const { may } = useSession();
	const status = useStatus();
	const records = useQuery({
		queryKey: ["cdr", "first"], staleTime: Infinity, retry: false,
		enabled: may("calls:read"),
		queryFn: () => call<Page<CallRecord>>("GET", "/api/cdr?limit=500"),
	});

	useEffect(() => {
		if (status.data)
			noteStatus(status.data);
	}, [status.data, status.dataUpdatedAt]);
	useEffect(() => {
		const timer = setInterval(takeSample, 1000);

		return () => clearInterval(timer);
	}, []);
	useEffect(() => {
		if (records.data)
			noteRecords(records.data.items);
	}, [records.data]);
	useEvents(useCallback((e: Event) => noteEvent(e), []),
		may("events:read"));
	return status;
}
