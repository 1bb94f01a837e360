// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../.test/connection.js";
import { Feed, isAfter } from "../.test/feed.js";
import { FakeGateway, until } from "./fake_gateway.mjs";

async function start() {
	const gateway = new FakeGateway();
	const connection = new Connection({ url: "https://a",
		WebSocket: gateway.WebSocket });
	const feed = new Feed(connection);

	await connection.connect();
	return { gateway, connection, feed };
}

const asked = (gateway) => gateway.got.filter((m) => m.subscribe)
	.map((m) => m.subscribe);

test("order of sequence numbers", () => {
	assert.ok(isAfter("2-0", "1-9"));
	assert.ok(isAfter("1-10", "1-9"));
	assert.ok(!isAfter("1-9", "1-9"));
	assert.ok(!isAfter("999-0", "1000-0"));
});

test("a snapshot in pieces, changes, none of them twice", async () => {
	const { gateway, connection, feed } = await start();
	const got = [];

	feed.watch("calls", {
		snapshot: (s, first) => got.push(["snapshot", s.calls.length, first]),
		change: (m) => got.push(["change", m.seq]),
	});
	await until(() => asked(gateway).length);
	const say = (m) => gateway.socket.say(m);

	say({ snapshot: { topic: "calls", seq: "5-0", calls: [{}, {}],
		more: true } });
	say({ snapshot: { topic: "calls", seq: "5-0", calls: [{}],
		more: false } });
	say({ snapshot: { topic: "providers", seq: "5-0", calls: [] } });
	say({ seq: "4-0", event: { callId: "A" } });
	say({ seq: "6-0", event: { callId: "A" } });
	say({ seq: "6-0", event: { callId: "A" } });
	say({ seq: "", status: {} });
	assert.deepEqual(got, [["snapshot", 2, true], ["snapshot", 1, false],
		["change", "6-0"]]);
	connection.close();
});

test("after a lost connection it goes on where it was", async () => {
	const { gateway, connection, feed } = await start();

	feed.watch("calls", { change() {} });
	feed.watch("cluster", { change() {} });
	gateway.socket.say({ snapshot: { topic: "calls", seq: "5-0",
		calls: [] } });
	gateway.socket.say({ seq: "7-1", event: { callId: "A" } });
	gateway.got = [];
	gateway.socket.end(1001);
	await until(() => asked(gateway).length === 2);
	assert.deepEqual(asked(gateway), [
		{ topics: ["calls"], after: "7-1" },
		{ topics: ["cluster"], after: "" }]);
	connection.close();
});

test("who ends watching is told nothing; the last one unsubscribes",
	async () => {
		const { gateway, connection, feed } = await start();
		const got = [];
		const one = feed.watch("events", { change: () => got.push(1) });
		const two = feed.watch("events", { change: () => got.push(2) });

		gateway.socket.say({ seq: "1-0", event: { callId: "A" } });
		one();
		gateway.socket.say({ seq: "2-0", event: { callId: "A" } });
		assert.deepEqual(got, [1, 2, 2]);
		assert.ok(!gateway.got.some((m) => m.unsubscribe));
		two();
		assert.ok(gateway.got.some((m) => m.unsubscribe?.topics[0] ===
			"events"));
		connection.close();
	});

test("what is not allowed is told", async () => {
	const { gateway, connection, feed } = await start();
	let code = "";

	gateway.answer = (m) => ({ id: m.id, error: { type: "forbidden",
		detail: "it lacks the scope", errors: [] } });
	feed.watch("providers", { change() {}, error: (e) => code = e.code });
	await until(() => code);
	assert.equal(code, "forbidden");
	connection.close();
});
