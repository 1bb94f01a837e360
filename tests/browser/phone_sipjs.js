// SPDX-License-Identifier: MIT
// A phone on SIP.js' SimpleUser.

import { Web } from "sip.js";
import { facts, hear, listen, microphone } from "./sound.js";

let user = null;
let domain = "";
const handler = () => user.session.sessionDescriptionHandler;
const connection = () => handler().peerConnection;

window.phone = {
	async start(o) {
		domain = o.domain;
		user = new Web.SimpleUser(o.server, {
			aor: `sip:${o.user}@${o.domain}`,
			media: { constraints: microphone },
			userAgentOptions: {
				authorizationUsername: o.user,
				authorizationPassword: o.password,
				logLevel: "error",
				sessionDescriptionHandlerFactoryOptions: {
					peerConnectionConfiguration:
						{ iceServers: [] },
				},
			},
			delegate: {
				onCallReceived: () => {
					window.tell("incoming", {});
					user.answer();
				},
				onCallAnswered: () => {
					listen(connection());
					window.tell("established", {});
				},
				onCallHold: (held) => window.tell(
					held ? "held" : "resumed",
					{ by: "local" }),
				onCallHangup: () => window.tell("ended", {}),
				onRegistered: () => window.tell("registered", {}),
				onUnregistered: () =>
					window.tell("unregistered", {}),
			},
		});
		await user.connect();
		window.tell("connected", {});
	},
	register: () => user.register(),
	unregister: () => user.unregister(),
	call: (target) => user.call(`sip:${target}@${domain}`),
	hold: () => user.hold(),
	resume: () => user.unhold(),
	dtmf: (digits) => handler().sendDtmf(digits),
	hangup: () => user.hangup(),
	stop: () => user.disconnect(),
	hear,
	facts: () => facts(connection()),
	sdp: () => [connection().localDescription.sdp,
		connection().remoteDescription.sdp],
};
