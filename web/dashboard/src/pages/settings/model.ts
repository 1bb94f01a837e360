// SPDX-License-Identifier: MIT
//
// The settings as their form asks for them, and as the API has them.
import type { Costly, Destination, Guard, Settings, TurnServer }
	from "../../api/schema";

export type Music = "" | "silence" | "tone" | "file";

// What is called and named alike there and here.
const SAME = ["domains", "registerMinS", "registerMaxS", "qualifyS",
	"unreachable", "ringSeconds", "parkSeconds", "parkOverflow", "codecs",
	"opusBitrateBps", "denoise", "agc", "comfortNoiseDb", "srtp", "prack",
	"sessionMinS", "udpMaxBytes", "trace", "traceSeconds", "hep",
	"hepCaptureId"] as const;

export type Values = Pick<Settings, typeof SAME[number]> & {
	sessionExpiresS: number;
	music: Music;            // that who is on hold hears
	musicFile: string;
	musicHz: number;
	iceServers: TurnServer[];
	guard: Guard;
	costly: Costly[];
};

const SESSION_S = 1800;
const TONE_HZ = 440;
export const NO_GUARD: Guard = { allow: [], deny: [], rate: 0, burst: 0,
	failures: 0, users: 0, banSeconds: 0, banMaxSeconds: 0, scanners: [],
	registersPerMinute: 0, callsPerMinute: 0, off: false,
	messagesPerMinute: 0 };

function musicOf(d?: Destination): Music {
	if (d?.file !== undefined)
		return "file";
	return !d?.tone ? "" : d.tone.hz ? "tone" : "silence";
}

export function valuesOf(s: Settings): Values {
	return {
		...Object.fromEntries(SAME.map((k) => [k, s[k]])) as
			Pick<Settings, typeof SAME[number]>,
		sessionExpiresS: s.sessionExpiresS ?? SESSION_S,
		music: musicOf(s.musicOnHold), musicFile: s.musicOnHold?.file ?? "",
		musicHz: s.musicOnHold?.tone?.hz || TONE_HZ,
		iceServers: s.iceServers, guard: { ...NO_GUARD, ...s.guard },
		costly: s.costly,
	};
}

function music(v: Values, old: Settings): Partial<Destination> | undefined {
	const level = old.musicOnHold?.tone?.levelDb ?? -20;

	switch (v.music) {
	case "file":
		return { file: v.musicFile };
	case "tone":
		return { tone: { hz: v.musicHz, levelDb: level } };
	case "silence":
		return { tone: { hz: 0, levelDb: level } };
	default:
		return undefined;
	}
}

const whole = <T extends object>(of: T): T => Object.fromEntries(
	Object.entries(of).map(([k, v]) => [k, /Seconds$|^calls/.test(k) &&
		(v as unknown) === "" ? 0 : v])) as T;

/** The same for the API. @param old  What is not said, stays unsaid. */
export function settingsOf(v: Values, old: Settings) {
	const { sessionExpiresS, music: _, musicFile, musicHz, guard, ...rest } = v;
	const bare = !old.guard && JSON.stringify(guard) ===
		JSON.stringify(NO_GUARD);

	return {
		...rest,
		...!(old.sessionExpiresS === undefined &&
			sessionExpiresS === SESSION_S) && { sessionExpiresS },
		musicOnHold: music(v, old),
		iceServers: v.iceServers.map(whole),
		costly: v.costly.map(whole),
		...!bare && { guard: Object.fromEntries(Object.entries(guard)
			.map(([k, x]) => [k, x === "" ? 0 : x])) },
	};
}

/** Where the form has what the API calls so. */
export function fieldOf(path: string): string {
	return path.replace(/^musicOnHold\.file$/, "musicFile")
		.replace(/^musicOnHold\..*/, "musicHz")
		.replace(/^musicOnHold$/, "music");
}

export function checkValues(v: Values): Record<string, string | null> {
	const errors: Record<string, string | null> = {
		musicFile: v.music !== "file" || v.musicFile.trim() ? null :
			"Which file?",
	};

	v.iceServers.forEach((s, i) => {
		errors[`iceServers.${i}.urls`] = !s.urls.length ?
			"At least one address" : s.urls.every((u) =>
				/^(stun|turn)s?:.+/.test(u)) ? null :
				"Such as stun:host:3478 or turn:host:3478?transport=udp";
	});
	v.costly.forEach((c, i) => {
		errors[`costly.${i}.prefix`] = /^\+?[0-9*#]{1,31}$/.test(c.prefix) ?
			null : "Digits, * and #, also behind a +";
	});
	return errors;
}
