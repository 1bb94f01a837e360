// SPDX-License-Identifier: MIT
//
// Where a route leads to: a Destination of the API as one kind and one value.
import type { Destination, FeatureCode } from "../../api/schema";

export const KINDS = [
	{ value: "device", label: "A phone", asks: "Phone", hint: "$0" },
	{ value: "group", label: "A group", asks: "Group", hint: "" },
	{ value: "external", label: "A provider", asks: "Number", hint: "$0" },
	{ value: "conference", label: "A conference", asks: "Its name",
		hint: "lobby" },
	{ value: "echo", label: "An echo", asks: "", hint: "" },
	{ value: "tone", label: "A tone", asks: "Hz", hint: "440" },
	{ value: "file", label: "A sound file", asks: "File", hint: "" },
	{ value: "park", label: "A parking place", asks: "Place", hint: "$0" },
	{ value: "pickup", label: "Picking up", asks: "Phone, or “group”",
		hint: "$1" },
	{ value: "feature", label: "A star code", asks: "", hint: "" },
] as const;

export type Kind = typeof KINDS[number]["value"];

export interface Target {
	kind: Kind;
	value: string;
	trunk: string;        // external
	failover: string[];
	code: FeatureCode;    // feature
}

export function targetOf(d?: Destination): Target {
	const kind = KINDS.find((k) => d?.[k.value] !== undefined)?.value ??
		"device";
	const value = kind === "external" ? d?.external?.number :
		kind === "tone" ? String(d?.tone?.hz ?? "") :
		kind === "feature" ? d?.feature?.number :
		kind === "echo" ? "" : d?.[kind];

	return { kind, value: value ?? "$0", trunk: d?.external?.trunk ?? "",
		failover: d?.external?.failover ?? [],
		code: d?.feature?.code ?? "DND_ON" };
}

export function destinationOf(t: Target): Partial<Destination> {
	switch (t.kind) {
	case "external":
		return { external: { trunk: t.trunk, number: t.value,
			failover: t.failover } };
	case "tone":
		return { tone: { hz: Number(t.value) || 440, levelDb: -20 } };
	case "feature":
		return { feature: { code: t.code, number: t.value } };
	case "echo":
		return { echo: true };
	default:
		return { [t.kind]: t.value };
	}
}

const KIND_NAMES = Object.fromEntries(KINDS.map((k) => [k.value, k.label]));

const CODES: Partial<Record<FeatureCode, string>> = {
	DND_ON: "do not disturb on", DND_OFF: "do not disturb off",
	DND_TOGGLE: "do not disturb on or off",
	FORWARD_NONE: "no forwarding any more",
};

/** Who dials: a route's source, for people. */
export function sourceName(source: string): string {
	const [kind, name] = source.split(":");

	return kind === "trunk" ? name ? `provider ${name}` : "any provider" :
		kind === "device" ? name ? `phone ${name}` : "any phone" :
		kind === "api" ? "the API" : source || "anybody";
}

export function shown(d?: Destination): string {
	if (!d)
		return "nowhere";
	const t = targetOf(d);
	const name = KIND_NAMES[t.kind]!.replace(/^An? /, "").toLowerCase();

	if (t.kind === "external")
		return `${t.value} by ${[t.trunk, ...t.failover].join(", then ")}`;
	if (t.kind === "feature")
		return (CODES[t.code] ?? t.code.toLowerCase().replaceAll("_", " ")) +
			(t.value ? ` (${t.value})` : "");
	return t.kind === "echo" ? name : `${name} ${t.value}`;
}
