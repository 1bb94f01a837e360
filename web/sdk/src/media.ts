// SPDX-License-Identifier: MIT
//
// The audio of a call: the connection of the browser with the node that has the
// call now, microphone and loudspeaker.  Another node, a transfer or another
// network is another description; the call knows nothing of that.

import type { Body } from "./connection.js";
import type { Devices } from "./devices.js";
import { SwitchyardError } from "./errors.js";
import { Former } from "./former.js";
import { Playback } from "./playback.js";
import { StatsReader, type CallStats } from "./stats.js";
import type { WsServer } from "./schema.js";

export type MediaState = "none" | "connecting" | "connected" | "interrupted";

/** What it needs of the phone. */
export interface MediaHost {
	request(body: Body): Promise<WsServer>;
	send(body: Body): boolean;
	devices: Devices;
	rtcConfiguration(): RTCConfiguration;
}

/** Its call. */
export interface MediaOwner {
	/** "" before it is placed. */
	readonly leg: string;
	mediaIs(state: MediaState): void;
	/** This is heard from now on, or will be in a moment. */
	mediaTrack(track: MediaStreamTrack): void;
	/** It goes on, yet something does not work. */
	mediaFailed(error: SwitchyardError): void;
	/** The cluster does not know the leg any more. */
	mediaGone(): void;
}

const RESTART_MS = 1500; // a moment's disturbance is none
const ANSWER_TRIES = 8;

/** Whose keys they will be. */
const fingerprint = (sdp = "") => /^a=fingerprint:(.*\S)/m.exec(sdp)?.[1];

/** What is said of a connection of ours: that nothing need be sent here while
 * nobody speaks (RFC 7587 6.1).  Browsers can do with that, and do not say so. */
function description(pc: RTCPeerConnection): string {
	const { sdp } = pc.localDescription!;
	const opus = /^a=rtpmap:(\d+) opus\//m.exec(sdp)?.[1];

	return sdp.replace(new RegExp(`^a=fmtp:${opus} (?!.*usedtx).*\\S`, "m"),
		"$&;usedtx=1");
}

const isOffered = (pc: RTCPeerConnection) =>
	pc.signalingState === "have-local-offer";

export class Media {
	state: MediaState = "none";
	/** Browser and cluster have agreed, and what was said has arrived. */
	agreed = false;

	private pc?: RTCPeerConnection;
	private former?: Former;            // heard until pc is
	private mic?: MediaStreamTrack;
	private playback: Playback;
	private reader = new StatsReader();
	private silent = false;
	private over = false;
	private candidates: string[] = [];  // before there is a leg
	private turn: Promise<unknown> = Promise.resolve();
	private timer?: ReturnType<typeof setTimeout>;
	private replacing = false;
	private unwatch: () => void;

	constructor(private host: MediaHost, private owner: MediaOwner) {
		this.playback = new Playback({
			get speaker() { return host.devices.speaker; },
			blocked: (cause) => owner.mediaFailed(new SwitchyardError(
				"blocked", "The browser plays no sound before a click.",
				[], { cause })),
		});
		this.unwatch = host.devices.on("change",
			() => void this.useDevices());
	}

	/** Somebody has begun to negotiate. */
	get isBegun() {
		return !!this.pc;
	}

	get remote(): MediaStream {
		return this.playback.remote;
	}

	/** An offer of ours waits for its answer. */
	get isOffered() {
		return !!this.pc && isOffered(this.pc);
	}

	/** Nothing is said: muted, or held. */
	setSilent(silent: boolean) {
		this.silent = silent;
		this.useSilence();
	}

	/** The browser's own sender of digits, if it can. */
	get dtmf(): RTCDTMFSender | undefined {
		const sender = this.pc?.getSenders().find((s) => s.dtmf)?.dtmf;

		return sender?.canInsertDTMF ? sender : undefined;
	}

	async readStats(): Promise<CallStats | undefined> {
		if (!this.pc || this.state === "none")
			return undefined;
		const report = await this.pc.getStats();

		return this.over ? undefined
			: this.reader.read(report.values() as Iterable<never>);
	}

	/** No more of it. */
	close() {
		this.over = true;
		clearTimeout(this.timer);
		this.unwatch();
		this.drop();
		this.playback.close();
	}

