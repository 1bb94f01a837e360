// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { complete } from "../src/api/complete";
import type { WsServer } from "../src/api/schema";

test("what has its default is there again, also further down", () => {
	const m = complete<any>("WsServer", { event: { type: "LEG_CHANGED",
		leg: { id: "1" } } }) as WsServer;

	assert.equal(m.seq, "");
	assert.equal(m.event!.callId, "");
	assert.equal(m.event!.leg!.muted, false);
	assert.equal(m.event!.leg!.lossPercent, 0);
	assert.equal(m.event!.leg!.state, "LEG_STATE_UNKNOWN");
	assert.equal(m.event!.call, undefined, "no message where there was none");
});

test("lists: each of their messages, and empty ones", () => {
	const m = complete<any>("WsServer", { snapshot: { topic: "calls",
		calls: [{ id: "a", legs: [{ id: "1" }] }, { id: "b" }] } }) as WsServer;

	assert.deepEqual(m.snapshot!.registrations, []);
	assert.equal(m.snapshot!.calls[0]!.legs[0]!.held, false);
	assert.deepEqual(m.snapshot!.calls[1]!.legs, []);
});

test("defaults are not shared", () => {
	const a = complete<any>("WsServer", { snapshot: {} }) as WsServer;

	a.snapshot!.calls.push({} as any);
	assert.deepEqual((complete<any>("WsServer", { snapshot: {} }) as WsServer)
		.snapshot!.calls, []);
});
