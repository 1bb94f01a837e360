// SPDX-License-Identifier: MIT
//
// Who has died, and what became of the calls: told by the events of the member
// and of each of its calls, put together by member.
import type { Event } from "./schema";

export const RECENT_MS = 30 * 60_000;
const ONE_MS = 60_000; // what is further apart is another death
export const TYPES = "MEMBER_LEFT,CALL_ADOPTED,LEG_LOST";
const IN_ORDER = "it ended in order"; // reason of who was asked to go

export interface Incident {
	member: string; // that died
	at: number;     // when that was noticed [ms]
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
		const member = e.type === "CALL_ADOPTED" ? e.fromNode :
			e.reason === IN_ORDER ? "" : e.member;
		if (!member || at < now - RECENT_MS)
			continue;
		let one = all.find((i) => i.member === member &&
			at - i.at < ONE_MS);
		if (!one)
			all.push(one = { member, at, taken: 0, lost: 0 });
		if (e.type === "CALL_ADOPTED") {
			one.taken++;
			died.set(e.callId, one);
		}
	}
	return all.reverse();
}