	// ------------------------------------------------------------ negotiation

	/** An offer of ours, for a new call. @param mic  Taken. */
	async offer(mic: MediaStreamTrack): Promise<string> {
		this.take(mic);
		const pc = this.makePeer();

		await pc.setLocalDescription();
		return description(pc);
	}

	/** There is a leg now: what has waited is said. */
	placed() {
		for (const candidate of this.candidates.splice(0))
			this.trickle(candidate);
	}

	/** Answer the offer of an incoming call. @param mic  Taken. */
	answer(mic: MediaStreamTrack, offer: () => Promise<string>)
		: Promise<void> {
		return this.queue(async () => {
			if (this.over) {
				mic.stop();
				throw new SwitchyardError("ended", "The call has ended.");
			}
			this.take(mic);
			try {
				await this.respond(await offer());
			} catch (e) {
				// It rings on, and may be taken once more.
				this.drop();
				throw e;
			}
		});
	}

	/** A new offer of the cluster's. */
	takeOffer(sdp: string) {
		void this.queue(async () => {
			if (this.over)
				return;
			// Back after a reload: silent is better than gone.
			if (!this.mic)
				this.take(await this.open());
			if (!this.over)
				await this.respond(sdp);
		}).catch((e) => this.failed(e));
	}

	/** The answer to an offer of ours; "": it has come before. */
	takeAnswer(sdp: string) {
		if (!sdp)
			return;
		void this.queue(async () => {
			if (!this.pc || !isOffered(this.pc))
				return;
			await this.pc.setRemoteDescription({ type: "answer", sdp });
			this.agreed = true;
		}).catch((e) => this.failed(e));
	}

	/** ICE restart by us. */
	restart(): Promise<void> {
		clearTimeout(this.timer);
		return this.queue(() => this.offerAgain());
	}

	// One after the other: a description is of no use in the middle of another.
	private queue<T>(work: () => Promise<T>): Promise<T> {
		const done = this.turn.then(work);

		this.turn = done.catch(() => {});
		return done;
	}

	/** @param former  Stays, until the new one is heard. */
	private makePeer(former?: RTCPeerConnection): RTCPeerConnection {
		const pc = new RTCPeerConnection({
			...this.host.rtcConfiguration(),
			bundlePolicy: "max-bundle",
			rtcpMuxPolicy: "require",
		});

		this.dropPeer(former);
		this.pc = pc;
		if (former)
			this.former = new Former(former, pc, () => this.formerGone(pc));
		if (this.mic)
			pc.addTrack(this.mic);
		pc.onicecandidate = (e) => pc === this.pc &&
			this.trickle(e.candidate?.candidate ?? "");
		pc.ontrack = ({ track }) => {
			this.playback.play(track, !!this.former);
			this.owner.mediaTrack(track);
		};
		pc.onconnectionstatechange = () => pc === this.pc &&
			this.connectionIs(pc.connectionState);
		this.useSilence();
		void this.useDevices();
		return pc;
	}

	private formerGone(pc: RTCPeerConnection) {
		this.former = undefined;
		this.playback.settle();
		if (pc === this.pc)
			this.connectionIs(pc.connectionState);
	}

	private dropPeer(kept?: RTCPeerConnection) {
		const { pc } = this;

		this.pc = undefined;
		this.agreed = false;
		this.former?.close();
		if (!pc || pc === kept)
			return;
		pc.onicecandidate = pc.ontrack = pc.onconnectionstatechange = null;
		pc.close();
	}

	private drop() {
		this.dropPeer();
		this.take(undefined);
	}

	private trickle(candidate: string) {
		const { leg } = this.owner;

		if (!leg)
			this.candidates.push(candidate);
		else
			this.host.send({ phoneCandidate: { leg, candidate } });
	}

	private async respond(sdp: string) {
		const offer = { type: "offer", sdp } as const;
		const was = fingerprint(this.pc?.remoteDescription?.sdp);
		// Another node has it, or the call is another one.
		let pc = this.pc && (!was || was === fingerprint(sdp)) ? this.pc :
			this.makePeer(this.pc);

		this.agreed = false;
		try {
			await pc.setRemoteDescription(offer);
		} catch {
			// It does not follow from what was: begin anew.
			pc = this.makePeer();
			await pc.setRemoteDescription(offer);
		}
		await pc.setLocalDescription();
		await this.answerWith(description(pc));
		this.agreed = pc === this.pc;
	}

