// SPDX-License-Identifier: MIT
// What can go wrong, by a code for programs and a sentence for people.

/** Causes that the SDK itself knows; the gateway's are passed on as they are
 * ("not-found", "forbidden", "conflict", "unavailable" ...). */
export type ErrorCode =
	| "not-connected"      // no gateway now; it goes on trying
	| "connection-lost"    // while an answer was due: it may have been done
	| "timeout"            // the gateway did not answer; likewise
	| "unauthorized"       // log in again, or fetch another token
	| "not-registered"     // the page is no phone (yet)
	| "no-device"          // the token or session belongs to no device
	| "replaced"           // the phone is in another page now
	| "microphone-denied"  // by the user or the page's policy
	| "no-microphone"      // none is there
	| "microphone-busy"    // another program has it
	| "no-webrtc"          // not in this browser, or not without HTTPS
	| "media"              // the peer's description cannot be used
	| "blocked"            // the browser plays no sound before a click
	| "ended"              // the call has ended
	| (string & {});

export class SwitchyardError extends Error {
	constructor(readonly code: ErrorCode, message: string,
		/** Wrong fields, as the gateway names them. */
		readonly fields: { field: string; cause: string;
			allowed?: string }[] = [],
		options?: ErrorOptions) {
		super(message, options);
		this.name = "SwitchyardError";
	}
}

/** Why there is no microphone, from what getUserMedia() says. */
export function microphoneError(e: unknown): SwitchyardError {
	const name = (e as DOMException)?.name;
	const known: Record<string, [ErrorCode, string]> = {
		NotAllowedError: ["microphone-denied",
			"The microphone may not be used: allow it for this page."],
		SecurityError: ["microphone-denied",
			"The page may not ask for a microphone."],
		NotFoundError: ["no-microphone", "There is no microphone."],
		OverconstrainedError: ["no-microphone",
			"The chosen microphone is not there any more."],
		NotReadableError: ["microphone-busy",
			"The microphone does not work, or another program has it."],
		AbortError: ["microphone-busy", "The microphone does not start."],
	};
	const [code, text] = known[name] ?? ["no-microphone",
		`No microphone: ${(e as Error)?.message ?? e}`];

	return new SwitchyardError(code, text, [], { cause: e });
}
