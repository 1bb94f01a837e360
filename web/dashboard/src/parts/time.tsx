// SPDX-License-Identifier: MIT
import { useEffect, useState, useSyncExternalStore } from "react";
import { ago, dateTime, duration, wholeTime } from "./format";

// One clock for all that ticks on the page.
const watchers = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

function watch(w: () => void) {
	watchers.add(w);
	timer ??= setInterval(() => {
		now = Date.now();
		watchers.forEach((each) => each());
	}, 1000);
	return () => {
		watchers.delete(w);
		if (!watchers.size) {
			clearInterval(timer);
			timer = undefined;
		}
	};
}

/** The time, each second. */
export function useNow() {
	useEffect(() => { now = Date.now(); }, []);
	return useSyncExternalStore(watch, () => now);
}

/** "3 min ago"; the time itself, with its zone, on hover. */
export function Ago({ at }: { at?: string }) {
	const t = useNow();

	if (!at)
		return <>–</>;
	return <time dateTime={at} title={wholeTime(at)}>
		{ago(t - Date.parse(at))}
	</time>;
}

/** How long something lasts: counts up until it has an end. */
export function Lasts({ from, to }: { from?: string; to?: string }) {
	const t = useNow();

	if (!from)
		return <>–</>;
	return <span title={`since ${wholeTime(from)}`}>
		{duration((to ? Date.parse(to) : t) - Date.parse(from))}
	</span>;
}

export function At({ at }: { at?: string }) {
	return at ? <time dateTime={at} title={`${wholeTime(at)}, ` +
		ago(Date.now() - Date.parse(at))}>{dateTime(at)}</time> : <>–</>;
}

/** True once something has taken longer than that. */
export function useSlow(pending: boolean, ms = 400): boolean {
	const [slow, setSlow] = useState(false);

	useEffect(() => {
		if (!pending) {
			setSlow(false);
			return;
		}
		const t = setTimeout(() => setSlow(true), ms);
		return () => clearTimeout(t);
	}, [pending, ms]);
	return slow;
}
