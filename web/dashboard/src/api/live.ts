// SPDX-License-Identifier: MIT
//
// What changes by itself: the feed's topics in the query cache.  While the feed
// does not run, the same is asked for by REST every few seconds.
import { type QueryClient, replaceEqualDeep, useQuery, useQueryClient }
	from "@tanstack/react-query";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { call, id as esc, list } from "./client";
import { applyEvent } from "./apply";
import { feed } from "./feed";
import type { Call, Event, Provider, Registration, Status, WsServer }
	from "./schema";

const SELDOM_MS = 60_000; // with the feed: only to be sure
const WRITE_MS = 250;     // the cache is written so often at most

export function useFeedState() {
	return useSyncExternalStore(feed.watch, () => feed.state);
}

/** How often to ask, while nobody tells us of a topic. */
export function useInterval(topic: string, ms: number, seldom = SELDOM_MS) {
	return useSyncExternalStore(feed.watch, () => feed.isLive(topic)) ?
		seldom : ms;
}

/** Hand each message of a topic to a reducer of what the cache has. */
function useTopic<T>(topic: string, key: unknown[],
	reduce: (old: T | undefined, m: WsServer) => T | undefined) {
	const client = useQueryClient();

	useEffect(() => {
		let waiting: WsServer[] = [];
		let timer: ReturnType<typeof setTimeout> | undefined;
		let written = 0;
		const write = () => {
			const batch = waiting;

			timer = undefined;
			waiting = [];
			written = Date.now();
			client.setQueryData<T>(key, (old) => batch.reduce(reduce, old));
		};
		const end = feed.subscribe(topic, (m) => {
			waiting.push(m);
			timer ??= setTimeout(write,
				Math.max(0, written + WRITE_MS - Date.now()));
		});

		return () => { clearTimeout(timer); end(); };
		// The key is made of the topic.
	}, [client, topic]); // eslint-disable-line
}

// What the feed changes keeps all that has not changed: to compare a thousand
// calls with what they were, four times a second, is for nothing.
const FED = { structuralSharing: false };

/** The whole of a list, by REST: what is as before stays the same object. */
async function shared<T>(client: QueryClient, key: string, most: number,
	signal: AbortSignal): Promise<T[]> {
	const came = await list<T>(`/api/${key}`, most, signal);

	return replaceEqualDeep(client.getQueryData<T[]>([key]), came);
}

export function useStatus() {
	const refetchInterval = useInterval("cluster", 2000);

	useTopic<Status>("cluster", ["status"], (old, m) =>
		m.status ?? m.snapshot?.status ?? old);
	return useQuery({
		queryKey: ["status"], refetchInterval,
		queryFn: ({ signal }) =>
			call<Status>("GET", "/api/status", { signal }),
	});
}

/** Of one subscriber: a large snapshot comes in pieces. */
function callsReducer() {
	let arriving = new Map<string, Call>();

	return (old: Call[] | undefined, m: WsServer) => {
		if (m.snapshot) {
			m.snapshot.calls.forEach((c) => arriving.set(c.id, c));
			if (m.snapshot.more)
				return old;
			const whole = [...arriving.values()];
			arriving = new Map();
			return whole;
		}
		return m.event && old ? applyEvent(old, m.event) : old;
	};
}

export function useCalls() {
	const client = useQueryClient();
	const refetchInterval = useInterval("calls", 2000);

	useTopic<Call[]>("calls", ["calls"], useMemo(callsReducer, []));
	return useQuery({
		queryKey: ["calls"], refetchInterval, ...FED,
		queryFn: ({ signal }) => shared<Call>(client, "calls", 5000, signal),
	});
}

/** A call that runs, with its levels; an error 404 once it has ended. */
export function useLiveCall(id: string, enabled: boolean) {
	const refetchInterval = useInterval(`call:${id}`, 700, 5000);

	useTopic<Call>(`call:${id}`, ["call", id], (old, m) => {
		if (m.call)
			return { ...m.call, legs: m.call.legs.length || !old
				? m.call.legs : old.legs };
		if (m.snapshot)
			return m.snapshot.calls[0] ?? old;
		return m.event && old ? applyEvent([old], m.event)[0] ?? old : old;
	});
	return useQuery<Call>({
		queryKey: ["call", id], enabled,
		refetchInterval: (q) => q.state.error ? false : refetchInterval,
		queryFn: ({ signal }) =>
			call<Call>("GET", `/api/calls/${esc(id)}`, { signal }),
	});
}

export function useRegistrations() {
	const client = useQueryClient();
	const refetchInterval = useInterval("registrations", 4000);

	useTopic<Registration[]>("registrations", ["registrations"], (old, m) => {
		const came = m.snapshot?.registrations ?? m.registrations?.items;

		if (!came || !m.snapshot && !old)
			return old;
		const all = new Map((m.snapshot ? [] : old!)
			.map((r) => [r.device, r]));
		for (const r of came)
			if (r.bindings.length)
				all.set(r.device, r);
			else
				all.delete(r.device);
		return [...all.values()];
	});
	return useQuery({
		queryKey: ["registrations"], refetchInterval, ...FED,
		queryFn: ({ signal }) => shared<Registration>(client,
			"registrations", 20_000, signal),
	});
}

export function useProviders() {
	const refetchInterval = useInterval("providers", 4000);

	useTopic<Provider[]>("providers", ["providers"], (old, m) => {
		const came = m.snapshot?.providers ?? m.providers?.items;

		if (!came || !m.snapshot && !old)
			return old;
		const all = new Map((m.snapshot ? [] : old!).map((p) => [p.id, p]));
		came.forEach((p) => all.set(p.id, p));
		return [...all.values()];
	});
	return useQuery({
		queryKey: ["providers"], refetchInterval,
		queryFn: ({ signal }) =>
			list<Provider>("/api/providers", 1000, signal),
	});
}

/** Each event as it happens, by the feed, else by server-sent events. */
export function useEvents(handler: (e: Event, id: string) => void,
	enabled = true) {
	const state = useFeedState();

	useEffect(() => {
		if (!enabled)
			return;
		if (state === "open")
			return feed.subscribe("events",
				(m) => m.event && handler(m.event, m.seq));
		if (state !== "off")
			return;
		const source = new EventSource("/api/events");
		const take = (e: MessageEvent) =>
			handler(JSON.parse(e.data), e.lastEventId);
		TYPES.forEach((t) => source.addEventListener(t, take));
		return () => source.close();
	}, [state, enabled, handler]);
}

export const TYPES = ["CALL_STARTED", "CALL_CHANGED", "CALL_FINISHED",
	"LEG_ADDED", "LEG_CHANGED", "LEG_REMOVED", "DTMF_RECEIVED",
	"MEMBER_JOINED", "MEMBER_LEFT", "REGISTERED", "UNREGISTERED",
	"TALK_STARTED", "TALK_STOPPED", "SPEAKER_CHANGED", "CALL_ADOPTED",
	"CALL_MOVED", "LEG_RESUMED", "LEG_LOST", "BANNED", "UNBANNED",
	"TOLL_DENIED", "TRUNK_UP", "TRUNK_DOWN", "TRUNK_REGISTERED",
	"TRUNK_UNREGISTERED", "TRANSFERRED", "DEVICE_UNREACHABLE",
	"DEVICE_REACHABLE"] as const;
