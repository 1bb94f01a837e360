// SPDX-License-Identifier: MIT
//
// The name of a page as a phone: a secret that survives its reload, and is
// never that of two pages.

const KEY = "switchyard.phone";
const RELOAD_MS = 800; // until the page before has let go

/** 43 characters of base64url. */
export function newSecret(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(32));

	return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-")
		.replaceAll("/", "_").replaceAll("=", "");
}

/** The one that this page had before, or a new one. */
export async function ownSecret(storage: Storage): Promise<string> {
	const kept = storage.getItem(KEY);

	if (kept && await isFree(kept))
		return kept;
	const secret = newSecret();

	storage.setItem(KEY, secret);
	await isFree(secret);
	return secret;
}

// A page that is duplicated brings the storage of the first: who holds the
// lock has the name.  It is held until the page is gone.
function isFree(secret: string): Promise<boolean> {
	const { locks } = navigator;

	if (!locks)
		return Promise.resolve(true);
	return new Promise((done) => {
		locks.request(`${KEY}.${secret}`,
			{ signal: AbortSignal.timeout(RELOAD_MS) }, () => {
				done(true);
				return new Promise(() => {});
			}).catch(() => done(false));
	});
}
