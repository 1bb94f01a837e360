// SPDX-License-Identifier: MIT
import { FIELDS } from "./fields";

interface Shape {
	plain: Record<string, any>;  // defaults that nobody can change
	lists: string[];             // fields whose default is a list of its own
	inner: [string, string][];   // fields that are messages, and of what type
}

const shapes = new Map<string, Shape>();

function shapeOf(name: string): Shape {
	let shape = shapes.get(name);

	if (!shape) {
		const { defaults, inner } = FIELDS[name]!;
		const all = Object.entries(defaults);

		shapes.set(name, shape = {
			plain: Object.fromEntries(all.filter(([, v]) =>
				!Array.isArray(v))),
			lists: all.filter(([, v]) => Array.isArray(v))
				.map(([field]) => field),
			inner: Object.entries(inner) });
	}
	return shape;
}

/** A message of /ws, which leaves out what has its default, as the rest of the
 * API has it: with all of its fields. */
export function complete<T extends object>(name: string, message: T): T {
	const { plain, lists, inner } = shapeOf(name);
	const whole: Record<string, any> = { ...plain, ...message };

	for (const field of lists)
		whole[field] ??= [];
	for (const [field, type] of inner) {
		const value = whole[field];

		if (Array.isArray(value))
			whole[field] = value.map((v) => complete(type, v));
		else if (value)
			whole[field] = complete(type, value);
	}
	return whole as T;
}
