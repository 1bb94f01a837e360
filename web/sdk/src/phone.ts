// SPDX-License-Identifier: MIT
//
// A page that is a phone of its device: it rings with the device's other
// phones, and calls as the device does.
//
// It is known by a secret of its own in sessionStorage, so a reload gets its
// calls back; and they go on while the page looks for another gateway.

import { Call, type CallHost } from "./call.js";
import { Connection, type Body, type ConnectionOptions }
	from "./connection.js";
import { Devices } from "./devices.js";
import { Emitter } from "./emitter.js";
import { SwitchyardError } from "./errors.js";
import { newSecret, ownSecret } from "./secret.js";
import type { PhoneRegistered, WsServer, WsWelcome } from "./schema.js";

export type PhoneState =
	| "offline"      // not started, or closed
	| "connecting"   // looking for a gateway; calls go on meanwhile
	| "registered"
	| "refused"      // who we are is not known: log in, then connect() again
	| "replaced";    // it is in another page now

export interface PhoneOptions extends ConnectionOptions {
	/** Shared with a Feed; then url and token are the connection's. */
	connection?: Connection;
	/** Whose phone it is, for a token of no device that may do everything (of a
	 * server's program, say). */
	device?: string;
	/** How operators see it; default: the browser's name. */
	name?: string;
	/** Of the microphone: echoCancellation ... */
	audio?: MediaTrackConstraints;
	/** "relay": by TURN only. */
	iceTransportPolicy?: RTCIceTransportPolicy;
	/** Hold other calls when one is made or taken; default true. */
	autoHold?: boolean;
	/** Between two "stats" of a call [ms]; default 5000. */
	statsMs?: number;
	/** Where the page's secret is kept; null: nowhere, a reload is another
	 * phone.  Default: sessionStorage. */
	storage?: Storage | null;
}

/** A text outside of calls. */
export interface TextMessage {
	/** Who wrote it; number "": not shown. */
	from: { number: string; name: string };
	/** The number that it was written to: ours, or that of a group. */
	to: string;
	text: string;
}

export interface PhoneEvents {
	state: [state: PhoneState, reason: string];
	/** Somebody calls. */
	incoming: [call: Call];
	/** A call is there: made, incoming, or back after a reload. */
	call: [call: Call];
	/** Calls came, went or changed. */
	calls: [];
	/** An incoming call rings, none does any more: for a ringing tone. */
	ringing: [ringing: boolean];
	/** Somebody writes, outside of calls. */
	message: [message: TextMessage];
	error: [error: SwitchyardError];
}

const REFRESH_EARLY_MS = 60_000;
const TIMER_MAX_MS = 2 ** 31 - 1;

export class Phone extends Emitter<PhoneEvents> {
	state: PhoneState = "offline";
	/** Whose phone it is; "" until registered. */
	device = "";
	displayName = "";
	readonly connection: Connection;
	readonly devices: Devices;

	private legs = new Map<string, Call>();
	private placing = new Set<Call>();
	private early: WsServer[] = [];  // of a call that is being placed
	private ice: RTCIceServer[] = [];
	private refresh?: ReturnType<typeof setTimeout>;
	private secret?: Promise<string>;
	private rings = false;
	private hasMoved = false;        // to another network; not told yet
	private stops: (() => void)[] = [];

	constructor(private options: PhoneOptions = {}) {
		super();
		this.connection = options.connection ?? new Connection(options);
		this.devices = new Devices(options.audio);
	}

	/** Calls that have not ended, oldest first. */
	get calls(): Call[] {
		return [...this.placing, ...this.legs.values()];
	}

	// -------------------------------------------------------------- its life

	/**
	 * Become a phone, and stay one until close().
	 *
	 * @throws SwitchyardError no-webrtc, unauthorized, no-device ...
	 */
	async connect(): Promise<void> {
		if (!globalThis.RTCPeerConnection)
			throw new SwitchyardError("no-webrtc",
				"This browser cannot make calls.");
		if (!this.stops.length)
			this.listen();
		this.secret ??= this.storage ? ownSecret(this.storage)
			: Promise.resolve(newSecret());
		const registered = new Promise<void>((done, failed) => {
			const stop = this.on("state", (state, reason) => {
				if (state === "connecting")
					return;
				stop();
				if (state === "registered")
					done();
				else
					failed(new SwitchyardError(state === "refused"
						? "unauthorized" : state, reason));
			});
		});

		if (this.state === "replaced")
			this.secret = Promise.resolve(newSecret());
		this.become("connecting", "");
		if (this.connection.state === "open")
			void this.register(this.connection.welcome!);
		else
			this.connection.connect().catch(() => {});
		return registered;
	}

