// SPDX-License-Identifier: MIT
//
// Parts of the program that come when they are needed.  One that has not come
// is asked for again at its next use: React alone, and Vite for a style, keep
// that it failed until the page is loaded anew.
import { type ComponentType, lazy } from "react";

type Load<P> = () => Promise<{ default: ComponentType<P> }>;

/** A component whose program comes later; show it within a Boundary. */
export type Later<P> = ComponentType<P> & {
	fetch(): void; // before it is shown; whoever shows it tells of what fails
};

/** A part has not come; once told so, `forget`, and it is asked for again. */
export class NotLoaded extends Error {
	constructor(cause: unknown, readonly forget: () => void) {
		super(cause instanceof Error ? cause.message : String(cause));
	}
}

// Styles that have not come, by the address that the page has them by.
const lost = new Map<string, HTMLLinkElement>();
const STYLE = /preload CSS for (\S+)/; // as Vite tells of one

addEventListener("error", ({ target: t }) => {
	if (t instanceof HTMLLinkElement && t.rel === "stylesheet")
		lost.set(t.getAttribute("href")!, t);
}, true);

/** Ask for a style again; it is lost once more, or it has come. */
function again(href: string, old: HTMLLinkElement): Promise<void> {
	const link = old.cloneNode() as HTMLLinkElement;

	lost.delete(href);
	return new Promise((done) => {
		link.onload = link.onerror = () => done();
		old.replaceWith(link);
	});
}

export function later<P extends object>(load: Load<P>): Later<P> {
	let style = ""; // that this part lacked
	const get: Load<P> = async () => {
		// Those of others too, which need not be waited for.
		const tried = new Map([...lost].map(([href, link]) =>
			[href, again(href, link)]));

		await tried.get(style);
		if (lost.has(style))
			throw new Error(`${style} has not come`);
		return load().catch((e) => {
			style = STYLE.exec(String(e))?.[1] ?? "";
			throw e;
		});
	};
	const make = () => {
		const made = lazy<ComponentType<any>>(() => get().catch((e) => {
			throw new NotLoaded(e, () => {
				if (part === made)
					part = make();
			});
		}));

		return made;
	};
	let part = make();

	function Part(props: P) {
		const Now = part;

		return <Now {...props} />;
	}
	Part.fetch = () => { get().catch(() => {}); };
	return Part;
}

export type Why = "away" | "newer" | "unknown";

/** Why a part may not have come: the gateway is away, or has a newer program
 * than this one, whose files are gone. */
export async function whyNotLoaded(): Promise<Why> {
	const own = document.querySelector("script[type=module][src]")
		?.getAttribute("src");

	try {
		const res = await fetch("/", { cache: "no-store" });

		if (!res.ok)
			return "away";
		return own && !(await res.text()).includes(own) ? "newer" : "unknown";
	} catch {
		return "away";
	}
}
