// SPDX-License-Identifier: MIT
//
// The configuration, item by item.  An item is changed by what is different,
// and only if nobody else has changed it since it was read (its entity tag).
import { useQuery } from "@tanstack/react-query";
import { call, id as esc, list, Problem, send } from "./client";
import { differences, patchOf } from "./patch";
import type { Device, Group, Route, Settings, Trunk } from "./schema";

export interface Sections {
	devices: Device; providers: Trunk; routes: Route; groups: Group;
}

export type Section = keyof Sections;

export interface Item<T> {
	value: T;
	tag: string;
}

export function useSection<S extends Section>(section: S, enabled = true) {
	return useQuery({
		queryKey: ["config", section], enabled,
		queryFn: ({ signal }) => list<Sections[S]>(
			`/api/config/${section}`, 20_000, signal),
	});
}

async function read<T>(path: string): Promise<Item<T>> {
	const res = await send("GET", path);

	return { value: await res.json(), tag: res.headers.get("etag") ?? "" };
}

// A form knows what it began with: read again only when it is saved, or a
// change of somebody else would be taken for one of its own.
const ONCE = { staleTime: 0, refetchOnWindowFocus: false,
	refetchOnReconnect: false };

/** One of a section as it is now; `id` "": none, a new one is made. */
export function useItem<S extends Section>(section: S, id: string) {
	return useQuery({
		queryKey: ["config", section, id], enabled: !!id,
		...ONCE, gcTime: 0,
		queryFn: () => read<Sections[S]>(`/api/config/${section}/${esc(id)}`),
	});
}

export function useSettings() {
	return useQuery({
		queryKey: ["config", "settings"], ...ONCE,
		queryFn: () => read<Settings>("/api/config/settings"),
	});
}

/** The permissions for numbers that cost, as the settings name them. */
export function usePermissions(): string[] {
	const costly = useSettings().data?.value.costly ?? [];

	return [...new Set(costly.map((c) => c.permission).filter(Boolean))];
}

/** Somebody else has changed an item since it was read. */
export class Conflict extends Error {
	constructor(
		readonly now: Record<string, unknown>, // what it is like now
		readonly theirs: string[],             // fields that he has changed
		readonly mine: string[],               // ... and I was about to
		readonly again: () => Promise<unknown>, // mine on top of his
	) {
		super("Somebody else has changed this meanwhile");
	}
}

/** Change an item by what is different; a Conflict if it is not any more what
 * it was. */
export async function change(path: string, item: Item<object>, value: object):
	Promise<unknown> {
	const body = patchOf(item.value, value);
	const patch = (tag: string) => call("PATCH", path, { body,
		headers: { "Content-Type": "application/merge-patch+json",
			...tag && { "If-Match": tag } } });
	const attempt = async (tag: string): Promise<unknown> => {
		try {
			return await patch(tag);
		} catch (e) {
			if (!(e instanceof Problem) || e.status !== 412)
				throw e;
			const now = await read<Record<string, unknown>>(path);

			throw new Conflict(now.value, differences(item.value,
				now.value), Object.keys(body), () => attempt(now.tag));
		}
	};

	return attempt(item.tag);
}

/** Make an item, or change the one that was read. */
export function put<S extends Section>(section: S, item: Item<object> |
	undefined, value: { id: string; [key: string]: unknown }) {
	if (item)
		return change(`/api/config/${section}/${esc(value.id)}`, item, value);
	return call("POST", `/api/config/${section}`, { body: value });
}

export const remove = (section: Section, id: string) =>
	call("DELETE", `/api/config/${section}/${esc(id)}`);
