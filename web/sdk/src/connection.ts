// SPDX-License-Identifier: MIT
//
// One WebSocket to the cluster, kept: any gateway is as good as another, so
// when one is gone the next is asked.  Phone and Feed share a connection.
//
//   idle -> connecting -> open -> waiting -> connecting ...
//                  \-> refused (who we are is not known: log in, connect())

import { Emitter } from "./emitter.js";
import { SwitchyardError } from "./errors.js";
import type { WsClient, WsServer, WsWelcome } from "./schema.js";

export type ConnectionState =
	| "idle" | "connecting" | "open" | "waiting" | "refused";

export interface ConnectionOptions {
	/** Gateways: "https://host", "wss://host/ws"; default: where the page is
	 * from.  Of several the next is asked when one does not answer. */
	url?: string | string[];
	/** API token with the scopes that are needed, or what fetches a fresh
	 * one; without: the session's cookie. */
	token?: string | (() => string | Promise<string>);
	/** For Node.js and tests. */
	WebSocket?: typeof WebSocket;
}

export interface ConnectionEvents {
	state: [state: ConnectionState, reason: string];
	open: [welcome: WsWelcome];
	message: [message: WsServer];
}

/** What is absent has its default. */
type Sparse<T> = T extends (infer I)[] ? Sparse<I>[] :
	T extends object ? { [K in keyof T]?: Sparse<T[K]> } : T;

/** A message of ours: exactly one member. */
export type Body = Omit<Sparse<WsClient>, "id">;

interface Pending {
	done: (m: WsServer) => void;
	failed: (e: Error) => void;
	timer: ReturnType<typeof setTimeout>;
}

const ANSWER_MS = 10_000;
const OPEN_MS = 8_000;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 10_000;
const PING_MS = 10_000;  // a gateway whose machine is gone says no word
const DOUBT_MS = 2_000;  // to its answer, when the network is another one

export const CLOSE_UNAUTHORIZED = 4401;
const CLOSE_POLICY = 1008;

// On /ws fields are left out that have their default.
const WELCOME: WsWelcome = { gateway: "", version: "", scopes: [], user: "",
	device: "", idleS: 60 };

/** "https://host:8443", "host:8443", "wss://host/ws" to the latter. */
export function socketUrl(text: string): string {
	const url = new URL(/^\w+:\/\//.test(text) ? text : `https://${text}`);

	url.protocol = url.protocol.replace("http", "ws");
	if (url.pathname === "/")
		url.pathname = "/ws";
	return url.href;
}

/** Doubling, and anywhere in the upper half: clients of a gateway that died
 * must not come all at once. */
export function retryDelay(failures: number, random = Math.random): number {
	const top = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);

	return top / 2 + random() * top / 2;
}

export class Connection extends Emitter<ConnectionEvents> {
	state: ConnectionState = "idle";
	welcome?: WsWelcome;
	private urls: string[];
	private at = 0;
	private failures = 0;
	private number = 0;
	private socket?: WebSocket;
	private pending = new Map<number, Pending>();
	private timer?: ReturnType<typeof setTimeout>;
	private pinger?: ReturnType<typeof setInterval>;
	private tokenIsFresh = false;
	private waiters: { done: (w: WsWelcome) => void;
		failed: (e: Error) => void }[] = [];

	constructor(private options: ConnectionOptions = {}) {
		super();
		const url = options.url ?? globalThis.location?.origin;

		if (!url?.length)
			throw new SwitchyardError("not-connected",
				"No gateway is named: give a url.");
		this.urls = [url].flat().map(socketUrl);
	}

	/** The gateway that is, or was last, asked: "https://host". */
	get origin(): string {
		return new URL(this.urls[this.at].replace(/^ws/, "http")).origin;
	}

	/** Resolves when a gateway has said welcome; rejects when it does not know
	 * us.  From then on the connection is kept until close(). */
	connect(): Promise<WsWelcome> {
		if (this.state === "open" && this.welcome)
			return Promise.resolve(this.welcome);
		const opened = new Promise<WsWelcome>((done, failed) =>
			this.waiters.push({ done, failed }));

		if (this.state !== "connecting") {
			globalThis.addEventListener?.("online", this.hurry);
			this.open();
		}
		return opened;
	}

	/** End it; the phone's calls are not ended by that. */
	close() {
		globalThis.removeEventListener?.("online", this.hurry);
		this.drop();
		this.become("idle", "closed");
		this.settle(new SwitchyardError("not-connected", "Closed."));
	}

	/** Say something that needs no answer. @return false: not connected. */
	send(body: Body): boolean {
		if (this.state !== "open")
			return false;
		this.socket!.send(JSON.stringify(body));
		return true;
	}

	/** Say something; resolves with its answer, which is no "message". */
	request(body: Body, timeout_ms = ANSWER_MS): Promise<WsServer> {
		if (this.state !== "open")
			return Promise.reject(new SwitchyardError("not-connected",
				"There is no connection to a gateway now."));
		return this.ask(body, timeout_ms);
	}

