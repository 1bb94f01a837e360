// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection, retryDelay, socketUrl } from "../.test/connection.js";
import { FakeGateway, until } from "./fake_gateway.mjs";

function start(more = {}) {
	const gateway = new FakeGateway();
	const connection = new Connection({ url: ["https://a", "https://b"],
		WebSocket: gateway.WebSocket, ...more });

	return { gateway, connection };
}

test("urls", () => {
	assert.equal(socketUrl("https://h:8443"), "wss://h:8443/ws");
	assert.equal(socketUrl("http://h"), "ws://h/ws");
	assert.equal(socketUrl("h:8443"), "wss://h:8443/ws");
	assert.equal(socketUrl("wss://h/deep/ws"), "wss://h/deep/ws");
});

test("delays grow to a limit, and differ", () => {
	assert.equal(retryDelay(0, () => 0), 100);
	assert.equal(retryDelay(0, () => 1), 200);
	assert.equal(retryDelay(20, () => 1), 10_000);
});

test("a token comes first, then who we are is known", async () => {
	const { gateway, connection } = start({ token: async () => "t" });
	const welcome = await connection.connect();

	assert.equal(welcome.device, "1001");
	assert.deepEqual(gateway.got[0], { hello: { token: "t" } });
	assert.equal(connection.state, "open");
	connection.close();
});

test("answers find their questions; errors have a cause", async () => {
	const { gateway, connection } = start();
	const news = [];

	connection.on("message", (m) => news.push(m));
	await connection.connect();
	gateway.answer = (m) => m.ping ? { id: m.id, done: {} }
		: { id: m.id, error: { type: "forbidden", detail: "no",
			errors: [{ field: "topics", cause: "x" }] } };
	const [good, bad] = await Promise.allSettled([
		connection.request({ ping: {} }),
		connection.request({ subscribe: { topics: ["x"], after: "" } })]);

	assert.ok(good.value.done);
	assert.equal(bad.reason.code, "forbidden");
	assert.equal(bad.reason.fields[0].field, "topics");
	assert.deepEqual(news, []);
	gateway.socket.say({ event: { type: "CALL_STARTED" } });
	assert.equal(news.length, 1);
	connection.close();
});

test("no answer in time", async () => {
	const { gateway, connection } = start();

	await connection.connect();
	gateway.answer = () => undefined;
	await assert.rejects(connection.request({ ping: {} }, 20),
		{ code: "timeout" });
	connection.close();
});

test("a gateway that ends: the next one is asked", async () => {
	const { gateway, connection } = start();
	const states = [];

	await connection.connect();
	connection.on("state", (s) => states.push(s));
	gateway.answer = () => undefined;
	const asked = connection.request({ ping: {} });

	gateway.socket.end(1006);
	await assert.rejects(asked, { code: "connection-lost" });
	await assert.rejects(connection.request({ ping: {} }),
		{ code: "not-connected" });
	await until(() => connection.state === "open");
	assert.deepEqual(states, ["waiting", "connecting", "open"]);
	assert.deepEqual(gateway.sockets.map((s) => s.url),
		["wss://a/ws", "wss://b/ws"]);
	connection.close();
});

test("gateways that do not answer are asked in turn", async () => {
	const { gateway, connection } = start();

	gateway.refuse = true;
	const opened = connection.connect();

	await until(() => gateway.sockets.length >= 3);
	gateway.refuse = false;
	await opened;
	assert.equal(gateway.sockets[1].url, "wss://b/ws");
	assert.equal(gateway.sockets[2].url, "wss://a/ws");
	connection.close();
});

test("not known: it says so, and does not go on asking", async () => {
	const { gateway, connection } = start({ token: "old" });

	gateway.opened = (s) => s.end(4401, "the token is not known");
	await assert.rejects(connection.connect(), { code: "unauthorized" });
	assert.equal(connection.state, "refused");
	assert.equal(gateway.sockets.length, 1);
});

test("a token that ends: a fresh one is fetched", async () => {
	let n = 0;
	const { gateway, connection } = start({ token: () => `t${++n}` });

	await connection.connect();
	gateway.socket.end(4401, "revoked");
	await until(() => connection.state === "open");
	assert.deepEqual(gateway.got.map((m) => m.hello?.token), ["t1", "t2"]);
	connection.close();
});

test("closed is closed", async () => {
	const { gateway, connection } = start();

	await connection.connect();
	connection.close();
	assert.equal(connection.state, "idle");
	assert.equal(gateway.socket.readyState, 3);
	assert.equal(connection.send({ ping: {} }), false);
});
