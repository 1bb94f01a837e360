// SPDX-License-Identifier: MIT
//
// How the cluster has been, as far as this page has seen it: a sample a
// second, and calls begun, ended and failed by minute.
import { useSyncExternalStore } from "react";
import type { CallRecord, Event, Status } from "./schema";

export interface Sample {
	at: number;      // ms
	calls: number;
	legs: number;
	registrations: number;
	load: number;    // of the fullest node [%]
	started: number; // in the last minute, as the next two
	answered: number;
	failed: number;
	nodes: Record<string, { load: number; legs: number }>;
}

const KEEP = 600;
const MINUTE = 60_000;

let samples: Sample[] = [];
const watchers = new Set<() => void>();
const started = new Map<string, number>();  // by call
const ended = new Map<string, { at: number; answered: boolean }>();

function forget(before: number) {
	for (const [id, at] of started)
		if (at < before)
			started.delete(id);
	for (const [id, end] of ended)
		if (end.at < before)
			ended.delete(id);
}

export function noteEvent(e: Event) {
	const at = Date.parse(e.at ?? "");

	if (e.type === "CALL_STARTED")
		started.set(e.callId, at);
	else if (e.type === "CALL_FINISHED")
		ended.set(e.callId, { at, answered: !!e.call?.answeredAt });
}

/** What ended before this page was opened. */
export function noteRecords(records: CallRecord[]) {
	for (const { call } of records) {
		if (!call)
			continue;
		if (call.startedAt)
			started.set(call.id, Date.parse(call.startedAt));
		if (call.endedAt)
			ended.set(call.id, { at: Date.parse(call.endedAt),
				answered: !!call.answeredAt });
	}
}

export function rates(at = Date.now()) {
	let begun = 0, answered = 0, failed = 0;

	for (const t of started.values())
		begun += +(t > at - MINUTE && t <= at);
	for (const end of ended.values())
		if (end.at > at - MINUTE && end.at <= at)
			end.answered ? answered++ : failed++;
	return { started: begun, answered, failed };
}

let status: Status | undefined; // the last one; it is told when it changes

export function noteStatus(s: Status) {
	const first = !status;

	status = s;
	if (first)
		takeSample();
}

/** To be called each second. */
export function takeSample() {
	const s = status;
	const at = Date.now();

	if (!s)
		return;
	forget(at - 2 * MINUTE);
	samples = [...samples.slice(1 - KEEP), {
		at, calls: s.calls, legs: s.legs, registrations: s.registrations,
		load: Math.max(0, ...s.nodes.map((n) => n.tickUsedPercent)),
		...rates(at),
		nodes: Object.fromEntries(s.nodes.map((n) =>
			[n.id, { load: n.tickUsedPercent, legs: n.legs }])),
	}];
	watchers.forEach((w) => w());
}

function watch(w: () => void) {
	watchers.add(w);
	return () => { watchers.delete(w); };
}

export const useCourse = () => useSyncExternalStore(watch, () => samples);
