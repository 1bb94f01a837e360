// SPDX-License-Identifier: MIT
// A phone on JsSIP, as its users write one.

import JsSIP from "jssip";
import { facts, hear, listen, microphone } from "./sound.js";

let ua = null;
let session = null;
let auto = true;
const done = (session_call) => new Promise((ok, bad) =>
	session_call({ mandatory: true }, ok) || bad(new Error("not now")));

function watch(s) {
	session = s;
	s.on("progress", () => window.tell("progress", {}));
	s.on("confirmed", () => {
		listen(s.connection);
		window.tell("established", {});
	});
	s.on("hold", (e) => window.tell("held", { by: e.originator }));
	s.on("unhold", (e) => window.tell("resumed", { by: e.originator }));
	s.on("reinvite", () => window.tell("reinvited", {}));
	s.on("newDTMF", (e) => window.tell("dtmf", { digit: e.dtmf.tone,
		by: e.originator }));
	s.on("ended", (e) => window.tell("ended", { cause: e.cause }));
	s.on("failed", (e) => window.tell("failed", { cause: e.cause,
		code: e.message?.status_code ?? 0 }));
}

window.phone = {
	start({ server, user, password, domain }) {
		ua = new JsSIP.UA({
			sockets: [new JsSIP.WebSocketInterface(server)],
			uri: `sip:${user}@${domain}`,
			password,
			register: false,
			session_timers: true,
		});
		ua.on("connected", () => window.tell("connected", {}));
		ua.on("registered", () => window.tell("registered", {}));
		ua.on("registrationFailed", (e) =>
			window.tell("refused", { cause: e.cause }));
		ua.on("newRTCSession", ({ session: s, originator }) => {
			if (originator !== "remote")
				return;
			watch(s);
			window.tell("incoming", {});
			if (auto)
				this.answer();
		});
		ua.start();
	},
	register: () => ua.register(),
	unregister: () => ua.unregister(),
	call(target) {
		watch(ua.call(target, { mediaConstraints: microphone,
			pcConfig: { iceServers: [] } }));
	},
	answer: () => session.answer({ mediaConstraints: microphone,
		pcConfig: { iceServers: [] } }),
	hold: () => done((o, ok) => session.hold({}, ok)),
	resume: () => done((o, ok) => session.unhold({}, ok)),
	restart: () => done((o, ok) => session.renegotiate(
		{ rtcOfferConstraints: { iceRestart: true } }, ok)),
	dtmf: (digits) => session.sendDTMF(digits,
		{ transportType: "RFC2833" }),
	hangup: () => session.terminate(),
	stop: () => ua.stop(),
	hear,
	facts: () => facts(session.connection),
	sdp: () => [session.connection.localDescription.sdp,
		session.connection.remoteDescription.sdp],
};