	// A node that is gone has a next one within seconds.
	private async answerWith(sdp: string) {
		for (let i = 0; ; i++) {
			try {
				await this.host.request({ phoneAnswer: {
					leg: this.owner.leg, sdp } });
				return;
			} catch (e) {
				const { code } = e as SwitchyardError;

				if (code === "not-found")
					this.owner.mediaGone();
				if (code !== "unavailable" || i >= ANSWER_TRIES ||
					this.over)
					throw e;
				await new Promise((ok) => setTimeout(ok, 1000));
			}
		}
	}

	private async offerAgain() {
		const { pc } = this;

		if (!pc || this.over || pc.signalingState !== "stable")
			return;
		pc.setConfiguration({ ...pc.getConfiguration(),
			...this.host.rtcConfiguration() });
		pc.restartIce();
		await pc.setLocalDescription();
		try {
			await this.host.request({ phoneOffer: { leg: this.owner.leg,
				sdp: description(pc) } });
		} catch {
			// The node may be gone: the next one will offer.
			if (pc === this.pc && isOffered(pc))
				await pc.setLocalDescription({ type: "rollback" });
			this.restartSoon();
		}
	}

	private failed(e: unknown) {
		if (!this.over)
			this.owner.mediaFailed(e instanceof SwitchyardError ? e :
				new SwitchyardError("media",
					`Audio cannot be set up: ${(e as Error).message}`, [],
					{ cause: e }));
	}

	private connectionIs(state: RTCPeerConnectionState) {
		const was = this.state;

		clearTimeout(this.timer);
		if (state === "connected") {
			this.state = "connected";
		} else if (state === "disconnected" || state === "failed") {
			this.state = "interrupted";
			this.restartSoon(state === "failed" ? 0 : RESTART_MS);
		} else if (was !== "interrupted" && !this.former) {
			this.state = "connecting";
		}
		if (this.state !== was)
			this.owner.mediaIs(this.state);
	}

	private restartSoon(ms = RESTART_MS) {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => {
			if (this.state === "interrupted")
				void this.restart();
		}, ms);
	}

	// ------------------------------------------------------ in and out of it

	private useSilence() {
		if (this.mic)
			this.mic.enabled = !this.silent;
	}

	/* A microphone in place of the one before; the call's own from now on. */
	private take(mic: MediaStreamTrack | undefined) {
		if (this.mic) {
			this.mic.onended = null;
			this.mic.stop();
		}
		this.mic = mic;
		if (!mic)
			return;
		if (this.over) {
			mic.stop();
			return;
		}
		mic.onended = () => void this.replaceMic(); // pulled, or forbidden
		this.useSilence();
	}

	private open(): Promise<MediaStreamTrack | undefined> {
		return this.host.devices.open().catch((e) => {
			if (!this.over)
				this.owner.mediaFailed(e);
			return undefined;
		});
	}

	private async useDevices() {
		await this.playback.useSpeaker();
		if (this.agreed && this.wantsOtherMic())
			await this.replaceMic();
	}

	// Another one was chosen and is there, or the one in use has gone; or there
	// was none.
	private wantsOtherMic(): boolean {
		const { microphone, microphones } = this.host.devices;

		if (this.mic?.readyState !== "live")
			return microphones.length > 0;
		return !!microphone &&
			microphone !== this.mic.getSettings().deviceId &&
			microphones.some((d) => d.id === microphone);
	}

	private async replaceMic() {
		if (this.replacing || this.over)
			return;
		this.replacing = true;
		try {
			const lost = this.mic?.readyState === "ended";
			const mic = await this.open();

			if (!mic)
				return;
			this.take(mic);
			await this.say(mic);
			if (lost && !this.over)
				this.host.devices.replaced();
		} finally {
			this.replacing = false;
		}
	}

	private async say(mic: MediaStreamTrack) {
		const { pc } = this;
		const sender = pc?.getSenders()[0];

		if (sender?.track) {
			await sender.replaceTrack(mic);
		} else if (pc && !this.over) {
			pc.addTrack(mic); // it had none: the node does not expect any
			await this.restart();
		}
	}
}
