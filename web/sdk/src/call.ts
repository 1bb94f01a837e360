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

import type { Body } from "./connection.js";
import { Emitter } from "./emitter.js";
import { SwitchyardError } from "./errors.js";
import { Media, type MediaHost, type MediaOwner, type MediaState }
	from "./media.js";
import type { CallStats } from "./stats.js";
import type { PhoneCallState, WsServer } from "./schema.js";

export type CallState = "dialing" | "ringing" | "active" | "ended";

export interface CallEvents {
	state: [state: CallState];
	media: [state: MediaState];
	/** Held, muted, another peer ...: look at the call. */
	update: [];
	/** Each 5 seconds while it is active. */
	stats: [stats: CallStats];
	ended: [reason: string, code: number];
	/** The other side is heard by this track from now on, of the first node or
	 * the next one; `remote` has it as soon as it is heard. */
	track: [track: MediaStreamTrack];
	/** The call goes on, yet something does not work: no microphone, say. */
	error: [error: SwitchyardError];
}

/** What a call needs of its phone. */
export interface CallHost extends MediaHost {
	statsMs: number;
	/** Before it becomes active. */
	activating(call: Call): void;
}

export class Call extends Emitter<CallEvents> {
	leg = "";
	/** Id of the call in the API; "" until it is placed. */
	id = "";
	state: CallState = "dialing";
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
	private audio: Media;
	private offer?: string;             // of an incoming call
	private gotOffer?: (sdp: string) => void;
	private timer?: ReturnType<typeof setInterval>;

	/** By the phone alone. */
	constructor(private host: CallHost,
		readonly direction: "incoming" | "outgoing") {
		super();
		this.audio = new Media(host, this.owner);
	}

	get media(): MediaState {
		return this.audio.state;
	}

	/** What is heard: plays by itself, and may be shown, recorded ... */
	get remote(): MediaStream {
		return this.audio.remote;
	}

	/** False: another node has it just now, or the page's own network is
	 * gone. */
	get isHeard() {
		return this.media === "connected";
	}

	/** True once browser and cluster have agreed on media. */
	get hasMedia() {
		return this.audio.agreed;
	}

	/** @internal True: the browser has, or waits for, media of it; else the
	 * cluster has to offer it, as after a reload. */
	get isRunning() {
		return this.hasMedia || this.audio.isOffered;
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

		// Of a page that was loaded anew the offer comes a moment later.
		await this.audio.answer(mic, async () => {
			this.host.activating(this);
			return this.offer ?? await this.offered();
		});
		this.become("active");
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
		this.useSilence();
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
		this.useSilence();
		this.emit("update");
	}

	resume() {
		return this.hold(false);
	}

	/** Dial digits into the call: 0-9 * # A-D. */
	async dtmf(digits: string): Promise<void> {
		const sender = this.audio.dtmf;

		if (!/^[0-9*#A-Da-d]+$/.test(digits))
			throw new SwitchyardError("bad-request",
				`"${digits}": digits are 0-9 * # A-D.`);
		if (sender)
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
		return this.audio.restart();
	}

	// -------------------------------------------------------------- by the phone

	/** @internal Place it. */
	async dial(to: string): Promise<void> {
		const mic = await this.host.devices.open();

		this.expectAlive(mic);
		this.called = this.peer.number = to;
		const sdp = await this.audio.offer(mic);
		const { phonePlaced } = await this.host.request({ phoneCall: {
			to, sdp, lateCandidates: true } });

		this.leg = phonePlaced!.leg;
		this.id = phonePlaced!.call;
		if ((this.state as CallState) === "ended") {
			// Hung up while it was placed.
			this.host.send({ phoneHangup: { leg: this.leg, code: 0 } });
			return;
		}
		this.audio.placed();
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
			this.audio.takeAnswer(m.phoneProgress.sdp);
		} else if (m.phoneAnswer) {
			this.audio.takeAnswer(m.phoneAnswer.sdp);
			if (this.direction === "outgoing")
				this.become("active");
		} else if (m.phoneOffer) {
			const { sdp } = m.phoneOffer;

			// Nobody has taken it yet: this is what there is to take now.
			if (this.direction === "incoming" && this.state === "ringing" &&
				!this.audio.isBegun) {
				this.offer = sdp;
				this.gotOffer?.(sdp);
			} else {
				this.audio.takeOffer(sdp);
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
		this.useSilence();
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
		clearInterval(this.timer);
		this.audio.close();
		this.become("ended");
		this.emit("ended", reason, code);
	}

	/** @internal The page's network is another one. */
	networkChanged(): void {
		if (this.hasMedia && this.state !== "ended")
			void this.restart();
	}

	// ------------------------------------------------------------------ media

	private get owner(): MediaOwner {
		const call = this;

		return {
			get leg() { return call.leg; },
			mediaIs: (state) => call.emit("media", state),
			mediaTrack: (track) => call.emit("track", track),
			mediaFailed: (error) => call.emit("error", error),
			mediaGone: () => call.end("It ended meanwhile.", 0),
		};
	}

	private useSilence() {
		this.audio.setSilent(this.muted || this.held);
	}

	private async readStats() {
		const stats = await this.audio.readStats();

		if (stats)
			this.emit("stats", this.stats = stats);
	}

	// ------------------------------------------------------------------- state

	private become(state: CallState) {
		const order = ["dialing", "ringing", "active", "ended"];

		if (order.indexOf(state) <= order.indexOf(this.state))
			return;
		this.state = state;
		if (state === "active") {
			this.answeredAt ??= new Date();
			this.timer = setInterval(() => void this.readStats(),
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
