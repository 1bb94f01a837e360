// SPDX-License-Identifier: MIT
//
// A trace as a ladder: who takes part, and what goes from whom to whom.
import type { TraceMessage } from "../../api/schema";

export interface Party {
	key: string;
	name: string;   // user of its SIP address, or the router
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

function titleOf(text: string): string {
	const first = text.slice(0, text.indexOf("\r\n") >>> 0 || undefined)
		.split(/\r?\n/)[0]!;
	const answer = /^SIP\/2\.0 (\d+.*)$/.exec(first);

	return answer ? answer[1]! : first.split(" ")[0]!;
}

function kindOf(title: string): Step["kind"] {
	const code = parseInt(title, 10);

	if (!code)
		return "request";
	return code < 200 ? "mid" : code < 300 ? "good" : "bad";
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
		const request = kindOf(titleOf(m.text)) === "request";
		const peer = m.direction === "in" ? m.source : m.target;

		// Who sends a request is in its From; whom it is for in its To.
		note(`p${peer}`, request ? user(m.text, m.direction === "in" ?
			"From|f" : "To|t") : "", `${m.transport} ${peer}`);
		note(`r${m.router}`, m.router, "router");
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
