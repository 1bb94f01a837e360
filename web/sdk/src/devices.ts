// SPDX-License-Identifier: MIT
//
// Microphone and speaker: which there are, which are chosen, and what to do
// when one is plugged in or pulled out.

import { Emitter } from "./emitter.js";
import { SwitchyardError, microphoneError } from "./errors.js";

export interface AudioDevice {
	id: string;
	/** "" until the user has once allowed a microphone. */
	label: string;
}

export interface DeviceEvents {
	/** Something was plugged in, pulled out or chosen. */
	change: [];
	/** The microphone of a call has gone: another one was taken. */
	lost: [];
}

const KEEP = "switchyard.devices";

export class Devices extends Emitter<DeviceEvents> {
	microphones: AudioDevice[] = [];
	speakers: AudioDevice[] = [];
	/** Chosen; "": as the system has it. */
	microphone = "";
	speaker = "";

	/** @param constraints  Of each microphone: echoCancellation ... */
	constructor(private constraints: MediaTrackConstraints = {}) {
		super();
		try {
			Object.assign(this, JSON.parse(
				globalThis.localStorage?.getItem(KEEP) ?? "{}"));
		} catch { /* what is kept there is a convenience */ }
		navigator.mediaDevices?.addEventListener("devicechange",
			() => void this.refresh());
		void this.watchPermission();
	}

	// Who allows the microphone during a call is heard from then on.
	private async watchPermission() {
		try {
			const name = "microphone" as PermissionName;
			const status = await navigator.permissions.query({ name });

			status.onchange = () => void this.refresh();
		} catch { /* not in every browser */ }
	}

	/** @internal A call has another microphone, for want of its own. */
	replaced() {
		this.emit("lost");
	}

	/** Look again; also asks nothing of the user. */
	async refresh() {
		const all = await navigator.mediaDevices?.enumerateDevices() ?? [];
		const of = (kind: string) => all.filter((d) => d.kind === kind &&
			d.deviceId).map((d) => ({ id: d.deviceId, label: d.label }));

		this.microphones = of("audioinput");
		this.speakers = of("audiooutput");
		this.emit("change");
	}

	/** Choose; running calls change over at once. */
	async useMicrophone(id: string) {
		this.microphone = id;
		this.keep();
		await this.refresh();
	}

	async useSpeaker(id: string) {
		this.speaker = id;
		this.keep();
		this.emit("change");
	}

	private keep() {
		try {
			globalThis.localStorage?.setItem(KEEP, JSON.stringify({
				microphone: this.microphone, speaker: this.speaker }));
		} catch { /* private mode */ }
	}

	/**
	 * Open the microphone that is chosen, or else the system's.
	 *
	 * @throws SwitchyardError microphone-denied, no-microphone,
	 *         microphone-busy, no-webrtc
	 */
	async open(): Promise<MediaStreamTrack> {
		if (!navigator.mediaDevices)
			throw new SwitchyardError("no-webrtc", "This page may use no " +
				"microphone: it must come by HTTPS.");
		const stream = await this.ask(this.microphone).catch((e) => {
			if (this.microphone && e?.name === "OverconstrainedError")
				return this.ask("");
			throw e;
		}).catch((e) => { throw microphoneError(e); });

		// Only now have devices names.
		if (!this.microphones.some((d) => d.label))
			void this.refresh();
		return stream.getAudioTracks()[0];
	}

	private ask(id: string) {
		return navigator.mediaDevices.getUserMedia({ audio: {
			...this.constraints,
			...(id ? { deviceId: { exact: id } } : {}),
		} });
	}
}
