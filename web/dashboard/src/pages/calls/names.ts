// SPDX-License-Identifier: MIT
import type { Call, Leg } from "../../api/schema";
import { destination, words } from "../../parts/format";

export const caller = (c: Call) => c.caller || "API";
export const called = (c: Call) => c.called || destination(c.destination);

/** "1001 → 600", for people. */
export const peers = (c: Call) => `${caller(c)} → ${called(c)}`;

export function legName(l: Leg): string {
	return l.user || words(l.kind);
}

/** What of a call a search looks at. */
export function searched(c: Call): string {
	return [c.id, c.node, c.caller, c.called, c.destination,
		...c.legs.flatMap((l) => [l.user, l.displayName, l.trunk])]
		.join(" ").toLowerCase();
}
