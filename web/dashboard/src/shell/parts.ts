// SPDX-License-Identifier: MIT
//
// The programs of the shell, each fetched when it is needed: who is to log in
// waits for none of them, and the first page for none but the shell itself.
import { lazy } from "react";

const shell = () => import("./shell");
const more = {
	goto: () => import("./goto"),
	userMenu: () => import("./user_menu"),
	navigation: () => import("./navigation"),
	dock: () => import("../phone/dock"),
	plot: () => import("../parts/plot"), // of charts
};

export const Shell = lazy(shell);
export const Goto = lazy(more.goto);
export const UserMenu = lazy(more.userMenu);
export const Navigation = lazy(more.navigation);
export const Dock = lazy(more.dock);

/** Fetch what is not there yet; whoever shows it tells of what fails. */
export function fetchShell(all = false) {
	shell().catch(() => {});
	if (all)
		Object.values(more).forEach((load) => load().catch(() => {}));
}

const AFTER_MS = 500;

/** The same, once the page has what it shows; ends by calling the result. */
export function afterPaint() {
	const timer = setTimeout(() => fetchShell(true), AFTER_MS);

	return () => clearTimeout(timer);
}
