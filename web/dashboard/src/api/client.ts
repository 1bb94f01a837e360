// SPDX-License-Identifier: MIT
//
// Requests to the gateway that served the page.  An error is a Problem: what
// the API says (RFC 9457), or that the gateway is not reached.

export interface FieldError {
	field: string;
	cause: string;
	allowed?: string;
}

export class Problem extends Error {
	constructor(
		readonly status: number, // 0: no answer came
		readonly slug: string,   // last part of its type
		readonly title: string,
		readonly detail: string,
		readonly errors: FieldError[] = [],
		readonly requestId = "",
	) {
		super(detail || title);
	}
}

let csrfToken = "";
let onUnauthorized = () => {};

/** What a session said must accompany every change. */
export function setCsrfToken(token: string) {
	csrfToken = token;
}

/** Called when the session has ended. */
export function setUnauthorized(handler: () => void) {
	onUnauthorized = handler;
}

const TITLES: Record<number, string> = {
	0: "The gateway is not reached",
	403: "Not allowed",
	404: "Not found",
	409: "Not possible now",
	412: "Somebody else has changed this meanwhile",
	429: "Too many requests",
	500: "The gateway has failed",
	503: "Not available now",
	504: "No answer from the node",
};

async function problemOf(res: Response): Promise<Problem> {
	let doc: any = {};

	try {
		doc = await res.json();
	} catch {
		// Something between us and the gateway has answered.
	}
	return new Problem(res.status,
		String(doc.type ?? "").split(":").pop() ?? "",
		TITLES[res.status] ?? doc.title ?? `Error ${res.status}`,
		doc.detail ?? "", doc.errors ?? [],
		doc.requestId ?? res.headers.get("x-request-id") ?? "");
}

export interface Options {
	body?: unknown;
	headers?: Record<string, string>;
	signal?: AbortSignal;
	quiet?: boolean; // 401 is an answer like others
}

/** A request; its answer as it came. */
export async function send(method: string, path: string,
	options: Options = {}): Promise<Response> {
	const headers: Record<string, string> = {
		Accept: "application/json", ...options.headers };
	let res: Response;

	if (options.body !== undefined)
		headers["Content-Type"] ??= "application/json";
	if (method !== "GET" && csrfToken)
		headers["X-CSRF-Token"] = csrfToken;
	try {
		res = await fetch(path, {
			method, headers, credentials: "same-origin",
			signal: options.signal,
			body: options.body === undefined
				? undefined : JSON.stringify(options.body),
		});
	} catch (e) {
		if ((e as Error).name === "AbortError")
			throw e;
		throw new Problem(0, "unreachable", TITLES[0],
			"No connection to the gateway. It is tried again.");
	}
	if (res.ok)
		return res;
	if (res.status === 401 && !options.quiet)
		onUnauthorized();
	throw await problemOf(res);
}

/** A request; the parsed answer, undefined when it has no body. */
export async function call<T>(method: string, path: string,
	options: Options = {}): Promise<T> {
	const res = await send(method, path, options);
	const text = await res.text();

	return (text ? JSON.parse(text) : undefined) as T;
}

export interface Page<T> {
	items: T[];
	nextCursor: string;
}

/** All of a list, page after page; at most `most` items. */
export async function list<T>(path: string, most = 5000,
	signal?: AbortSignal): Promise<T[]> {
	const items: T[] = [];
	let cursor = "";

	do {
		const mark = path.includes("?") ? "&" : "?";
		const page: Page<T> = await call("GET", path + mark + "limit=1000" +
			(cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""),
		{ signal });

		items.push(...page.items);
		cursor = page.nextCursor;
	} while (cursor && items.length < most);
	return items;
}

/** A query string of what is not empty: "" or "?a=b". */
export function query(values: Record<string, string | number | undefined>) {
	const q = new URLSearchParams();

	for (const [key, value] of Object.entries(values))
		if (value !== undefined && value !== "")
			q.set(key, String(value));
	return q.size ? `?${q}` : "";
}

export const id = encodeURIComponent;
