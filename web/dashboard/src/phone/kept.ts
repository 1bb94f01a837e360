// SPDX-License-Identifier: MIT
//
// Where this tab keeps texts: of each user apart, and of nobody who has left.

const PREFIX = "sy-texts-";
const of = (user: string) => `${PREFIX}${encodeURIComponent(user)}/`;

/** The name under which a user's texts with a device are kept. */
export const textsKey = (user: string, device: string) => of(user) + device;

/** Remove the texts of all others than who is logged in; "": nobody is. */
export function forgetOthers(user: string,
	store: Pick<Storage, "length" | "key" | "removeItem">) {
	const keys = Array.from({ length: store.length }, (_, i) => store.key(i)!);

	for (const key of keys)
		if (key.startsWith(PREFIX) && !(user && key.startsWith(of(user))))
			store.removeItem(key);
}
