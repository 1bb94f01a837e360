// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { applyEvent } from "../src/api/apply";
import type { Call, Event, Leg } from "../src/api/schema";

const leg = (id: string, more: object = {}) =>
	({ id, user: id, muted: false, ...more }) as Leg;
const call = (id: string, legs: Leg[], more: object = {}) =>
	({ id, state: "CALL_RINGING", legs, ...more }) as Call;
const event = (type: string, callId: string, more: object = {}) =>
	({ type, callId, ...more }) as Event;

const CALLS = [call("a", [leg("1"), leg("2")]), call("b", [leg("3")])];

test("a call begins, changes and ends", () => {
	const begun = applyEvent(CALLS, event("CALL_STARTED", "c",
		{ call: call("c", []) }));

	assert.deepEqual(begun.map((c) => c.id), ["a", "b", "c"]);
	const changed = applyEvent(begun, event("CALL_CHANGED", "a",
		{ call: call("a", [], { state: "CALL_ANSWERED" }) }));

	assert.equal(changed[0]!.state, "CALL_ANSWERED");
	assert.equal(changed[0]!.legs.length, 2, "legs that it does not name stay");
	assert.deepEqual(applyEvent(changed, event("CALL_FINISHED", "a"))
		.map((c) => c.id), ["b", "c"]);
});

test("legs come, change and go", () => {
	const added = applyEvent(CALLS, event("LEG_ADDED", "b",
		{ leg: leg("4") }))[1]!;

	assert.deepEqual(added.legs.map((l) => l.id), ["3", "4"]);
	const muted = applyEvent(CALLS, event("LEG_CHANGED", "a",
		{ leg: leg("2", { muted: true }) }))[0]!;

	assert.deepEqual(muted.legs.map((l) => l.muted), [false, true]);
	for (const type of ["LEG_REMOVED", "LEG_LOST"])
		assert.deepEqual(applyEvent(CALLS, event(type, "a",
			{ leg: leg("1") }))[0]!.legs.map((l) => l.id), ["2"]);
});

test("of a call that is not known, and of none, nothing changes", () => {
	assert.equal(applyEvent(CALLS, event("LEG_CHANGED", "x",
		{ leg: leg("1") })), CALLS);
	assert.equal(applyEvent(CALLS, event("MEMBER_JOINED", "")), CALLS);
});

test("what was there is not written to", () => {
	const before = JSON.stringify(CALLS);

	applyEvent(CALLS, event("LEG_REMOVED", "a", { leg: leg("1") }));
	applyEvent(CALLS, event("CALL_FINISHED", "b"));
	assert.equal(JSON.stringify(CALLS), before);
});
