// SPDX-License-Identifier: MIT
//
// The programs of the shell, each fetched when it is needed: who is to log in
// waits for none of them, and the first page for none but the shell itself.
import { Plot } from "../parts/chart";
import { later } from "../parts/later";

export const Shell = later(() => import("./shell"));
export const Goto = later(() => import("./goto"));
export const UserMenu = later(() => import("./user_menu"));
export const Navigation = later(() => import("./navigation"));
export const Dock = later(() => import("../phone/dock"));

/** Fetch what is not there yet. */
export function fetchShell(all = false) {
	Shell.fetch();
	if (all)
		[Goto, UserMenu, Navigation, Dock, Plot].forEach((p) => p.fetch());
}

const AFTER_MS = 500;

/** The same, once the page has what it shows; ends by calling the result. */
export function afterPaint() {
	const timer = setTimeout(() => fetchShell(true), AFTER_MS);

	return () => clearTimeout(timer);
}
