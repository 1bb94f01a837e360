// SPDX-License-Identifier: MIT
//
// The live feed: topics of /ws that somebody looks at.  Where /ws does not
// answer, feed.state is "off" and who looks asks by REST instead (live.ts).
import { Connection, Feed as Topics } from "@switchyard/sdk";
import { complete } from "./complete";
import type { WsServer, WsSnapshot } from "./schema";

export type FeedState = "closed" | "connecting" | "open" | "off";

const OFF_AFTER = 3; // attempts that did not open

class Feed {
	state: FeedState = "closed";
	/** The phone of the page shares it. */
	readonly connection = new Connection();
	private topics = new Topics(this.connection);
	private watchers = new Set<() => void>();
	private failures = 0;
	private refused = new Set<string>();

	constructor() {
		this.connection.on("state", (state) => {
			if (state === "open") {
				this.failures = 0;
				this.refused.clear();
			}
			if (state === "waiting" || state === "refused")
				this.failures++;
			this.become(state === "idle" ? "closed" : state === "open" ?
				"open" : this.failures >= OFF_AFTER ? "off" :
				"connecting");
		});
	}

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

	/** Whether changes of a topic are told by themselves. */
	isLive(topic: string) {
		return this.state === "open" && !this.refused.has(topic);
	}

	start() {
		this.failures = 0;
		this.connection.connect().catch(() => {
			// `state` says it.
		});
	}

	stop() {
		this.connection.close();
	}

	/** Get the messages of a topic, its snapshot first; ends by calling the
	 * result. */
	subscribe(topic: string, handler: (message: WsServer) => void) {
		return this.topics.watch(topic, {
			snapshot: (snapshot) => handler({ id: 0, seq: "", snapshot:
				complete<WsSnapshot>("WsSnapshot", snapshot) }),
			change: (m) => handler(complete<WsServer>("WsServer", m)),
			error: () => {
				this.refused.add(topic);
				this.watchers.forEach((w) => w());
			},
		});
	}
}

export const feed = new Feed();
