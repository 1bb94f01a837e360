// SPDX-License-Identifier: MIT
// Clients of others for what happens: the package ws, an EventSource, and a
// WebSocket on a stream of HTTP/2 (RFC 8441) by node's own http2.  Prints
// what each hears, a JSON object a line.
//
//     node client.mjs HOST:PORT TOKEN
import http2 from "node:http2";
import crypto from "node:crypto";
import zlib from "node:zlib";
import WebSocket from "ws";
import { EventSource } from "eventsource";

const [address, token] = process.argv.slice(2);
const say = (from, what) =>
	console.log(JSON.stringify({ from, ...what }));

function overWs() {
	// It offers permessage-deflate, and compresses all that it says.
	const ws = new WebSocket(`ws://${address}/ws`, ["switchyard"],
		{ perMessageDeflate: { threshold: 0 } });
	const last = { seq: "" };

	ws.on("open", () => {
		say("ws", { extensions: ws.extensions });
		ws.send(JSON.stringify({ id: 1, hello: { token } }));
		ws.send(JSON.stringify({ id: 2,
			subscribe: { topics: ["events"] } }));
	});
	ws.on("message", (data) => say("ws", { message: JSON.parse(data) }));
	ws.on("pong", () => say("ws", { pong: true }));
	ws.on("close", (code) => say("ws", { closed: code }));
	ws.on("error", (e) => say("ws", { error: String(e) }));
	return { ping: () => ws.ping("are you there"),
		 close: () => ws.close(1000, "that was all"), last };
}

function overEvents() {
	const es = new EventSource(`http://${address}/api/events`, {
		fetch: (url, init) => fetch(url, { ...init, headers: {
			...init.headers, Authorization: `Bearer ${token}` } }),
	});
	const hear = (e) => say("es", { id: e.lastEventId, type: e.type,
					data: JSON.parse(e.data) });

	es.onopen = () => say("es", { open: true });
	es.onerror = (e) => say("es", { error: String(e.message) });
	for (const type of ["CALL_STARTED", "CALL_CHANGED", "CALL_FINISHED",
		"LEG_ADDED", "LEG_CHANGED", "LEG_REMOVED"])
		es.addEventListener(type, hear);
	return { close: () => es.close() };
}

// A client's frame; all that we say is short.
function frame(first, text) {
	const mask = crypto.randomBytes(4), data = Buffer.from(text);

	return Buffer.concat([Buffer.from([first, 0x80 | data.length]), mask,
		data.map((b, i) => b ^ mask[i % 4])]);
}

// A compressed message, each for itself: RFC 7692 7.2.2.
function unpack(body) {
	return JSON.parse(zlib.inflateRawSync(Buffer.concat([body,
		Buffer.from([0, 0, 0xff, 0xff])]),
	{ finishFlush: zlib.constants.Z_SYNC_FLUSH }));
}

function overH2() {
	const session = http2.connect(`http://${address}`);
	let stream, got = Buffer.alloc(0);

	const take = (data) => {
		got = Buffer.concat([got, data]);
		for (;;) {
			let n = got[1] & 127, at = 2;

			if (got.length < 4)
				return;
			if (n === 126) {
				n = got.readUInt16BE(2);
				at = 4;
			}
			if (got.length < at + n)
				return;
			const body = got.subarray(at, at + n);
			if (got[0] === 0x81)
				say("h2", { message: JSON.parse(body) });
			else if (got[0] === 0xc1)
				say("h2", { message: unpack(body), packed: true });
			else if (got[0] === 0x88)
				say("h2", { closed: body.readUInt16BE(0) });
			got = got.subarray(at + n);
		}
	};
	session.on("error", (e) => say("h2", { error: String(e) }));
	session.on("remoteSettings", (s) => {
		if (stream)
			return;
		say("h2", { connect: s.enableConnectProtocol === true });
		stream = session.request({ ":method": "CONNECT",
			":protocol": "websocket", ":path": "/ws",
			":scheme": "http", ":authority": address,
			"sec-websocket-version": "13",
			"sec-websocket-extensions":
				"permessage-deflate; client_max_window_bits",
			authorization: `Bearer ${token}` });
		stream.on("response", (head) => {
			say("h2", { status: head[":status"],
				extensions: head["sec-websocket-extensions"] });
			stream.write(frame(0x81, JSON.stringify({ id: 2,
				subscribe: { topics: ["events"] } })));
		});
		stream.on("data", take);
		stream.on("end", () => say("h2", { ended: true }));
		stream.on("error", (e) => say("h2", { error: String(e) }));
	});
	return { close: () => stream.write(frame(0x88, "\u0003\u0068")),
		 leave: () => session.close() };
}

const ws = overWs(), es = overEvents(), h2 = overH2();
const commands = {
	ping: () => ws.ping(),
	close: () => { ws.close(); es.close(); h2.close(); },
	leave: () => { h2.leave(); process.exit(0); },
};

let rest = "";
process.stdin.on("data", (data) => {
	const lines = (rest + data).split("\n");

	rest = lines.pop();
	lines.forEach((line) => commands[line]());
});
process.stdin.on("end", () => process.exit(0));