	private ask(body: Body, timeout_ms: number): Promise<WsServer> {
		const id = ++this.number;

		return new Promise((done, failed) => {
			const timer = setTimeout(() => {
				this.pending.delete(id);
				failed(new SwitchyardError("timeout",
					"The gateway did not answer in time."));
			}, timeout_ms);

			this.pending.set(id, { done, failed, timer });
			this.socket!.send(JSON.stringify({ id, ...body }));
		});
	}

	// ------------------------------------------------------------- opening

	private async open() {
		this.become("connecting", "");
		clearTimeout(this.timer);
		let token: string | undefined;

		try {
			token = await this.token();
		} catch (e) {
			this.lost(`no token: ${(e as Error).message}`);
			return;
		}
		if (this.state !== "connecting")
			return;
		const Socket = this.options.WebSocket ?? globalThis.WebSocket;
		const socket = new Socket(this.urls[this.at]);

		this.socket = socket;
		this.timer = setTimeout(() => socket === this.socket &&
			this.lost("the gateway did not answer"), OPEN_MS);
		socket.onopen = () => {
			if (token)
				socket.send(JSON.stringify({ hello: { token } }));
		};
		socket.onmessage = (e) => socket === this.socket &&
			this.received(e.data);
		socket.onclose = (e) => socket === this.socket &&
			this.closed(e.code, e.reason);
	}

	private async token() {
		const { token } = this.options;

		this.tokenIsFresh = typeof token === "function";
		return typeof token === "function" ? token() : token;
	}

	private received(data: unknown) {
		const m = JSON.parse(String(data)) as WsServer;
		const asked = m.id ? this.pending.get(m.id) : undefined;

		if (m.welcome) {
			this.opened({ ...WELCOME, ...m.welcome });
			return;
		}
		if (asked) {
			clearTimeout(asked.timer);
			this.pending.delete(m.id);
			if (m.error)
				asked.failed(new SwitchyardError(m.error.type ?? "error",
					m.error.detail ?? "", m.error.errors));
			else
				asked.done(m);
			return;
		}
		if (m.error?.type === "unauthorized" &&
			this.state === "connecting") {
			this.closed(CLOSE_UNAUTHORIZED, m.error.detail);
			return;
		}
		this.emit("message", m);
	}

	private opened(welcome: WsWelcome) {
		clearTimeout(this.timer);
		clearInterval(this.pinger);
		this.failures = 0;
		this.welcome = welcome;
		this.pinger = setInterval(() => this.ping(), Math.min(PING_MS,
			welcome.idleS * 500));
		this.become("open", welcome.gateway);
		this.emit("open", welcome);
		this.waiters.splice(0).forEach((w) => w.done(welcome));
	}

	/** The network may be another one: is the gateway there still?  If not,
	 * the next one is asked now. */
	check() {
		if (this.state === "open")
			this.ping(DOUBT_MS);
		else
			this.hurry();
	}

	private ping(timeout_ms = PING_MS / 2) {
		const socket = this.socket;

		this.ask({ ping: {} }, timeout_ms).catch((e) => {
			if (socket === this.socket && e.code === "timeout")
				this.lost("the gateway does not answer any more");
		});
	}

	// -------------------------------------------------------------- ending

	private closed(code: number, reason: string) {
		const why = reason || `closed with ${code}`;

		if (code !== CLOSE_UNAUTHORIZED && code !== CLOSE_POLICY) {
			void this.lostUnlessUnknown(why);
			return;
		}
		// A token may have ended meanwhile; who can fetch one gets a turn.
		if (this.state === "open" && this.tokenIsFresh) {
			this.lost(why);
			return;
		}
		this.refused(why);
	}

	private refused(why: string) {
		this.drop();
		this.become("refused", why);
		this.settle(new SwitchyardError("unauthorized", why));
	}

	/* A browser does not tell that an upgrade was answered by 401. */
	private async lostUnlessUnknown(why: string) {
		const never = this.state === "connecting" && !this.options.token &&
			!!globalThis.document;

		this.lost(why);
		if (!never)
			return;
		const url = `${this.origin}/api/session`;
		const res = await fetch(url, { credentials: "include" })
			.catch(() => undefined);

		if (res?.status === 401 && this.state === "waiting")
			this.refused("There is no session: log in.");
	}

	private lost(why: string) {
		this.drop();
		this.at = (this.at + 1) % this.urls.length;
		this.become("waiting", why);
		this.timer = setTimeout(() => this.open(),
			retryDelay(this.failures++));
	}

	private drop() {
		const { socket } = this;

		this.socket = undefined;
		clearTimeout(this.timer);
		clearInterval(this.pinger);
		socket?.close(1000);
		for (const [, p] of this.pending) {
			clearTimeout(p.timer);
			p.failed(new SwitchyardError("connection-lost",
				"The connection was lost before the answer came."));
		}
		this.pending.clear();
	}

	private settle(e: Error) {
		this.waiters.splice(0).forEach((w) => w.failed(e));
	}

	private hurry = () => {
		if (this.state === "waiting")
			void this.open();
	};

	private become(state: ConnectionState, reason: string) {
		if (state === this.state)
			return;
		this.state = state;
		this.emit("state", state, reason);
	}
}
