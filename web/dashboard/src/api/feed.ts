// SPDX-License-Identifier: MIT
//
// The live feed: one WebSocket, topics that somebody looks at, and a snapshot
// ahead of the changes of each.  Where /ws does not answer, feed.state is "off"
// and who looks asks by REST instead (live.ts).
import type { WsServer } from "./schema";

export type FeedState = "closed" | "connecting" | "open" | "off";
type Handler = (message: WsServer) => void;

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
const GIVE_UP = 3;        // attempts that never opened: there is no /ws
const OFF_RETRY_MS = 30_000;

class Feed {
	state: FeedState = "closed";
	private socket?: WebSocket;
	private topics = new Map<string, Set<Handler>>();
	private watchers = new Set<() => void>();
	private failures = 0;
	private retry?: ReturnType<typeof setTimeout>;
	private ping?: ReturnType<typeof setInterval>;
	private number = 0;
	private asked = new Map<number, string>(); // subscriptions by message

	/** Be told of changes of `state`. */
	watch = (handler: () => void) => {
		this.watchers.add(handler);
		return () => { this.watchers.delete(handler); };
	};

	private become(state: FeedState) {
		if (state === this.state)
			return;
		this.state = state;
		this.watchers.forEach((w) => w());
	}

	start() {
		if (this.state === "closed")
			this.connect();
	}

	stop() {
		clearTimeout(this.retry);
		this.become("closed");
		this.socket?.close(1000);
		this.socket = undefined;
	}

	/** Get the messages of a topic, its snapshot first; ends by calling the
	 * result. */
	subscribe(topic: string, handler: Handler): () => void {
		let set = this.topics.get(topic);

		if (!set)
			this.topics.set(topic, set = new Set());
		set.add(handler);
		// A snapshot for who comes later is a subscription again.
		if (this.state === "open")
			this.ask(topic);
		return () => {
			set.delete(handler);
			if (set.size || this.topics.get(topic) !== set)
				return;
			this.topics.delete(topic);
			this.say({ unsubscribe: { topics: [topic] } });
		};
	}

	private say(body: object): number {
		const id = ++this.number;

		if (this.socket?.readyState === WebSocket.OPEN)
			this.socket.send(JSON.stringify({ id, ...body }));
		return id;
	}

	private ask(topic: string) {
		this.asked.set(this.say({ subscribe: { topics: [topic] } }), topic);
	}

	private connect() {
		const scheme = location.protocol === "https:" ? "wss" : "ws";
		const socket = new WebSocket(`${scheme}://${location.host}/ws`);
		let opened = false;

		this.socket = socket;
		if (this.state !== "off")
			this.become("connecting");
		socket.onmessage = (e) => {
			const message = JSON.parse(e.data) as WsServer;

			if (message.welcome) {
				opened = true;
				this.failures = 0;
				this.become("open");
				this.keepAlive(message.welcome.idleS);
				for (const topic of this.topics.keys())
					this.ask(topic);
			} else {
				this.deliver(message);
			}
		};
		socket.onclose = () => this.closed(socket, opened);
	}

	private keepAlive(idleS: number) {
		clearInterval(this.ping);
		if (idleS)
			this.ping = setInterval(() => this.say({ ping: {} }),
				idleS * 400);
	}

	private closed(socket: WebSocket, opened: boolean) {
		if (socket !== this.socket)
			return;
		clearInterval(this.ping);
		this.socket = undefined;
		this.asked.clear();
		if (this.state === "closed")
			return;
		if (!opened)
			this.failures++;
		this.become(this.failures >= GIVE_UP ? "off" : "connecting");
		this.retry = setTimeout(() => this.connect(),
			this.state === "off" ? OFF_RETRY_MS :
				Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures));
	}

	private deliver(m: WsServer) {
		const topic = this.asked.get(m.id);

		this.asked.delete(m.id);
		if (topic && m.error) {
			this.topics.get(topic)?.forEach((h) => h(m));
			return;
		}
		for (const [name, set] of this.topics)
			if (concerns(name, m))
				set.forEach((h) => h(m));
	}
}

function concerns(topic: string, m: WsServer): boolean {
	if (m.snapshot)
		return m.snapshot.topic === topic;
	if (m.status)
		return topic === "cluster";
	if (m.registrations)
		return topic === "registrations";
	if (m.providers)
		return topic === "providers";
	if (m.call)
		return topic === `call:${m.call.id}`;
	if (m.event)
		return topic === "events" ||
			(topic === "calls" && !!m.event.callId) ||
			topic === `call:${m.event.callId}`;
	return false;
}

export const feed = new Feed();
