// SPDX-License-Identifier: MIT
// A phone in a page with nothing but WebSocket and RTCPeerConnection: what
// /ws asks of a page, in the fewest words.

import { facts, hear, listen, microphone, others } from "./sound.js";

let ws = null;
let conf = null;
let number = 0;
let auto = true;
const waiting = new Map(); // id of a message: who waits for its answer
const calls = new Map();   // leg: { pc, leg }
let last = null;           // the call that was touched last

const tell = (event, more = {}) => window.tell(event, more);

function ask(body) {
	const id = ++number;
	ws.send(JSON.stringify({ id, ...body }));
	return new Promise((ok, bad) => waiting.set(id, { ok, bad }));
}

async function connection() {
	const pc = new RTCPeerConnection({ iceServers: conf.iceServers ?? [],
		iceTransportPolicy: conf.relay ? "relay" : "all" });
	const stream = await navigator.mediaDevices.getUserMedia(microphone);
	for (const track of stream.getTracks())
		pc.addTrack(track, stream);
	return pc;
}

// The node finds the page by its checks; a page behind a relay has to know its
// own candidates first.
async function gathered(pc) {
	if (!conf.relay || pc.iceGatheringState === "complete")
		return;
	await new Promise((ok) => pc.addEventListener(
		"icegatheringstatechange",
		() => pc.iceGatheringState === "complete" && ok()));
}

const sdp = async (pc) => {
	await gathered(pc);
	return pc.localDescription.sdp;
};

async function answer(call) {
	await call.pc.setLocalDescription();
	await ask({ phoneAnswer: { leg: call.leg,
		sdp: await sdp(call.pc) } });
	listen(call.pc);
	tell("established", { leg: call.leg });
}

async function take(leg, offer) {
	let call = calls.get(leg);
	if (!call || call.pc.signalingState === "closed") {
		call = { leg, pc: await connection() };
		calls.set(leg, call);
	}
	last = call;
	await call.pc.setRemoteDescription({ type: "offer", sdp: offer });
	return call;
}

const news = {
	async phoneIncoming(m) {
		if (calls.has(m.leg))
			return;
		const call = await take(m.leg, m.sdp);
		tell("incoming", { from: m.from, name: m.fromName,
			called: m.called, leg: m.leg });
		if (auto)
			await answer(call);
	},
	async phoneProgress(m) {
		const call = calls.get(m.leg);
		if (m.sdp && call?.pc.signalingState === "have-local-offer") {
			await call.pc.setRemoteDescription(
				{ type: "answer", sdp: m.sdp });
			listen(call.pc);
		}
		tell("progress", { code: m.code });
	},
	async phoneAnswer(m) {
		const call = calls.get(m.leg);
		if (m.sdp && call.pc.signalingState === "have-local-offer") {
			await call.pc.setRemoteDescription(
				{ type: "answer", sdp: m.sdp });
			listen(call.pc);
		}
		if (!call.up)
			tell("established", { leg: m.leg });
		call.up = true;
	},
	async phoneOffer(m) {
		const call = await take(m.leg, m.sdp);
		await answer(call);
		tell("offered", { leg: m.leg });
	},
	phoneState(m) {
		tell("state", m.state);
	},
	phoneEnded(m) {
		calls.get(m.leg)?.pc.close();
		calls.delete(m.leg);
		tell("ended", { leg: m.leg, code: m.code, reason: m.reason });
	},
	phoneReplaced() {
		tell("replaced");
	},
};

let queue = Promise.resolve();

function hear_of(m) {
	const who = waiting.get(m.id);
	if (m.id && who) {
		waiting.delete(m.id);
		if (m.error)
			who.bad(new Error(`${m.error.type}: ` +
				m.error.detail));
		else
			who.ok(m);
		return;
	}
	for (const name of Object.keys(news))
		if (m[name])
			queue = queue.then(() => news[name](m[name]))
				.catch((e) => tell("broken",
					{ text: String(e) }));
}

function connect() {
	return new Promise((ok) => {
		ws = new WebSocket(conf.server);
		ws.onopen = () => ws.send(JSON.stringify(
			{ hello: { token: conf.token } }));
		ws.onmessage = (e) => {
			const m = JSON.parse(e.data);
			if (m.welcome) {
				tell("connected");
				ok();
			} else {
				hear_of(m);
			}
		};
		ws.onclose = (e) => tell("disconnected", { code: e.code });
	});
}

window.phone = {
	async start(options) {
		conf = options;
		auto = options.auto ?? true;
		await connect();
	},
	async register() {
		const got = await ask({ phoneRegister: {
			phone: conf.phone, device: conf.user,
			name: "a raw page", legs: [...calls.keys()] } });
		conf.iceServers = got.phoneRegistered.iceServers;
		tell("registered", got.phoneRegistered);
		return got.phoneRegistered;
	},
	unregister: () => ask({ phoneUnregister: {} }),
	async call(to) {
		const pc = await connection();
		await pc.setLocalDescription();
		const got = await ask({ phoneCall: { to, sdp: await sdp(pc) } });
		last = { pc, leg: got.phonePlaced.leg };
		calls.set(last.leg, last);
		return got.phonePlaced;
	},
	// Once what has come is dealt with.
	answer: () => queue.then(() => answer(last)),
	async restart() {
		const { pc, leg } = last;

		pc.restartIce();
		await pc.setLocalDescription();
		await ask({ phoneOffer: { leg, sdp: await sdp(pc) } });
		while (pc.signalingState !== "stable")
			await new Promise((ok) => setTimeout(ok, 20));
	},
	hold: () => ask({ phoneUpdate: { leg: last.leg, held: true } }),
	resume: () => ask({ phoneUpdate: { leg: last.leg, held: false } }),
	mute: (muted) => ask({ phoneUpdate: { leg: last.leg, muted } }),
	dtmf: (digits) => ask({ phoneDtmf: { leg: last.leg, digits } }),
	// The browser's own events.
	insertDtmf: (digits, ms) => last.pc.getSenders()
		.find((s) => s.dtmf).dtmf.insertDTMF(digits, ms, 60),
	transfer: (to, leg) => ask({ phoneTransfer: { leg: last.leg, to,
		with: leg ?? "" } }),
	hangup: (code) => ask({ phoneHangup: { leg: last.leg,
		code: code ?? 0 } }),
	// The socket goes, the calls stay.
	async reconnect(server) {
		conf.server = server ?? conf.server;
		ws.onclose = null;
		ws.close();
		await connect();
	},
	// The socket goes, and does not come back by itself.
	drop() {
		ws.onclose = null;
		ws.close();
	},
	// What it gets of a relay, and what the server says.
	async gather(iceServers) {
		const pc = new RTCPeerConnection({ iceServers,
			iceTransportPolicy: "relay" });
		const out = { relay: [], errors: [] };
		pc.onicecandidate = (e) => e.candidate?.candidate &&
			out.relay.push(e.candidate.candidate);
		pc.onicecandidateerror = (e) => out.errors.push(e.errorCode);
		pc.addTransceiver("audio");
		await pc.setLocalDescription();
		if (pc.iceGatheringState !== "complete")
			await new Promise((ok) => pc.addEventListener(
				"icegatheringstatechange", () =>
					pc.iceGatheringState === "complete" &&
						ok()));
		pc.close();
		return out;
	},
	say: (m) => ask(m).catch((e) => String(e)),
	leg: () => last.leg,
	hear,
	others,
	facts: () => facts(last.pc),
	sdp: () => [last.pc.localDescription.sdp,
		last.pc.remoteDescription.sdp],
};
