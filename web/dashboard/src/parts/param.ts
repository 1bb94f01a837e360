// SPDX-License-Identifier: MIT
import { useEffect, useState } from "react";
import { useSearch } from "wouter";

const WRITE_MS = 250; // after the last key: browsers refuse too many changes

function write(name: string, value: string) {
	const q = new URLSearchParams(location.search);

	value ? q.set(name, value) : q.delete(name);
	const to = location.pathname + (q.size ? `?${q}` : "");

	if (to !== location.pathname + location.search)
		history.replaceState(history.state, "", to);
}

/** Something that was chosen on a page, as part of its address: it is there
 * after a reload, on the way back, and for who is sent the address. */
export function useParam(name: string): [string, (value: string) => void] {
	const given = new URLSearchParams(useSearch()).get(name) ?? "";
	const [value, setValue] = useState(given);

	useEffect(() => setValue(given), [given]);
	useEffect(() => {
		const timer = setTimeout(() => write(name, value), WRITE_MS);

		return () => clearTimeout(timer);
	}, [name, value]);
	return [value, setValue];
}
