// SPDX-License-Identifier: MIT
// A phone on @switchyard/sdk, as its users write one; a page may have several
// calls, and `select` names the one that is meant.

import { Phone } from "@switchyard/sdk";
import { counters, gap, hear, levels, listenAlso, listenTo, oscillator, voice, watch }
	from "./sound.js";

let phone = null;
let current = null;
let auto = true;
const called = new Map(); // legs to calls, also of those that have ended
let fault = "";           // why there is no microphone: a DOMException's name
let microphone = null;    // the last one, of those that are made here
const asked = [];         // constraints of each microphone
const outputs = [];       // where audio elements were told to play
const peers = [];         // all connections
const players = [];       // all audio elements
const quiet = { echoCancellation: false, noiseSuppression: false,
	autoGainControl: false };

const own = MediaDevices.prototype.getUserMedia;

// One that sounds so, tone or voice; 0: the browser's own.
function useMicrophone(hz) {
	const { mediaDevices } = navigator;

	mediaDevices.getUserMedia = async (constraints) => {
		asked.push(constraints.audio);
		if (fault)
			throw new DOMException("as the test has it", fault);
		microphone = !hz ? await own.call(mediaDevices, constraints)
			: typeof hz === "string" ? await voice(hz) : oscillator(hz);
		return microphone;
	};
}

function watchPlayers() {
	const { setSinkId } = HTMLMediaElement.prototype;

	window.Audio = class extends Audio {
		constructor() {
			super();
			players.push(this);
		}
	};
	HTMLMediaElement.prototype.setSinkId = function(id) {
		outputs.push(id);
		return setSinkId.call(this, id);
	};
}

function watchPeers() {
	window.RTCPeerConnection = class extends RTCPeerConnection {
		constructor(...conf) {
			super(...conf);
			peers.push(this);
		}
	};
}

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
	async start({ url, token, device, hz, answer = true, relay = false,
		broken = "" }) {
		auto = answer;
		fault = broken;
		useMicrophone(hz);
		watchPlayers();
		watchPeers();
		phone = new Phone({ url, token, device, audio: quiet, statsMs: 500,
			iceTransportPolicy: relay ? "relay" : "all" });
		phone.on("state", (state, why) => window.tell(state, { why }));
		phone.on("error", (e) => window.tell("trouble", { code: e.code,
			text: e.message }));
		phone.devices.on("lost", () => window.tell("lost"));
		phone.on("call", follow);
		phone.on("message", (m) => window.tell("text", m));
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
	message: (to, text) => phone.message(to, text),
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
	counters: () => counters(peers.at(-1)),
	/** The microphone in use is pulled; the next one sounds so. @param why
	 * There is no next one. */
	pull(hz, why = "") {
		const [track] = microphone.getAudioTracks();

		fault = why;
		useMicrophone(hz);
		track.stop();
		track.dispatchEvent(new Event("ended"));
	},
	/** One is plugged in. */
	plug(hz) {
		fault = "";
		useMicrophone(hz);
		navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
	},
	async devices() {
		const { devices } = phone;

		await devices.refresh();
		return { microphones: devices.microphones,
			speakers: devices.speakers, microphone: devices.microphone,
			speaker: devices.speaker, asked, outputs };
	},
	useMicrophone: (id) => phone.devices.useMicrophone(id),
	useSpeaker: (id) => phone.devices.useSpeaker(id),
	/** Nothing plays before a click. */
	block() {
		const { play } = HTMLMediaElement.prototype;

		HTMLMediaElement.prototype.play = function() {
			this.pause();
			return Promise.reject(new DOMException("as the test has it",
				"NotAllowedError"));
		};
		document.addEventListener("pointerdown", () => {
			HTMLMediaElement.prototype.play = play;
		}, { capture: true, once: true });
	},
	/** [s] of each audio element that plays. */
	played: () => players.filter((p) => !p.paused).map((p) =>
		p.currentTime),
	hear, levels, watch, gap,
	listen: () => listenTo(current.remote),
};
