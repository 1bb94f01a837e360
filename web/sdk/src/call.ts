// SPDX-License-Identifier: MIT
//
// One call of the page.  Signalling goes by the phone's connection, media
// straight to the node that has the call.
//
//            call()                      answer()
//   dialing ------> ringing ------> active <------ ringing (incoming)
//        \_____________\______________|_______________/
//                                   ended
//
// The cluster may send a new description at any time: another node has the
// call, it was transferred, or the page was reloaded.  So the connection of
// browser and node (media) has a life of its own beside the state.

import type { Devices } from "./devices.js";
import { Emitter } from "./emitter.js";
import { SwitchyardError } from "./errors.js";
import type { Body } from "./connection.js";
import { StatsReader, type CallStats } from "./stats.js";
import type { PhoneCallState, WsServer } from "./schema.js";

export type CallState = "dialing" | "ringing" | "active" | "ended";
export type MediaState = "none" | "connecting" | "connected" | "interrupted";

export interface CallEvents {
	state: [state: CallState];
	media: [state: MediaState];
	/** Held, muted, another peer ...: look at the call. */
	update: [];
	/** Each 5 seconds while it is active. */
	stats: [stats: CallStats];
	ended: [reason: string, code: number];
	/** The call goes on, yet something does not work: no microphone, say. */
	error: [error: SwitchyardError];
}

/** What a call needs of its phone. */
export interface CallHost {
	request(body: Body): Promise<WsServer>;
	send(body: Body): boolean;
	devices: Devices;
	rtcConfiguration(): RTCConfiguration;
	statsMs: number;
	/** Before it becomes active. */
	activating(call: Call): void;
}

const RESTART_MS = 1500; // a moment's disturbance is none
const ANSWER_TRIES = 8;

const isOffered = (pc: RTCPeerConnection) =>
	pc.signalingState === "have-local-offer";

export class Call extends Emitter<CallEvents> {
	leg = "";
	/** Id of the call in the API; "" until it is placed. */
	id = "";
	state: CallState = "dialing";
	media: MediaState = "none";
	/** Number and name of the other side, as far as they are shown. */
	peer = { number: "", name: "" };
	/** Number that was dialled. */
	called = "";
	held = false;
	muted = false;
	answeredAt?: Date;
	endReason = "";
	endCode = 0;
	/** Of the last interval. */
	stats?: CallStats;
	/** What is heard: plays by itself, and may be shown, recorded ... */
	readonly remote = new MediaStream();

	private pc?: RTCPeerConnection;
	private mic?: MediaStreamTrack;
	private audio = new Audio();
	private reader = new StatsReader();
	private agreed = false;
	private offer?: string;             // of an incoming call
	private gotOffer?: (sdp: string) => void;
	private candidates: string[] = [];  // before it has a leg
	private turn: Promise<unknown> = Promise.resolve();
	private timers: { stats?: ReturnType<typeof setInterval>;
		restart?: ReturnType<typeof setTimeout> } = {};
	private stops: (() => void)[] = [];

	/** By the phone alone. */
	constructor(private host: CallHost,
		readonly direction: "incoming" | "outgoing") {
		super();
		this.audio.autoplay = true;
		this.audio.srcObject = this.remote;
		this.stops.push(
			host.devices.on("change", () => void this.useDevices()));
	}

	/** False: another node has it just now, or the page's own network is
	 * gone. */
	get isHeard() {
		return this.media === "connected";
	}

	/** True once browser and cluster have agreed on media. */
	get hasMedia() {
		return this.agreed;
	}

	// ------------------------------------------------------------- by the user

	/**
	 * Take an incoming call.
	 *
	 * @throws SwitchyardError microphone-..., ended
	 */
	async answer(): Promise<void> {
		if (this.direction !== "incoming" || this.state !== "ringing")
			throw new SwitchyardError("conflict",
				"Only a call that rings here can be taken.");
		const mic = await this.host.devices.open();

		await this.queue(async () => {
			this.expectAlive(mic);
			this.mic = mic;
			this.host.activating(this);
			try {
				// Of a page that was loaded anew it comes a moment later.
				await this.respond(this.offer ?? await this.offered());
			} catch (e) {
				// It rings on, and may be taken once more.
				this.dropPeer();
				this.dropMic();
				throw e;
			}
			this.become("active");
		});
	}

