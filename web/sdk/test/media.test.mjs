// SPDX-License-Identifier: MIT
// Another node has a call: two connections, until the new one is heard.

import assert from "node:assert/strict";
import { test } from "node:test";

const made = { peers: [], players: [] };

class Stream {
	constructor(tracks = []) { this.tracks = [...tracks]; }
	getTracks() { return this.tracks; }
	addTrack(t) { if (!this.tracks.includes(t)) this.tracks.push(t); }
	removeTrack(t) { this.tracks = this.tracks.filter((x) => x !== t); }
}

class Player {
	constructor() { made.players.push(this); }
	async play() { this.plays = true; }
	pause() { this.plays = false; }
}

class Peer {
	signalingState = "stable";
	connectionState = "new";
	heard = [];
	constructor() { made.peers.push(this); }
	addTrack(track) {
		const sender = { track,
			replaceTrack: async (t) => { sender.track = t; } };

		this.senders = [sender];
	}
	getSenders() { return this.senders ?? []; }
	getReceivers() {
		return [{ getSynchronizationSources: () => this.heard }];
	}
	async setRemoteDescription(d) { this.remoteDescription = d; }
	async setLocalDescription() { this.localDescription = { sdp: "ours" }; }
	close() { this.connectionState = "closed"; }
	is(state) {
		this.connectionState = state;
		this.onconnectionstatechange?.();
	}
}

Object.assign(globalThis, { MediaStream: Stream, Audio: Player,
	RTCPeerConnection: Peer });
const { Media } = await import("../.test/media.js");

const offer = (key) => `v=0\r\na=fingerprint:sha-256 ${key}\r\n`;
const soon = () => new Promise((ok) => setTimeout(ok, 30));

/** A call that is heard by its first node. */
async function running(t) {
	const said = [], states = [];
	const mic = { enabled: true, stop() {}, getSettings: () => ({}) };

	made.peers.length = made.players.length = 0;
	const media = new Media({
		request: async (m) => { said.push(m); },
		send: () => true,
		devices: { on: () => () => {}, speaker: "", microphone: "",
			microphones: [], open: async () => mic },
		rtcConfiguration: () => ({}),
	}, { leg: "L", mediaIs: (s) => states.push(s), mediaTrack() {},
		mediaFailed: (e) => { throw e; }, mediaGone() {} });

	t.after(() => media.close());
	await media.answer(mic, async () => offer("one"));
	const [first] = made.peers;

	first.ontrack({ track: "first" });
	first.is("connected");
	return { media, first, said, states, mic };
}

test("the former node is heard until the next one is", async (t) => {
	const { media, first, said, states, mic } = await running(t);

	media.takeOffer(offer("two"));
	await soon();
	const next = made.peers[1];

	assert.equal(said.length, 2, "both offers are answered");
	next.ontrack({ track: "next" });
	next.is("connecting");
	await soon();
	assert.equal(first.connectionState, "connected");
	assert.deepEqual(made.players.map((p) => p.plays), [true, true]);
	assert.deepEqual(media.remote.getTracks(), ["first"]);
	assert.equal(first.senders[0].track, mic, "nobody else hears it yet");

	next.is("connected");
	await soon();
	assert.equal(first.senders[0].track, null, "what is said goes there");
	assert.equal(first.connectionState, "connected");

	next.heard = [{}];
	await soon();
	assert.equal(first.connectionState, "closed");
	assert.deepEqual(made.players.map((p) => p.plays), [false, true]);
	assert.deepEqual(media.remote.getTracks(), ["next"]);
	assert.deepEqual(states, ["connected"], "nobody notices");
});

test("the same node's offer is for the same connection", async (t) => {
	const { media, said } = await running(t);

	media.takeOffer(offer("one"));
	await soon();
	assert.equal(made.peers.length, 1);
	assert.equal(said.length, 2);
});

test("a third node before the second one is heard", async (t) => {
	const { media, first } = await running(t);

	media.takeOffer(offer("two"));
	await soon();
	media.takeOffer(offer("three"));
	await soon();
	const [, second, third] = made.peers;

	assert.equal(first.connectionState, "closed");
	assert.notEqual(second.connectionState, "closed");
	media.close();
	assert.equal(second.connectionState, "closed");
	assert.equal(third.connectionState, "closed");
});
