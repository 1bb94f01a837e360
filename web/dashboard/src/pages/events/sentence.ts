// SPDX-License-Identifier: MIT
import type { Event } from "../../api/schema";
import { destination, kind, words } from "../../parts/format";
import { banReason } from "../bans/reason";
import { endWord } from "../calls/names";

const leg = (e: Event) => e.leg?.user || (e.leg ? kind(e.leg.kind) : "a leg");
const why = (e: Event) => (e.reason ? `: ${e.reason}` : "") +
	(e.code ? ` (${e.code})` : "");
const device = (e: Event) => e.registration?.device ?? "";
const who = (e: Event) => e.call ?
	`${e.call.caller || "API"} to ${e.call.called ||
		destination(e.call.destination)}` :
	"a call";

const SAYS: Partial<Record<Event["type"], (e: Event) => string>> = {
	CALL_STARTED: (e) => `Call from ${who(e)} begins`,
	CALL_CHANGED: (e) => `Call from ${who(e)} is ` +
		words(e.call?.state ?? "changed"),
	CALL_FINISHED: (e) => `Call from ${who(e)} ends` +
		(e.call?.endReason ? `: ${endWord(e.call.endReason)}` : ""),
	LEG_ADDED: (e) => `${leg(e)} comes to the call`,
	LEG_CHANGED: (e) => `${leg(e)} is ${words(e.leg?.state ?? "changed")}` +
		(e.leg?.muted ? ", muted" : "") + (e.leg?.held ? ", on hold" : ""),
	LEG_REMOVED: (e) => `${leg(e)} leaves the call` +
		(e.leg?.endReason ? `: ${endWord(e.leg.endReason)}` : ""),
	DTMF_RECEIVED: (e) => `${leg(e)} presses a key (${e.dtmfMethod})`,
	MEMBER_JOINED: (e) => `${e.member} joins the cluster`,
	MEMBER_LEFT: (e) => `${e.member} leaves the cluster${why(e)}`,
	REGISTERED: (e) => `A phone of ${device(e)} is registered`,
	UNREGISTERED: (e) => `A phone of ${device(e)} is registered no more` +
		why(e),
	TALK_STARTED: (e) => `${leg(e)} begins to talk`,
	TALK_STOPPED: (e) => `${leg(e)} stops talking`,
	SPEAKER_CHANGED: (e) => `${leg(e)} is the speaker`,
	CALL_ADOPTED: (e) => `${e.member} takes the call over from ` +
		`${e.fromNode}, which died`,
	CALL_MOVED: (e) => `The call moves from ${e.fromNode} to ${e.member}`,
	LEG_RESUMED: (e) => `${leg(e)} is heard again` +
		(e.gapMs ? ` after ${e.gapMs} ms` : ""),
	LEG_LOST: (e) => `${leg(e)} is lost${why(e)}`,
	BANNED: (e) => `${e.ban?.source}${e.ban?.user ? ` (${e.ban.user})` : ""} ` +
		`is banned: ${banReason(e.ban?.reason ?? "")}`,
	UNBANNED: (e) => `${e.ban?.source} is listened to again`,
	TOLL_DENIED: (e) => `${e.account} may not call ${e.number}${why(e)}`,
	TRUNK_UP: (e) => `Provider ${e.trunk} answers`,
	TRUNK_DOWN: (e) => `Provider ${e.trunk} does not answer${why(e)}`,
	TRUNK_REGISTERED: (e) => `We are registered at ${e.trunk}`,
	TRUNK_UNREGISTERED: (e) =>
		`We are not registered at ${e.trunk} any more${why(e)}`,
	TRANSFERRED: (e) => `${leg(e)} is transferred`,
	DEVICE_UNREACHABLE: (e) => `A phone of ${device(e)} does not answer` +
		why(e),
	DEVICE_REACHABLE: (e) => `A phone of ${device(e)} answers again`,
};

/** "TRUNK_DOWN" -> "provider down": what kind of event it is, for people. */
export function kindName(type: string): string {
	return words(type, /^$/).replace(/^trunk/, "provider")
		.replace(/^device/, "phone");
}

/** What an event says, for people. */
export function sentence(e: Event): string {
	return SAYS[e.type]?.(e) ?? words(e.type, /^$/);
}

/** What it asks of an operator. */
export function severity(e: Event): "red" | "yellow" | "green" | "gray" {
	if (["LEG_LOST", "TRUNK_DOWN", "TRUNK_UNREGISTERED"].includes(e.type))
		return "red";
	if (["CALL_ADOPTED", "MEMBER_LEFT", "BANNED", "TOLL_DENIED",
		"DEVICE_UNREACHABLE"].includes(e.type))
		return "yellow";
	if (["TRUNK_UP", "TRUNK_REGISTERED", "MEMBER_JOINED",
		"DEVICE_REACHABLE"].includes(e.type))
		return "green";
	return "gray";
}
