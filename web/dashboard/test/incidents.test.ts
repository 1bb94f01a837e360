// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { incidents } from "../src/api/incidents";
import type { Event } from "../src/api/schema";

const NOW = Date.parse("2030-01-01T12:00:00Z");
const ago = (s: number, type: string, more: object = {}) =>
	({ at: new Date(NOW - 1000 * s).toISOString(), type, callId: "",
		member: "", fromNode: "", reason: "", ...more }) as Event;
const left = (s: number, member: string, reason: string) =>
	ago(s, "MEMBER_LEFT", { member, reason });
const adopted = (s: number, fromNode: string, callId: string) =>
	ago(s, "CALL_ADOPTED", { fromNode, callId, member: "node-9" });
const lost = (s: number, callId: string) => ago(s, "LEG_LOST", { callId });

test("a dead node's calls are counted, whatever is told first", () => {
	const told = [lost(56, "b"), adopted(57, "node-1", "b"),
		left(58, "node-1", "its lease is over"), adopted(59, "node-1", "a")];

	assert.deepEqual(incidents(told, NOW), [{ member: "node-1",
		at: NOW - 59_000, taken: 2, lost: 1 }]);
});

test("who ends in order has not died; a gateway may", () => {
	assert.deepEqual(incidents([left(5, "gateway-1", "its lease is over"),
		left(9, "node-1", "it ended in order")], NOW).map((i) =>
		[i.member, i.taken]), [["gateway-1", 0]]);
});

test("the next death is another one, the newest first; old ones are left out",
	() => {
		const told = [adopted(10, "node-1", "c"), adopted(500, "node-1", "b"),
			adopted(7200, "node-1", "a"), lost(7199, "a")];

		assert.deepEqual(incidents(told, NOW).map((i) => [i.at, i.lost]),
			[[NOW - 10_000, 0], [NOW - 500_000, 0]]);
	});
