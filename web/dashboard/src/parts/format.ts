// SPDX-License-Identifier: MIT
//
// How numbers, times and the names of the API are shown to people.

export function duration(ms: number): string {
	const s = Math.max(0, Math.round(ms / 1000));
	const two = (n: number) => String(n).padStart(2, "0");

	if (s < 3600)
		return `${Math.floor(s / 60)}:${two(s % 60)}`;
	if (s < 86_400)
		return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:` +
			two(s % 60);
	return `${Math.floor(s / 86_400)} d ${Math.floor(s / 3600) % 24} h`;
}

export function ago(ms: number): string {
	const s = Math.round(ms / 1000);

	if (s < 0)
		return `in ${span(-s)}`;
	return s < 2 ? "just now" : `${span(s)} ago`;
}

function span(s: number): string {
	if (s < 60)
		return `${s} s`;
	if (s < 3570)
		return `${Math.round(s / 60)} min`;
	if (s < 84_600)
		return `${Math.round(s / 3600)} h`;
	return plural(Math.round(s / 86_400), "day");
}

export function clock(at: string | number, fraction = false): string {
	return new Date(at).toLocaleTimeString(undefined, {
		hour: "2-digit", minute: "2-digit", second: "2-digit",
		...fraction && { fractionalSecondDigits: 3 } });
}

export function dateTime(at: string | number): string {
	const d = new Date(at);
	const today = d.toDateString() === new Date().toDateString();

	return today ? clock(at) : d.toLocaleDateString(undefined, {
		day: "numeric", month: "short",
		...d.getFullYear() !== new Date().getFullYear() &&
			{ year: "numeric" } }) + ", " + clock(at);
}

/** "CALL_ANSWERED" -> "answered", "LEG_RINGING" -> "ringing". */
export function words(name: string, prefix = /^(CALL|LEG|STATE|FEATURE)_/) {
	return name.replace(prefix, "").toLowerCase().replaceAll("_", " ");
}

/** "device:1002" -> "Device 1002". */
export function destination(text: string): string {
	const [kind, ...rest] = text.split(":");
	const name = rest.join(":");
	const shown = kind!.charAt(0).toUpperCase() + kind!.slice(1);

	return name ? `${shown} ${name}` : shown;
}

export const percent = (v: number) =>
	`${v >= 10 || v === 0 ? v.toFixed(0) : v.toFixed(1)} %`;

export const plural = (n: number, one: string, many = one + "s") =>
	`${n.toLocaleString()} ${n === 1 ? one : many}`;
