// SPDX-License-Identifier: MIT
//
// What was written to the phone of this page, and by it.  It is kept in this
// tab, over a reload too, until who is logged in has left; the cluster keeps
// nothing.

export const MOST_BYTES = 900;  // that the API takes
const MOST = 300;               // texts that are kept

export interface Text {
	id: number;
	peer: string;     // number it came from, or was sent to
	name: string;     // of the peer; "": not known
	text: string;
	at: number;       // ms
	own: boolean;
	state: "sending" | "sent" | "failed" | "new" | "read";
	why: string;      // it has failed
}

export interface Thread {
	peer: string;
	name: string;
	last: Text;
	unread: number;
}

type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export class Texts {
	all: Text[] = [];

	/** @param key  Where the store keeps them (textsKey()). */
	constructor(private key: string, private changed: () => void,
		private store?: Store) {
		try {
			this.all = JSON.parse(store?.getItem(this.key) ?? "[]");
		} catch {
			// Then there are none.
		}
		for (const t of this.all)
			if (t.state === "sending")
				Object.assign(t, { state: "failed", why: "The page was " +
					"loaded again: nobody knows whether it has arrived." });
	}

	private set(all: Text[]) {
		this.all = all.slice(-MOST);
		try {
			this.store?.setItem(this.key, JSON.stringify(this.all));
		} catch {
			// The tab may keep nothing: the page does.
		}
		this.changed();
	}

	private add(t: Omit<Text, "id" | "at">): number {
		const id = (this.all.at(-1)?.id ?? 0) + 1;

		this.set([...this.all, { ...t, id, at: Date.now() }]);
		return id;
	}

	private update(id: number, what: Partial<Text>) {
		this.set(this.all.map((t) => t.id === id ? { ...t, ...what } : t));
	}

	came(from: { number: string; name: string }, text: string) {
		this.add({ peer: from.number, name: from.name, text, own: false,
			state: "new", why: "" });
	}

	/** Send a text; what has come of it is seen at it.  `id`: this one, once
	 * more. */
	async write(peer: string, text: string,
		send: (to: string, text: string) => Promise<void>, id?: number) {
		if (id === undefined)
			id = this.add({ peer, name: "", text, own: true,
				state: "sending", why: "" });
		else
			this.update(id, { state: "sending", why: "" });
		try {
			await send(peer, text);
			this.update(id, { state: "sent" });
		} catch (e) {
			this.update(id, { state: "failed",
				why: e instanceof Error ? e.message : String(e) });
		}
	}

	/** Somebody looks at what this peer wrote. */
	read(peer: string) {
		if (this.all.some((t) => t.peer === peer && t.state === "new"))
			this.set(this.all.map((t) => t.peer === peer &&
				t.state === "new" ? { ...t, state: "read" } : t));
	}

	get unread(): number {
		return this.all.filter((t) => t.state === "new").length;
	}

	with(peer: string): Text[] {
		return this.all.filter((t) => t.peer === peer);
	}

	/** Who wrote or was written to, the last one first. */
	threads(): Thread[] {
		const all = new Map<string, Thread>();

		for (const t of this.all) {
			const old = all.get(t.peer);

			all.delete(t.peer); // the last one is put at the end
			all.set(t.peer, { peer: t.peer, last: t,
				name: t.name || old?.name || "",
				unread: (old?.unread ?? 0) + +(t.state === "new") });
		}
		return [...all.values()].reverse();
	}

	forget() {
		this.all = [];
		this.store?.removeItem(this.key);
	}
}

/** Why a text cannot be sent, in words; "": it can. */
export function tooLong(text: string): string {
	const bytes = new TextEncoder().encode(text).length;

	return bytes > MOST_BYTES ?
		`Too long by ${bytes - MOST_BYTES} of ${MOST_BYTES} bytes.` : "";
}