	private offered(): Promise<string> {
		return new Promise((done, failed) => {
			this.once("ended", () => failed(
				new SwitchyardError("ended", "The call has ended.")));
			this.gotOffer = done;
		});
	}

	/** End it, whatever its state. @param code  Of an incoming call: 486
	 * (busy, default), 603 (declined: nowhere else either) ... */
	async hangup(code = 0): Promise<void> {
		const { leg } = this;

		if (this.state === "ended")
			return;
		this.end("You ended it.", code);
		if (leg)
			await this.host.request({ phoneHangup: { leg, code } })
				.catch(() => {}); // it ends by itself, later
	}

	/** @param on  False: speak again. */
	async mute(on = true): Promise<void> {
		this.muted = on;
		this.useMute();
		this.emit("update");
		await this.tell({ phoneUpdate: { leg: this.leg, muted: on } });
	}

	unmute() {
		return this.mute(false);
	}

	/** @param on  False: go on. */
	async hold(on = true): Promise<void> {
		await this.tell({ phoneUpdate: { leg: this.leg, held: on } });
		this.held = on;
		this.useMute();
		this.emit("update");
	}

	resume() {
		return this.hold(false);
	}

	/** Dial digits into the call: 0-9 * # A-D. */
	async dtmf(digits: string): Promise<void> {
		const sender = this.pc?.getSenders().find((s) => s.dtmf)?.dtmf;

		if (!/^[0-9*#A-Da-d]+$/.test(digits))
			throw new SwitchyardError("bad-request",
				`"${digits}": digits are 0-9 * # A-D.`);
		if (sender?.canInsertDTMF)
			sender.insertDTMF(sender.toneBuffer + digits, 120, 60);
		else
			await this.tell({ phoneDtmf: { leg: this.leg, digits,
				durationMs: 120 } });
	}

	/** Give the other side to somebody else: a number, or the other side of
	 * another call of this phone.  Resolves when that has begun; it ends when
	 * it has worked. */
	async transfer(to: string | Call): Promise<void> {
		await this.tell({ phoneTransfer: typeof to === "string"
			? { leg: this.leg, to, with: "" }
			: { leg: this.leg, to: "", with: to.leg } });
	}

	/** Look for a path to the node again; done by itself when one is lost. */
	restart(): Promise<void> {
		clearTimeout(this.timers.restart);
		return this.queue(() => this.offerAgain());
	}

	// -------------------------------------------------------------- by the phone

	/** @internal Place it. */
	async dial(to: string): Promise<void> {
		const mic = await this.host.devices.open();

		this.expectAlive(mic);
		this.mic = mic;
		this.called = this.peer.number = to;
		const pc = this.makePeer();

		await pc.setLocalDescription();
		const { phonePlaced } = await this.host.request({ phoneCall: {
			to, sdp: pc.localDescription!.sdp, lateCandidates: true } });

		this.leg = phonePlaced!.leg;
		this.id = phonePlaced!.call;
		if ((this.state as CallState) === "ended") {
			// Hung up while it was placed.
			this.host.send({ phoneHangup: { leg: this.leg, code: 0 } });
			return;
		}
		for (const candidate of this.candidates.splice(0))
			this.trickle(candidate);
	}

	/** @internal A message about this leg. */
	take(m: WsServer): void {
		if (this.state === "ended")
			return;
		if (m.phoneIncoming) {
			const i = m.phoneIncoming;

			this.leg = i.leg;
			this.id = i.call;
			this.peer = { number: i.from ?? "", name: i.fromName ?? "" };
			this.called = i.called ?? "";
			this.offer = i.sdp || undefined;
			if (i.sdp)
				this.gotOffer?.(i.sdp);
			this.become("ringing");
		} else if (m.phoneProgress) {
			this.become("ringing");
			this.takeAnswer(m.phoneProgress.sdp);
		} else if (m.phoneAnswer) {
			this.takeAnswer(m.phoneAnswer.sdp);
			if (this.direction === "outgoing")
				this.become("active");
		} else if (m.phoneOffer) {
			const { sdp } = m.phoneOffer;

			// Nobody has taken it yet: this is what there is to take now.
			if (this.direction === "incoming" && this.state === "ringing" &&
				!this.pc) {
				this.offer = sdp;
				this.gotOffer?.(sdp);
			} else {
				void this.queue(() => this.takeOffer(sdp));
			}
		} else if (m.phoneState?.state) {
			this.takeState(m.phoneState.state);
		} else if (m.phoneEnded) {
			this.end(m.phoneEnded.reason ?? "", m.phoneEnded.code ?? 0);
		}
	}

	/** @internal */
	takeState(s: PhoneCallState): void {
		this.leg = s.leg;
		this.id = s.call;
		this.peer = { number: s.peer ?? "", name: s.peerName ?? "" };
		this.held = !!s.held;
		this.muted = !!s.muted;
		this.useMute();
		if (s.answeredAt)
			this.answeredAt = new Date(s.answeredAt);
		if (s.state === "LEG_ANSWERED")
			this.become("active");
		else if (s.state === "LEG_RINGING")
			this.become("ringing");
		this.emit("update");
	}

	/** @internal */
	end(reason: string, code: number): void {
		if (this.state === "ended")
			return;
		this.endReason = reason;
		this.endCode = code;
		clearInterval(this.timers.stats);
		clearTimeout(this.timers.restart);
		this.stops.forEach((stop) => stop());
		this.dropPeer();
		this.dropMic();
		this.audio.srcObject = null;
		this.become("ended");
		this.emit("ended", reason, code);
	}

	/** @internal The page's network is another one. */
	networkChanged(): void {
		if (this.hasMedia && this.state !== "ended")
			void this.restart();
	}

	// ------------------------------------------------------------- negotiation

	// One after the other: a description is of no use in the middle of another.
	private queue<T>(work: () => Promise<T>): Promise<T> {
		const done = this.turn.then(work);

		this.turn = done.catch(() => {});
		return done;
	}

	private makePeer(): RTCPeerConnection {
		const pc = new RTCPeerConnection({
			...this.host.rtcConfiguration(),
			bundlePolicy: "max-bundle",
			rtcpMuxPolicy: "require",
		});

		this.dropPeer();
		this.pc = pc;
		if (this.mic)
			pc.addTrack(this.mic);
		pc.onicecandidate = (e) => pc === this.pc &&
			this.trickle(e.candidate?.candidate ?? "");
		pc.ontrack = ({ track }) => {
			this.remote.getTracks().forEach((t) =>
				this.remote.removeTrack(t));
			this.remote.addTrack(track);
			void this.audio.play().catch((e) => this.state !== "ended" &&
				this.emit("error", new SwitchyardError("blocked",
					"The browser plays no sound before a click.", [],
					{ cause: e })));
		};
		pc.onconnectionstatechange = () => pc === this.pc &&
			this.connectionIs(pc.connectionState);
		this.useMute();
		void this.useDevices();
		return pc;
	}

	private dropPeer() {
		const { pc } = this;

		this.pc = undefined;
		this.agreed = false;
		if (!pc)
			return;
		pc.onicecandidate = pc.ontrack = pc.onconnectionstatechange = null;
		pc.close();
	}

	private dropMic() {
		this.mic?.stop();
		this.mic = undefined;
	}

	private trickle(candidate: string) {
		if (!this.leg)
			this.candidates.push(candidate);
		else
			this.host.send({ phoneCandidate: { leg: this.leg, candidate } });
	}

	// Answer an offer of the cluster's.
	private async respond(sdp: string) {
		this.agreed = false;
		let pc = this.pc ?? this.makePeer();
		const offer = { type: "offer", sdp } as const;

		try {
			await pc.setRemoteDescription(offer);
		} catch {
			// It does not follow from what was: begin anew.
			pc = this.makePeer();
			await pc.setRemoteDescription(offer);
		}
		await pc.setLocalDescription();
		await this.answerWith(pc.localDescription!.sdp);
		this.agreed = pc === this.pc;
	}

	// A node that is gone has a next one within seconds.
	private async answerWith(sdp: string) {
		for (let i = 0; ; i++) {
			try {
				await this.host.request({ phoneAnswer: { leg: this.leg,
					sdp } });
				return;
			} catch (e) {
				const { code } = e as SwitchyardError;

				if (code === "not-found")
					this.end("It ended meanwhile.", 0);
				if (code !== "unavailable" || i >= ANSWER_TRIES ||
					(this.state as CallState) === "ended")
					throw e;
				await new Promise((ok) => setTimeout(ok, 1000));
			}
		}
	}

	private async takeOffer(sdp: string) {
		if (this.state === "ended")
			return;
		// Back after a reload: silent is better than gone.
		if (!this.mic)
			this.mic = await this.host.devices.open().catch((e) => {
				this.emit("error", e);
				return undefined;
			});
		if ((this.state as CallState) === "ended") {
			this.mic?.stop();
			return;
		}
		await this.respond(sdp).catch((e) => this.failed(e));
	}

	private takeAnswer(sdp: string) {
		if (!sdp)
			return;
		void this.queue(async () => {
			if (!this.pc || !isOffered(this.pc))
				return;
			await this.pc.setRemoteDescription({ type: "answer", sdp });
			this.agreed = true;
		}).catch((e) => this.failed(e));
	}

	// ICE restart by us.
	private async offerAgain() {
		const { pc } = this;

		if (!pc || this.state === "ended" || pc.signalingState !== "stable")
			return;
		pc.setConfiguration({ ...pc.getConfiguration(),
			...this.host.rtcConfiguration() });
		pc.restartIce();
		await pc.setLocalDescription();
		try {
			const m = await this.host.request({ phoneOffer: { leg: this.leg,
				sdp: pc.localDescription!.sdp } });

			if (m.phoneAnswer?.sdp)
				await pc.setRemoteDescription({ type: "answer",
					sdp: m.phoneAnswer.sdp });
		} catch {
			// The node may be gone: the next one will offer.
			if (pc === this.pc && isOffered(pc))
				await pc.setLocalDescription({ type: "rollback" });
			this.restartSoon();
		}
	}

	private failed(e: unknown) {
		this.emit("error", e instanceof SwitchyardError ? e :
			new SwitchyardError("media",
				`Audio cannot be set up: ${(e as Error).message}`, [],
				{ cause: e }));
	}

	// ------------------------------------------------------------------ media

	private connectionIs(state: RTCPeerConnectionState) {
		const was = this.media;

		clearTimeout(this.timers.restart);
		if (state === "connected") {
			this.media = "connected";
		} else if (state === "disconnected" || state === "failed") {
			this.media = "interrupted";
			this.restartSoon(state === "failed" ? 0 : RESTART_MS);
		} else if (was !== "interrupted") {
			this.media = "connecting";
		}
		if (this.media !== was)
			this.emit("media", this.media);
	}

	private restartSoon(ms = RESTART_MS) {
		clearTimeout(this.timers.restart);
		this.timers.restart = setTimeout(() => {
			if (this.media === "interrupted")
				void this.restart();
		}, ms);
	}

	private useMute() {
		if (this.mic)
			this.mic.enabled = !this.muted && !this.held;
	}

	// Another microphone or speaker was chosen, or the one in use has gone.
	private async useDevices() {
		const { devices } = this.host;
		const audio = this.audio as HTMLAudioElement &
			{ setSinkId?: (id: string) => Promise<void> };

		await audio.setSinkId?.(devices.speaker).catch(() =>
			audio.setSinkId?.("").catch(() => {}));
		const using = this.mic?.getSettings().deviceId;
		const gone = this.mic?.readyState === "ended";

		if (!this.mic || (!gone && (!devices.microphone ||
			devices.microphone === using)))
			return;
		if (!gone && !devices.microphones.some((d) =>
			d.id === devices.microphone))
			return;
		const mic = await devices.open().catch((e) => {
			this.emit("error", e);
			return undefined;
		});

		if (!mic || (this.state as CallState) === "ended") {
			mic?.stop();
			return;
		}
		this.mic.stop();
		this.mic = mic;
		this.useMute();
		await this.pc?.getSenders()[0]?.replaceTrack(mic);
	}

	private async readStats() {
		if (!this.pc || this.media === "none")
			return;
		const report = await this.pc.getStats();

		if (this.state === "ended")
			return;
		this.stats = this.reader.read(
			report.values() as Iterable<never>);
		this.emit("stats", this.stats);
	}

	// ------------------------------------------------------------------- state

	private become(state: CallState) {
		const order = ["dialing", "ringing", "active", "ended"];

		if (order.indexOf(state) <= order.indexOf(this.state))
			return;
		this.state = state;
		if (state === "active") {
			this.answeredAt ??= new Date();
			this.timers.stats = setInterval(() => void this.readStats(),
				this.host.statsMs);
		}
		this.emit("state", state);
	}

	private expectAlive(mic?: MediaStreamTrack) {
		if (this.state !== "ended")
			return;
		mic?.stop();
		throw new SwitchyardError("ended", "The call has ended.");
	}

	private async tell(body: Body) {
		this.expectAlive();
		await this.host.request(body);
	}
}
