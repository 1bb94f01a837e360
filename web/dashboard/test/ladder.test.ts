// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TraceMessage } from "../src/api/schema";
import { ladder } from "../src/pages/call/ladder";

const A = "192.0.2.1:5060", B = "192.0.2.2:5060";

function message(direction: string, peer: string, text: string, ms: number,
	router = "router-1"): TraceMessage {
	return { router, direction, text: text.replaceAll("\n", "\r\n"),
		at: new Date(1_000_000 + ms).toISOString(), transport: "udp",
		source: direction === "in" ? peer : "10.0.0.1:5060",
		target: direction === "in" ? "10.0.0.1:5060" : peer,
		cutBytes: 0 } as TraceMessage;
}

const INVITE = "INVITE sip:1002@sy SIP/2.0\nFrom: \"A\" <sip:1001@sy>;tag=1\n" +
	"To: <sip:1002@sy>\nCSeq: 1 INVITE\n\n";
const CALL = [
	message("in", A, INVITE, 0),
	message("out", B, INVITE, 12),
	message("in", B, "SIP/2.0 180 Ringing\nFrom: <sip:1001@sy>\n\n", 40),
	message("out", A, "SIP/2.0 486 Busy Here\n\n", 1500),
];

test("who calls stands left, the router in the middle, who is called right",
	() => {
		const { columns } = ladder(CALL);

		assert.deepEqual(columns.map((c) => c.name),
			["1001", "router-1", "1002"]);
		assert.equal(columns[0]!.note, `udp ${A}`);
	});

test("each message goes from its sender to its receiver", () => {
	const { steps } = ladder(CALL);

	assert.deepEqual(steps.map((s) => [s.from, s.to]),
		[[0, 1], [1, 2], [2, 1], [1, 0]]);
	assert.deepEqual(steps.map((s) => s.title),
		["INVITE", "INVITE", "180 Ringing", "486 Busy Here"]);
	assert.deepEqual(steps.map((s) => s.kind),
		["request", "request", "mid", "bad"]);
	assert.equal(steps[3]!.offset, 1.5);
});

test("short header names, a URI with parameters, bare line ends", () => {
	const { columns } = ladder([message("in", A,
		"BYE sip:x SIP/2.0\nf: <sips:+4930@sy;user=phone>\n\n", 0)]);

	assert.equal(columns[0]!.name, "+4930");
});

test("two routers are two columns; nobody is a peer twice", () => {
	const { columns } = ladder([message("in", A, INVITE, 0),
		message("out", B, INVITE, 1, "router-2"),
		message("in", B, "SIP/2.0 200 OK\n\n", 2, "router-2")]);

	assert.deepEqual(columns.map((c) => c.name),
		["1001", "router-1", "router-2", "1002"]);
});

test("nothing at all", () => {
	assert.deepEqual(ladder([]), { columns: [], steps: [] });
});
