// SPDX-License-Identifier: MIT
//
// A trace as a ladder: who takes part, and what goes from whom to whom.
import type { TraceMessage } from "../../api/schema";

export interface Party {
	key: string;
	name: string;   // user of its SIP address, or the router or gateway
	note: string;   // where it is
}

export interface Step {
	message: TraceMessage;
	from: number;   // column
	to: number;
	title: string;  // "INVITE", "200 OK"
	kind: "request" | "mid" | "good" | "bad";
	offset: number; // since the first [s]
}

function user(text: string, header: string): string {
	const line = new RegExp(`^(?:${header})\\s*:\\s*(.*)$`, "im").exec(text);

	return /sips?:([^@;>]+)@/.exec(line?.[1] ?? "")?.[1] ?? "";
}

const firstOf = (text: string) => text.split(/\r?\n/, 1)[0]!;

/** A message of /ws: "phoneProgress 183", then a line a field. */
const isOfPage = (text: string) => !/SIP\/2\.0/.test(firstOf(text));

function titleOf(text: string): string {
	const first = firstOf(text);
	const answer = /^SIP\/2\.0 (\d+.*)$/.exec(first);

	if (isOfPage(text))
		return first;
	return answer ? answer[1]! : first.split(" ")[0]!;
}

function kindOf(title: string): Step["kind"] {
	const code = parseInt(title, 10);

	if (title === "done")
		return "good";
	if (title.startsWith("error"))
		return "bad";
	if (!code)
		return "request";
	return code < 200 ? "mid" : code < 300 ? "good" : "bad";
}

function nameOf(m: TraceMessage): string {
	if (isOfPage(m.text))
		return /^device: (.*)$/m.exec(m.text)?.[1] ?? "";
	// Who sends a request is in its From; whom it is for in its To.
	return kindOf(titleOf(m.text)) === "request"
		? user(m.text, m.direction === "in" ? "From|f" : "To|t") : "";
}

export function ladder(messages: TraceMessage[]) {
	const parties = new Map<string, Party>();
	const note = (key: string, name: string, at: string) => {
		const old = parties.get(key);

		if (!old)
			parties.set(key, { key, name, note: at });
		else if (!old.name && name)
			old.name = name;
	};

	for (const m of messages) {
		const peer = m.direction === "in" ? m.source : m.target;
		const page = isOfPage(m.text);

		note(`p${peer}`, nameOf(m),
			`${page ? "browser" : m.transport} ${peer}`);
		note(`r${m.router}`, m.router, page ? "gateway" : "router");
	}
	const all = [...parties.values()];
	const peers = all.filter((p) => p.key[0] === "p");
	const routers = all.filter((p) => p.key[0] === "r");
	const columns = [...peers.slice(0, 1), ...routers, ...peers.slice(1)];
	const column = new Map(columns.map((p, i) => [p.key, i]));
	const begin = Date.parse(messages[0]?.at ?? "");
	const steps = messages.map((m): Step => {
		const router = column.get(`r${m.router}`)!;
		const inward = m.direction === "in";
		const peer = column.get(`p${inward ? m.source : m.target}`)!;
		const title = titleOf(m.text);

		return { message: m, title, kind: kindOf(title),
			from: inward ? peer : router, to: inward ? router : peer,
			offset: (Date.parse(m.at ?? "") - begin) / 1000 };
	});

	return { columns, steps };
}
