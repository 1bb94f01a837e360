// SPDX-License-Identifier: MIT
// A phone on @switchyard/sdk, as its users write one; a page may have several
// calls, and `select` names the one that is meant.

import { Phone } from "@switchyard/sdk";
import { gap, hear, levels, listenAlso, listenTo, oscillator, watch }
	from "./sound.js";

let phone = null;
let current = null;
let auto = true;
const called = new Map(); // legs to calls, also of those that have ended
const quiet = { echoCancellation: false, noiseSuppression: false,
	autoGainControl: false };

function follow(call) {
	const tell = (event, more = {}) =>
		window.tell(event, { leg: call.leg, ...more });

	current = call;
	called.set(call.leg, call);
	call.on("state", (state) => tell(state === "active" ? "established"
		: state));
	call.on("media", (state) => {
		if (state === "connected" && call === current)
			listenTo(call.remote);
		tell(state);
	});
	// As it is played: the next node's beside the one's before.
	call.on("track", (track) => {
		if (call.media === "connected" && call === current)
			listenAlso(new MediaStream([track]));
	});
	call.on("stats", (stats) => tell("stats", { stats }));
	call.on("update", () => tell("update"));
	call.on("error", (e) => tell("trouble", { code: e.code,
		text: e.message }));
	if (call.media === "connected")
		listenTo(call.remote);
}

const facts = (call) => ({ leg: call.leg, id: call.id, state: call.state,
	media: call.media, peer: call.peer, held: call.held, muted: call.muted,
	direction: call.direction, reason: call.endReason, code: call.endCode });

window.phone = {
	/** @param hz  Its microphone's tone; 0: that of the file. */
	async start({ url, token, device, hz, answer = true, relay = false }) {
		auto = answer;
		if (hz)
			navigator.mediaDevices.getUserMedia = async () => oscillator(hz);
		phone = new Phone({ url, token, device, audio: quiet, statsMs: 500,
			iceTransportPolicy: relay ? "relay" : "all" });
		phone.on("state", (state, why) => window.tell(state, { why }));
		phone.on("error", (e) => window.tell("trouble", { code: e.code,
			text: e.message }));
		phone.on("call", follow);
		phone.on("incoming", (call) => {
			window.tell("incoming", facts(call));
			if (auto)
				call.answer().catch((e) => window.tell("trouble",
					{ code: e.code, text: e.message }));
		});
		await phone.connect();
	},
	async call(to) {
		return facts(await phone.call(to));
	},
	select(leg) {
		current = called.get(leg);
		listenTo(current.remote);
	},
	auto: (on) => { auto = on; },
	answer: () => current.answer(),
	hangup: (code) => current.hangup(code),
	hold: () => current.hold(),
	resume: () => current.resume(),
	mute: () => current.mute(),
	unmute: () => current.unmute(),
	dtmf: (digits) => current.dtmf(digits),
	transfer: (to) => current.transfer(to),
	transferTo: (leg) => current.transfer(called.get(leg)),
	restart: () => current.restart(),
	stop: () => phone.close(),
	gateway: () => phone.connection.welcome?.gateway,
	calls: () => phone.calls.map(facts),
	facts: () => facts(current),
	stats: () => current.stats,
	hear, levels, watch, gap,
	listen: () => listenTo(current.remote),
};
