// SPDX-License-Identifier: MIT
import { FIELDS } from "./fields";

/** A message of /ws, which leaves out what has its default, as the rest of the
 * API has it: with all of its fields. */
export function complete<T extends object>(name: string, message: T): T {
	const { defaults, inner } = FIELDS[name]!;
	const whole: Record<string, any> = { ...structuredClone(defaults),
		...message };

	for (const [field, type] of Object.entries(inner)) {
		const value = whole[field];

		if (Array.isArray(value))
			whole[field] = value.map((v) => complete(type, v));
		else if (value)
			whole[field] = complete(type, value);
	}
	return whole as T;
}
