// SPDX-License-Identifier: MIT
//
// What is different between two values of the API, for merge patches (RFC
// 7396) and for people.

type Fields = Record<string, unknown>;

const isFields = (v: unknown): v is Fields =>
	typeof v === "object" && v !== null && !Array.isArray(v);

/** The same text for the same value, whatever the order of its fields. */
function canonical(v: unknown): string {
	if (Array.isArray(v))
		return `[${v.map(canonical).join()}]`;
	if (!isFields(v))
		return JSON.stringify(v ?? null);
	return `{${Object.keys(v).filter((k) => v[k] !== undefined).sort()
		.map((k) => `${k}:${canonical(v[k])}`).join()}}`;
}

export const same = (a: unknown, b: unknown) => canonical(a) === canonical(b);

/** Names of the fields that are not the same in both. */
export function differences(a: object, b: object): string[] {
	const x = a as Fields, y = b as Fields;

	return [...new Set([...Object.keys(x), ...Object.keys(y)])]
		.filter((key) => !same(x[key], y[key]));
}

function merge(before: unknown, now: unknown): unknown {
	if (!isFields(before) || !isFields(now))
		return now === undefined ? null : now;
	return Object.fromEntries(differences(before, now).map((key) =>
		[key, merge(before[key], now[key])]));
}

/** What a merge patch must say to make the one of the other.  A field that
 * `value` does not have stays as it is; one below those that it has, goes. */
export function patchOf(before: object, value: object): object {
	const old = before as Fields, now = value as Fields;

	return Object.fromEntries(Object.keys(now)
		.filter((key) => !same(old[key], now[key]))
		.map((key) => [key, merge(old[key], now[key])]));
}