	/** Be no phone any more; ends its calls. */
	async close(): Promise<void> {
		await Promise.all(this.calls.map((c) => c.hangup()));
		if (this.state === "registered")
			await this.connection.request({ phoneUnregister: {} })
				.catch(() => {});
		clearTimeout(this.refresh);
		this.stops.splice(0).forEach((stop) => stop());
		if (!this.options.connection)
			this.connection.close();
		this.become("offline", "closed");
	}

	private get storage() {
		const { storage } = this.options;

		return storage === undefined ? globalThis.sessionStorage : storage;
	}

	private listen() {
		const { connection } = this;
		const networks = [globalThis, (navigator as { connection?: EventTarget })
			.connection];
		const changed = () => this.networkChanged();

		networks[0]?.addEventListener("online", changed);
		networks[1]?.addEventListener("change", changed);
		this.stops.push(
			connection.on("open", (w) => void this.register(w)),
			connection.on("message", (m) => this.take(m)),
			connection.on("state", (state, why) => {
				if (state === "waiting" && this.state !== "replaced")
					this.become("connecting", why);
				else if (state === "refused")
					this.become("refused", why);
			}),
			() => {
				networks[0]?.removeEventListener("online", changed);
				networks[1]?.removeEventListener("change", changed);
			});
	}

	// Media finds another path at once, or as soon as a gateway is reached by
	// the new network.
	private networkChanged() {
		this.hasMoved = true;
		this.connection.check();
		for (const call of this.calls)
			call.networkChanged();
	}

	private async register(welcome: WsWelcome): Promise<void> {
		if (this.state === "replaced" || this.state === "offline")
			return;
		if (!welcome.device && !this.options.device) {
			this.stopWith(new SwitchyardError("no-device",
				"This login belongs to no device: it cannot call."));
			return;
		}
		const legs = [...this.legs.values()].filter((c) => c.isRunning)
			.map((c) => c.leg);

		try {
			const { phoneRegistered } = await this.connection.request({
				phoneRegister: { phone: await this.secret!, legs,
					name: this.options.name ?? browserName(),
					device: welcome.device ? "" : this.options.device! } });

			this.registered(phoneRegistered!);
		} catch (e) {
			const error = e as SwitchyardError;

			// A lost connection comes again by itself; and who cannot be
			// served now (Redis is away, say) asks again.
			if (error.code === "connection-lost")
				return;
			if (error.code === "timeout" || error.code === "unavailable") {
				this.emit("error", error);
				this.registerAt(Date.now() + 2000 + 2000 * Math.random());
				return;
			}
			this.stopWith(error);
		}
	}

	private stopWith(error: SwitchyardError) {
		this.emit("error", error);
		this.become("refused", error.message);
	}

	private registerAt(when_ms: number) {
		clearTimeout(this.refresh);
		this.refresh = setTimeout(() => this.connection.welcome &&
			this.connection.state === "open" &&
			void this.register(this.connection.welcome),
		Math.min(TIMER_MAX_MS, Math.max(1000, when_ms - Date.now())));
	}

	private registered(r: PhoneRegistered) {
		this.device = r.device;
		this.displayName = r.displayName ?? "";
		this.ice = (r.iceServers ?? []).map(({ urls, username, credential }) =>
			username ? { urls, username, credential } : { urls });
		if (r.iceExpiresAt)
			this.registerAt(Date.parse(r.iceExpiresAt) - REFRESH_EARLY_MS);
		// Which calls there are, the cluster knows: those that ended while
		// nobody could tell us, and those of the page before its reload.  What
		// runs may be without a node just now: an offer or the end of it
		// follows.
		const calls = r.calls ?? [];

		for (const call of this.legs.values())
			if (!call.isRunning && !calls.some((s) => s.leg === call.leg))
				call.end("It ended while there was no connection.", 0);
		for (const s of calls) {
			const known = this.legs.get(s.leg);
			const call = known ?? new Call(this.host,
				s.direction === "INBOUND" ? "outgoing" : "incoming");

			call.takeState(s);
			if (!known)
				this.add(call);
		}
		for (const call of this.calls)
			if (this.hasMoved || call.media === "interrupted")
				call.networkChanged();
		this.hasMoved = false;
		this.become("registered", "");
	}

	// ------------------------------------------------------------------ calls

