// SPDX-License-Identifier: MIT
//
// A provider as the set-up asks for it, and as the configuration has it.
import type { Trunk } from "../../api/schema";

export interface Values {
	id: string;
	host: string;
	transport: string;       // "", "tcp", "tls"
	sources: string[];
	enabled: boolean;
	username: string;
	password: string;
	registers: boolean;
	registrar: string;
	expiresS: number;
	proxy: string;
	countryCode: string;
	nationalPrefix: string;
	internationalPrefix: string;
	numberFormat: string;
	defaultNumber: string;
	identity: string;
	trusted: boolean;
	anyCaller: boolean;
	sendName: boolean;
	maxCalls: number;
	maxCallsPerSecond: number;
	optionsS: number;
	srtp: string;
	dtmf: string;
	codecs: string[];
}

export const OPTIONS_S = 30;

export function valuesOf(t?: Trunk): Values {
	const [host = "", transport = ""] = (t?.target ?? "")
		.split(";transport=");

	return {
		id: t?.id ?? "", host, transport, sources: t?.sources ?? [],
		enabled: t?.enabled ?? true, username: t?.username ?? "",
		password: "", registers: !!t?.registration,
		registrar: t?.registration?.registrar ?? "",
		expiresS: t?.registration?.expiresS || 600, proxy: t?.proxy ?? "",
		countryCode: t?.countryCode ?? "",
		nationalPrefix: t?.nationalPrefix ?? "",
		internationalPrefix: t?.internationalPrefix ?? "",
		numberFormat: t?.numberFormat ?? "",
		defaultNumber: t?.defaultNumber ?? "", identity: t?.identity ?? "",
		trusted: t?.trusted ?? false, anyCaller: t?.anyCaller ?? false,
		sendName: t?.sendName ?? false, maxCalls: t?.maxCalls ?? 0,
		maxCallsPerSecond: t?.maxCallsPerSecond ?? 0,
		optionsS: t?.optionsS ?? OPTIONS_S, srtp: t?.srtp ?? "",
		dtmf: t?.dtmf ?? "", codecs: t?.codecs ?? [],
	};
}

/** The same for the API; what the set-up does not ask stays as it is. */
export function trunkOf(v: Values, old?: Trunk) {
	const { host, transport, registers, registrar, expiresS, password, ...rest }
		= v;
	const target = host && transport ? `${host};transport=${transport}` : host;

	return {
		...rest, target,
		...password && { password },
		registration: registers ? { ...old?.registration,
			registrar: registrar || host, expiresS } : undefined,
	};
}
