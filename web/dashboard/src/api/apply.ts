// SPDX-License-Identifier: MIT
import type { Call, Event, Leg } from "./schema";

function withLeg(legs: Leg[], leg: Leg, gone: boolean): Leg[] {
	const others = legs.filter((l) => l.id !== leg.id);

	if (gone)
		return others;
	return others.length === legs.length
		? [...legs, leg]
		: legs.map((l) => l.id === leg.id ? { ...l, ...leg } : l);
}

/** The calls that run, after an event of one of them. */
export function applyEvent(calls: Call[], e: Event): Call[] {
	const at = calls.findIndex((c) => c.id === e.callId);
	const old = calls[at];

	if (!e.callId || (!old && !e.call))
		return calls;
	if (e.type === "CALL_FINISHED")
		return calls.filter((c) => c.id !== e.callId);
	let next: Call = old ?? e.call!;
	if (old && e.call)
		next = { ...old, ...e.call,
			legs: e.call.legs.length ? e.call.legs : old.legs };
	if (e.leg)
		next = { ...next, legs: withLeg(next.legs, e.leg,
			e.type === "LEG_REMOVED" || e.type === "LEG_LOST") };
	return old ? calls.with(at, next) : [...calls, next];
}