	/**
	 * Call a number, a device or an application of the cluster.
	 *
	 * @throws SwitchyardError microphone-..., not-registered, and what the
	 *         cluster says: "not-found", "forbidden" ...
	 */
	async call(to: string): Promise<Call> {
		if (this.state !== "registered")
			throw new SwitchyardError("not-registered",
				"The phone is not connected now.");
		const call = new Call(this.host, "outgoing");

		this.placing.add(call);
		try {
			this.host.activating(call);
			await call.dial(to);
		} catch (e) {
			call.end((e as Error).message, 0);
			throw e;
		} finally {
			this.placing.delete(call);
		}
		if (call.state !== "ended")
			this.add(call);
		for (const m of this.early.splice(0))
			this.take(m);
		return call;
	}

	/**
	 * Write to a number, a device or a group: 1 to 900 bytes.  Fulfilled
	 * once a phone or a page of it has taken the text; nothing is kept for
	 * those that are away.
	 *
	 * @throws SwitchyardError not-registered, and what the cluster says:
	 *         "not-found", "forbidden", "unavailable" (nobody is there) ...
	 */
	async message(to: string, text: string): Promise<void> {
		if (this.state !== "registered")
			throw new SwitchyardError("not-registered",
				"The phone is not connected now.");
		await this.connection.request({ phoneMessage: { to, text } });
	}

	private host: CallHost = ((phone: Phone) => ({
		request: (body: Body) => phone.connection.request(body),
		send: (body: Body) => phone.connection.send(body),
		get devices() { return phone.devices; },
		get statsMs() { return phone.options.statsMs ?? 5000; },
		rtcConfiguration: () => ({ iceServers: phone.ice,
			iceTransportPolicy: phone.options.iceTransportPolicy ?? "all" }),
		activating(call: Call) {
			if (phone.options.autoHold === false)
				return;
			for (const other of phone.calls)
				if (other !== call && other.state === "active" &&
					!other.held)
					other.hold().catch(() => {});
		},
	}))(this);

	private add(call: Call) {
		this.legs.set(call.leg, call);
		call.on("state", () => this.changed());
		call.on("update", () => this.emit("calls"));
		call.on("media", (state) => {
			// Maybe the network is gone, and the gateway with it.
			if (state === "interrupted")
				this.connection.check();
			this.emit("calls");
		});
		call.once("ended", () => {
			this.legs.delete(call.leg);
			this.changed();
		});
		this.emit("call", call);
		if (call.direction === "incoming" && call.state === "ringing")
			this.emit("incoming", call);
		this.changed();
	}

	private changed() {
		const rings = [...this.legs.values()].some((c) =>
			c.direction === "incoming" && c.state === "ringing");

		if (rings !== this.rings)
			this.emit("ringing", this.rings = rings);
		this.emit("calls");
	}

	private take(m: WsServer) {
		const leg = (m.phoneIncoming ?? m.phoneProgress ?? m.phoneAnswer ??
			m.phoneOffer ?? m.phoneState?.state ?? m.phoneEnded)?.leg;

		if (m.phoneReplaced) {
			this.become("replaced", "The phone is in another page now.");
			for (const call of this.calls)
				call.end("It goes on in another page.", 0);
			return;
		}
		if (m.phoneMessage) {
			const { from, fromName, to, text } = m.phoneMessage;

			this.emit("message", {
				from: { number: from, name: fromName }, to, text });
			return;
		}
		if (!leg)
			return;
		const call = this.legs.get(leg);

		if (call) {
			call.take(m);
		} else if (m.phoneIncoming) {
			const fresh = new Call(this.host, "incoming");

			fresh.take(m);
			this.add(fresh);
		} else if (this.placing.size) {
			this.early.push(m);
		}
	}

	private become(state: PhoneState, reason: string) {
		if (state === this.state)
			return;
		this.state = state;
		if (state !== "registered")
			clearTimeout(this.refresh);
		this.emit("state", state, reason);
	}
}

/** "Chromium on Linux" */
function browserName(): string {
	const data = (navigator as { userAgentData?: { platform: string;
		brands: { brand: string }[] } }).userAgentData;
	const brand = data?.brands.map((b) => b.brand).findLast((b) =>
		!/not.?a.?brand/i.test(b)) ??
		/(Firefox|Edg|Chrome|Safari)/.exec(navigator.userAgent)?.[1] ??
		"Browser";
	const on = data?.platform ?? /(Windows|Mac OS|Android|iPhone|Linux)/
		.exec(navigator.userAgent)?.[1];

	return on ? `${brand} on ${on}` : brand;
}
