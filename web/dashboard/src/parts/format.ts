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

const times = (more: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(
	undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit",
		...more });
// Made once: to make one takes longer than to use it a hundred times.
const CLOCK = times({});
const EXACT = times({ fractionalSecondDigits: 3 });
const WHOLE = times({ weekday: "short", year: "numeric", month: "short",
	day: "numeric", timeZoneName: "short" });

export function clock(at: string | number, fraction = false): string {
	return (fraction ? EXACT : CLOCK).format(new Date(at));
}

export function dateTime(at: string | number): string {
	const d = new Date(at);
	const today = d.toDateString() === new Date().toDateString();

	return today ? clock(at) : d.toLocaleDateString(undefined, {
		day: "numeric", month: "short",
		...d.getFullYear() !== new Date().getFullYear() &&
			{ year: "numeric" } }) + ", " + clock(at);
}

/** All of a time: its day, and which time zone it is told in. */
export const wholeTime = (at: string | number) => WHOLE.format(new Date(at));

/** "CALL_ANSWERED" -> "answered", "LEG_RINGING" -> "ringing". */
export function words(name: string, prefix = /^(CALL|LEG|STATE|FEATURE)_/) {
	return name.replace(prefix, "").toLowerCase().replaceAll("_", " ");
}

// What people call it.
const NAMES: Record<string, string> = { device: "phone", trunk: "provider",
	external: "provider", "conference:park": "parking place",
	ivr: "voice menu" };

/** "DEVICE" -> "phone", "RECORDER" -> "recorder": what a leg is. */
export const kind = (name: string) => NAMES[name.toLowerCase()] ??
	words(name);

/** "device:1002" -> "Phone 1002". */
export function destination(text: string): string {
	const [, of, name] = /^(conference:park(?=:)|[^:]*):?(.*)$/s.exec(text)!;
	const what = NAMES[of!] ?? of!;
	const shown = what.charAt(0).toUpperCase() + what.slice(1);

	// Of a provider: which one, and the number that is called there.
	return name ? `${shown} ${what === "provider" ?
		name.replace("/", ", ") : name}` : shown;
}

export const percent = (v: number) =>
	`${v >= 10 || v === 0 ? v.toFixed(0) : v.toFixed(1)} %`;

export const plural = (n: number, one: string, many = one + "s") =>
	`${n.toLocaleString()} ${n === 1 ? one : many}`;
