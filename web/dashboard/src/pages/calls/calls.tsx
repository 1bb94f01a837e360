// SPDX-License-Identifier: MIT
import { Anchor, Button, Select, TextInput } from "@mantine/core";
import { useDeferredValue, useState } from "react";
import { Link } from "wouter";
import { useCalls } from "../../api/live";
import type { Call } from "../../api/schema";
import { PhoneOff, Plus, Search } from "../../icons";
import { State, Tag } from "../../parts/badge";
import { plural } from "../../parts/format";
import { Card, Page } from "../../parts/page";
import { useParam } from "../../parts/param";
import { Empty, Shown } from "../../parts/states";
import { type Column, NONE, Table, Under } from "../../parts/table";
import { Lasts } from "../../parts/time";
import { useSession } from "../../session";
import { people, peers, searched } from "./names";
import { NewCall } from "./new_call";

const STATES = [
	{ value: "", label: "Any state" },
	{ value: "CALL_SETUP", label: "Setup" },
	{ value: "CALL_RINGING", label: "Ringing" },
	{ value: "CALL_ANSWERED", label: "Answered" },
];

export default function Calls() {
	const { may } = useSession();
	const calls = useCalls();
	const [open, setOpen] = useState(false);

	return <Page title="Calls" scope="calls:read" actions={
		may("calls:write") && <Button leftSection={<Plus size={16} />}
			onClick={() => setOpen(true)}>New call</Button>}>
		<NewCall open={open} close={() => setOpen(false)} />
		<Card flush label="Calls that run"><Shown query={calls}>
			{(all) => <Filtered all={all} add={() => setOpen(true)} />}
		</Shown></Card>
	</Page>;
}

function Filtered({ all, add }: { all: Call[]; add: () => void }) {
	const { may } = useSession();
	const [text, setText] = useParam("q");
	const [state, setState] = useParam("state");
	const [node, setNode] = useParam("node");
	// What is typed is there at once, what it finds a moment later.
	const words = useDeferredValue(text).toLowerCase().split(/\s+/).filter(Boolean);
	const nodes = [...new Set(all.map((c) => c.node))].sort();
	const rows = all.filter((c) => (!state || c.state === state) &&
		(!node || c.node === node) &&
		(!words.length || words.every((w) => searched(c).includes(w))));

	if (!all.length)
		return <Empty icon={PhoneOff} title="Nobody is calling now"
			action={may("calls:write") && <Button onClick={add}>
				Start a call</Button>}>
			Calls appear here as they begin. Those that have ended are
			under <Anchor component={Link} href="/history">History</Anchor>.
		</Empty>;
	return <>
		<div className="sy-filter">
			<TextInput className="sy-grow" aria-label="Search calls"
				placeholder="Number, name, phone, provider or call id"
				leftSection={<Search size={16} />} value={text}
				onChange={(e) => setText(e.currentTarget.value)} />
			<Select aria-label="State" data={STATES} value={state} w={140}
				onChange={(v) => setState(v ?? "")} />
			<Select aria-label="Node" w={150} value={node}
				onChange={(v) => setNode(v ?? "")} data={[
					{ value: "", label: "Any node" }, ...nodes]} />
		</div>
		<div className="sy-count" role="status">
			{rows.length === all.length ? plural(all.length, "call") :
				`${rows.length} of ${plural(all.length, "call")}`}
		</div>
		{rows.length ? <Table label="Calls" rows={rows} columns={COLUMNS}
			rowKey={(c) => c.id} href={(c) => `/calls/${c.id}`}
			sortBy="-startedAt" /> :
			<Empty icon={Search} title="No call fits">
				Change the search or the filters.
			</Empty>}
	</>;
}

const COLUMNS: Column<Call>[] = [
	{ key: "peers", title: "Call", sort: peers, bare: true,
		cell: (c) => <div><Anchor component={Link} href={`/calls/${c.id}`}
			fw={600}>{peers(c)}</Anchor>
			<Under>{people(c)}</Under></div> },
	{ key: "state", title: "State", sort: (c) => c.state,
		cell: (c) => <>
			<State name={c.state} />{" "}
			{c.adopting && <Tag color="red">changing node</Tag>}
			{c.parked && <Tag color="blue">parked</Tag>}
		</> },
	{ key: "legs", title: "Legs", right: true, sort: (c) => c.legs.length,
		cell: (c) => c.legs.length },
	{ key: "codec", title: "Codecs", cell: (c) =>
		[...new Set(c.legs.map((l) => l.codec).filter(Boolean))].join(", ") ||
			"–" },
	{ key: "mos", title: "Quality", right: true,
		sort: (c) => Math.min(...c.legs.map((l) => l.mos || 9)),
		cell: worst },
	{ key: "node", title: "Node", sort: (c) => c.node,
		cell: (c) => <span className="sy-nowrap">{c.node}</span> },
	{ key: "startedAt", title: "Duration", right: true,
		sort: (c) => Date.parse(c.startedAt ?? "") || 0,
		cell: (c) => <Lasts from={c.startedAt} /> },
];

/** The score of the leg that has the least. */
export function worst(c: Call) {
	const scores = c.legs.map((l) => l.mos).filter(Boolean);

	return scores.length ? <Mos value={Math.min(...scores)} /> : NONE;
}

/** A mean opinion score, 1 to 4.5, in a word's colour. */
export function Mos({ value }: { value: number }) {
	if (!value)
		return <>{NONE}</>;
	return <span className={value >= 4 ? "sy-good" : value >= 3.4 ?
		"sy-warn" : "sy-bad"} title="Mean opinion score, 1 to 4.5">
		{value.toFixed(1)}
	</span>;
}
