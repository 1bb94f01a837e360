// SPDX-License-Identifier: MIT
import type { Call, Leg } from "../../api/schema";
import { destination, kind } from "../../parts/format";

export const caller = (c: Call) => c.caller || "API";
export const called = (c: Call) => c.called || destination(c.destination);

/** "1001 → 600", for people. */
export const peers = (c: Call) => `${caller(c)} → ${called(c)}`;

const nameOf = (l?: Leg) => l && l.displayName !== l.user ? l.displayName : "";

/** "Jo Brown → Conference lobby": who they are, where that is known. */
export function people(c: Call): string {
	const from = c.legs.find((l) => l.direction === "INBOUND");
	const to = c.destination.startsWith("device:") ?
		nameOf(c.legs.find((l) => l.direction === "OUTBOUND")) :
		c.called && destination(c.destination);

	return [nameOf(from), to].filter(Boolean).join(" → ");
}

// What SIP says of an end that is none of its errors.
const ENDS: Record<string, string> = {
	OK: "hung up", "Request Terminated": "caller gave up",
	"no answer": "nobody answered",
};

export const endWord = (reason: string) => ENDS[reason] ?? reason;

/** Why a call has ended, for people: whoever refused it says it best. */
export function ending(c: Call): string {
	const refused = c.answeredAt ? undefined : c.legs.find((l) =>
		l.direction === "OUTBOUND" && l.endCode >= 400 && l.endCode !== 487);

	return refused ? `${refused.endReason} (${refused.endCode})` :
		endWord(c.endReason);
}

export function legName(l: Leg): string {
	return l.user || kind(l.kind);
}

/** What of a call a search looks at. */
export function searched(c: Call): string {
	return [c.id, c.node, c.caller, c.called, c.destination,
		...c.legs.flatMap((l) => [l.user, l.displayName, l.trunk])]
		.join(" ").toLowerCase();
}
