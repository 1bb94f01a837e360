// SPDX-License-Identifier: MIT
//
// A provider as its form asks for it, and as the configuration has it.
import type { Destination, Rewrite, Trunk, TrunkNumber }
	from "../../api/schema";
import { destinationOf, type Kind, type Target, targetOf }
	from "../routes/target";

/** A number of ours there, or a range of them. */
export interface OwnNumber extends Omit<Target, "kind"> {
	from: string;
	to: string;              // "": only the one
	name: string;
	kind: Kind | "routes";   // the routes say where it leads
}

// What is called and named alike there and here.
const SAME = {
	id: "", sources: [] as string[], enabled: true, username: "", proxy: "",
	certificates: [] as string[], countryCode: "", nationalPrefix: "",
	internationalPrefix: "", numberFormat: "", defaultNumber: "",
	identity: "", trusted: false, anyCaller: false, sendName: false,
	sendHistory: "", fromDomain: "", maxCalls: 0, maxCallsPerSecond: 0,
	attemptSeconds: 0, srtp: "", dtmf: "", codecs: [] as string[],
	messages: false, messagesOut: false, permissions: [] as string[],
	costlyCallsPerHour: 0, costlyCallsAtATime: 0,
	calledIn: [] as Rewrite[], callerIn: [] as Rewrite[],
	calledOut: [] as Rewrite[], callerOut: [] as Rewrite[],
};

export type Values = typeof SAME & {
	host: string;
	transport: string;       // "", "tcp", "tls"
	password: string;
	registers: boolean;
	registrar: string;
	registrationUser: string;
	contactUser: string;
	expiresS: number;
	optionsS: number;
	numbers: OwnNumber[];
	failoverCodes: string[];
};

export const OPTIONS_S = 30;
const EXPIRES_S = 600;

export function ownNumber(n?: TrunkNumber): OwnNumber {
	const target = targetOf(n?.target);

	return { ...target, kind: n?.target ? target.kind : "routes",
		value: n?.target ? target.value : "", name: n?.name ?? "",
		from: n ? n.number || n.first : "", to: n?.last ?? "" };
}

function trunkNumber({ from, to, name, kind, ...target }: OwnNumber) {
	return { number: to ? "" : from, first: to ? from : "", last: to, name,
		...kind !== "routes" && { target: destinationOf({ ...target, kind }) as
			Destination } };
}

export function valuesOf(t?: Trunk): Values {
	const [host = "", transport = ""] = (t?.target ?? "")
		.split(";transport=");
	const r = t?.registration;
	const known = t as Record<string, unknown> | undefined;

	return {
		...SAME, ...Object.fromEntries(Object.keys(SAME).filter((k) =>
			known?.[k] !== undefined).map((k) => [k, known![k]])),
		host, transport, password: "", registers: !!r,
		registrar: r?.registrar ?? "", registrationUser: r?.user ?? "",
		contactUser: r?.contactUser ?? "",
		expiresS: r?.expiresS || EXPIRES_S,
		optionsS: t?.optionsS ?? OPTIONS_S,
		numbers: (t?.numbers ?? []).map(ownNumber),
		failoverCodes: (t?.failoverCodes ?? []).map(String),
	};
}

/** The same for the API. @param old  What is not said, stays unsaid. */
export function trunkOf(v: Values, old?: Trunk) {
	const { host, transport, registers, registrar, registrationUser,
		contactUser, expiresS, password, optionsS, numbers, failoverCodes,
		...rest } = v;
	const before = old?.registration;

	return {
		...rest,
		target: host && transport ? `${host};transport=${transport}` : host,
		...password && { password },
		...!(old && old.optionsS === undefined && optionsS === OPTIONS_S) &&
			{ optionsS },
		registration: registers ? { ...before, registrar: registrar || host,
			user: registrationUser, contactUser,
			expiresS: before && !before.expiresS && expiresS === EXPIRES_S ?
				0 : expiresS } : undefined,
		numbers: numbers.map(trunkNumber),
		failoverCodes: failoverCodes.map((c) => /^\d+$/.test(c) ?
			Number(c) : c),
	};
}

/** Where the form has what the API calls so. */
export function fieldOf(path: string): string {
	const renamed: Record<string, string> = {
		target: "host", "registration.registrar": "registrar",
		"registration.user": "registrationUser",
		"registration.contactUser": "contactUser",
		"registration.expiresS": "expiresS",
	};

	return renamed[path] ?? path
		.replace(/^(numbers\.\d+)\.(number|first)$/, "$1.from")
		.replace(/^(numbers\.\d+)\.last$/, "$1.to")
		.replace(/^(numbers\.\d+)\.target\.external\.trunk$/, "$1.trunk")
		.replace(/^(numbers\.\d+)\.target\.external\.failover.*$/,
			"$1.failover")
		.replace(/^(numbers\.\d+)\.target.*$/, "$1.value");
}

export function checkValues(v: Values): Record<string, string | null> {
	const errors: Record<string, string | null> = {
		host: v.host.trim() || v.sources.length || v.certificates.length ?
			null : "Where does it listen? Or at least: from where does it " +
			"call?",
		username: v.registers && !v.username && !v.registrationUser ?
			"To register a user name is needed" : null,
		failoverCodes: v.failoverCodes.every((c) => /^[4-6]\d\d$/.test(c)) ?
			null : "Only from 400 to 699",
	};

	v.numbers.forEach((n, i) => {
		errors[`numbers.${i}.from`] = n.from.trim() ? null : "Which number?";
		errors[`numbers.${i}.trunk`] = n.kind === "external" && !n.trunk ?
			"Which one?" : null;
	});
	return errors;
}
