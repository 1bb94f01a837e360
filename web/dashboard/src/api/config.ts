// SPDX-License-Identifier: MIT
//
// The configuration, item by item.  An item is changed by what is different,
// and only if nobody else has changed it since it was read (its entity tag).
import { useQuery } from "@tanstack/react-query";
import { call, id as esc, list, send } from "./client";
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

/** One of a section as it is now; `id` "": none, a new one is made. */
export function useItem<S extends Section>(section: S, id: string) {
	return useQuery({
		queryKey: ["config", section, id], enabled: !!id,
		staleTime: 0, gcTime: 0,
		queryFn: () => read<Sections[S]>(`/api/config/${section}/${esc(id)}`),
	});
}

export function useSettings() {
	return useQuery({
		queryKey: ["config", "settings"], staleTime: 0,
		queryFn: () => read<Settings>("/api/config/settings"),
	});
}

const same = (a: unknown, b: unknown) =>
	JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

/** What a merge patch (RFC 7396) must say to make the one of the other. */
export function patchOf(old: object, value: object): object {
	const before = old as Record<string, unknown>;

	return Object.fromEntries(Object.entries(value)
		.filter(([key, v]) => !same(before[key], v))
		.map(([key, v]) => [key, v === undefined ? null : v]));
}

export function change(path: string, item: Item<object>, value: object) {
	return call("PATCH", path, {
		body: patchOf(item.value, value),
		headers: { "Content-Type": "application/merge-patch+json",
			...item.tag && { "If-Match": item.tag } },
	});
}

const says = (v: unknown) => v !== "" && v !== 0 && v !== false &&
	v !== undefined && !(Array.isArray(v) && !v.length);

/** Make an item, or change the one that was read. */
export function put<S extends Section>(section: S, item: Item<object> |
	undefined, value: { id: string; [key: string]: unknown }) {
	if (item)
		return change(`/api/config/${section}/${esc(value.id)}`, item, value);
	return call("POST", `/api/config/${section}`, { body:
		Object.fromEntries(Object.entries(value).filter(([, v]) => says(v))) });
}

export const remove = (section: Section, id: string) =>
	call("DELETE", `/api/config/${section}/${esc(id)}`);
