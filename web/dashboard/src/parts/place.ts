// SPDX-License-Identifier: MIT
//
// Where in a form an error of the API belongs.

/** "trunks[0].numbers[1].first" is the form's "numbers.1.first". */
export function pathOf(field: string): string {
	return field.replace(/^(devices|trunks|routes|groups)\[\d+\]\./, "")
		.replace(/^(device|trunk|route|group|settings)\./, "")
		.replace(/\[(\d+)\]/g, ".$1");
}

/** The field of a form that shows what is wrong at a path: that field, or the
 * list of words that it is in; undefined: none. */
export function placeOf(values: object, path: string): string | undefined {
	const way: string[] = [];
	let at: any = values;

	for (const step of path.split(".")) {
		if (Array.isArray(at) && typeof at[0] !== "object")
			break;
		if (typeof at !== "object" || !at || !(step in at))
			return undefined;
		at = at[step];
		way.push(step);
	}
	return way.join(".");
}
