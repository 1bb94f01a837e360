// SPDX-License-Identifier: MIT
//
// The phone of this page: one for the program, whatever page is shown.
import { Phone, Ringer, type Call } from "@switchyard/sdk";
import { useEffect, useReducer, useSyncExternalStore } from "react";
import { feed } from "../api/feed";
import { textsKey } from "./kept";
import { Texts } from "./texts";

let phone: Phone | undefined;
let texts: Texts | undefined;
const watchers = new Set<() => void>();
let version = 0;   // of all that is shown of the phone
let problem = "";  // what went wrong last

function changed() {
	version++;
	watchers.forEach((w) => w());
}

function fails(e: unknown) {
	problem = e instanceof Error ? e.message : String(e);
	changed();
}

/** Do something with the phone; what goes wrong is shown, and at `what`. */
export function attempt(work: () => Promise<unknown>, what = "") {
	problem = "";
	changed();
	work().catch((e) => fails(what && e instanceof Error ?
		new Error(`${what}: ${e.message}`) : e));
}

export function forgetProblem() {
	problem = "";
	changed();
}

function follow(call: Call) {
	for (const event of ["state", "media", "update", "stats"] as const)
		call.on(event, changed);
	call.on("error", fails);
	call.on("ended", (reason, code) => {
		if (code >= 400 && call.direction === "outgoing")
			problem = `${call.peer.number || call.called}: ` +
				`${reason || "not reached"} (${code})`;
		changed();
	});
}

function make(user: string, device: string): Phone {
	const made = new Phone({ connection: feed.connection,
		name: "Dashboard" });
	const ringer = new Ringer();
	const written = new Texts(textsKey(user, device), changed,
		sessionStorage);

	made.on("state", changed);
	made.on("calls", changed);
	made.on("call", follow);
	made.on("error", fails);
	made.on("message", ({ from, text }) => written.came(from, text));
	made.on("ringing", (on) => on ? ringer.start() : ringer.stop());
	made.devices.on("change", changed);
	made.devices.on("lost", () =>
		fails(new Error("The microphone is gone; another one is used.")));
	texts = written;
	return made;
}

function watch(w: () => void) {
	watchers.add(w);
	return () => { watchers.delete(w); };
}

/** Be a phone while the component is there. */
export function usePhone(user: string, device: string) {
	const [, again] = useReducer((n: number) => n + 1, 0);

	useEffect(() => {
		if (!device)
			return;
		phone = make(user, device);
		phone.connect().catch(() => {
			// Its state says it.
		});
		again();
		return () => {
			void phone?.close();
			phone = undefined;
			texts?.forget();
			texts = undefined;
		};
	}, [user, device]);
	useSyncExternalStore(watch, () => version);
	return { phone, texts, problem };
}
