// SPDX-License-Identifier: MIT
//
// What happens in the cluster: of each topic how it is, then what changes.
// After a lost connection it goes on where it was, at any gateway; only when
// that is too long ago the snapshot comes again.

import type { Connection } from "./connection.js";
import { SwitchyardError } from "./errors.js";
import type { WsServer, WsSnapshot } from "./schema.js";

/** "cluster", "calls", "call:{id}", "events", "registrations", "providers" */
export type Topic = string;

export interface FeedHandler {
	/** How it is now; all before is void.  In pieces: the first has first
	 * true, the last more false. */
	snapshot?(snapshot: WsSnapshot, first: boolean): void;
	/** A change: exactly one of event, status, call, registrations,
	 * providers is there. */
	change(message: WsServer): void;
	/** Not allowed, or no such topic. */
	error?(error: SwitchyardError): void;
}

interface Watched {
	handlers: Set<FeedHandler>;
	after: string;     // sequence number of the last change
	partial: boolean;  // in the middle of a snapshot
}

const EMPTY: WsSnapshot = { topic: "", seq: "", calls: [],
	registrations: [], providers: [], more: false };

/** The part of a change that tells its topics. */
function topicsOf(m: WsServer): Topic[] {
	if (m.event)
		return ["calls", "events", `call:${m.event.callId}`];
	if (m.call)
		return [`call:${m.call.id}`];
	return m.status ? ["cluster"] : m.registrations ? ["registrations"]
		: m.providers ? ["providers"] : [];
}

export class Feed {
	private topics = new Map<Topic, Watched>();
	private stops: (() => void)[];

	constructor(private connection: Connection) {
		this.stops = [
			connection.on("open", () => this.resume()),
			connection.on("message", (m) => this.take(m)),
		];
	}

	/** Watch a topic; the result ends it. */
	watch(topic: Topic, handler: FeedHandler): () => void {
		let watched = this.topics.get(topic);

		if (!watched)
			this.topics.set(topic, watched = { handlers: new Set(),
				after: "", partial: false });
		watched.handlers.add(handler);
		// For who comes later the snapshot is asked for again, for all.
		watched.after = "";
		this.subscribe([topic], "");
		return () => this.unwatch(topic, handler);
	}

	close() {
		this.stops.forEach((stop) => stop());
		for (const topic of [...this.topics.keys()])
			this.drop(topic);
	}

	private unwatch(topic: Topic, handler: FeedHandler) {
		const watched = this.topics.get(topic);

		watched?.handlers.delete(handler);
		if (watched && !watched.handlers.size)
			this.drop(topic);
	}

	private drop(topic: Topic) {
		this.topics.delete(topic);
		this.connection.send({ unsubscribe: { topics: [topic] } });
	}

	// Topics that have seen the same go on together.
	private resume() {
		const groups = new Map<string, Topic[]>();

		for (const [topic, { after }] of this.topics)
			groups.set(after, [...groups.get(after) ?? [], topic]);
		for (const [after, topics] of groups)
			this.subscribe(topics, after);
	}

	private subscribe(topics: Topic[], after: string) {
		this.connection.request({ subscribe: { topics, after } })
			.catch((e: SwitchyardError) => {
				// With a new connection they are asked for again.
				if (["not-connected", "connection-lost"].includes(e.code))
					return;
				for (const topic of topics)
					this.each(topic, (h) => h.error?.(e));
			});
	}

	private take(m: WsServer) {
		if (m.snapshot) {
			this.takeSnapshot(m.snapshot);
			return;
		}
		for (const topic of topicsOf(m)) {
			const watched = this.topics.get(topic);

			if (!watched || (m.seq && watched.after &&
				!isAfter(m.seq, watched.after)))
				continue;
			if (m.seq)
				watched.after = m.seq;
			this.each(topic, (h) => h.change(m));
		}
	}

	private takeSnapshot(got: WsSnapshot) {
		// Fields are left out that have their default.
		const s = { ...EMPTY, ...got };
		const watched = this.topics.get(s.topic);

		if (!watched)
			return;
		const first = !watched.partial;

		watched.partial = s.more;
		watched.after = s.seq;
		this.each(s.topic, (h) => h.snapshot?.(s, first));
	}

	private each(topic: Topic, tell: (h: FeedHandler) => void) {
		for (const h of [...this.topics.get(topic)?.handlers ?? []]) {
			try {
				tell(h);
			} catch (e) {
				console.error(`switchyard: handler of "${topic}"`, e);
			}
		}
	}
}

/** Of two ids of a stream, "1700000000000-0". */
export function isAfter(a: string, b: string): boolean {
	const [am, an] = a.split("-").map(Number);
	const [bm, bn] = b.split("-").map(Number);

	return am !== bm ? am > bm : (an || 0) > (bn || 0);
}
