// SPDX-License-Identifier: MIT
import { Anchor, Button, Select, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { call, type Page as ApiPage, query } from "../../api/client";
import { useEvents } from "../../api/live";
import type { CallRecord, Event } from "../../api/schema";
import { History as HistoryIcon, Search } from "../../icons";
import { Tag } from "../../parts/badge";
import { duration } from "../../parts/format";
import { Card, Page } from "../../parts/page";
import { useParam } from "../../parts/param";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table, Under } from "../../parts/table";
import { At } from "../../parts/time";
import { useSession } from "../../session";
import { worst } from "../calls/calls";
import { ending, people, peers } from "../calls/names";

interface Filter {
	user: string; number: string; trunk: string; result: string;
	from: string; to: string; // days, "2026-11-26", both included
}

/** The moment when a day begins here, some days later. */
function begins(day: string, later = 0): string {
	const at = new Date(`${day}T00:00`);

	if (!day || isNaN(at.getTime()))
		return "";
	at.setDate(at.getDate() + later);
	return at.toISOString();
}

function useRecords(filter: Filter) {
	return useInfiniteQuery({
		queryKey: ["cdr", "list", filter], initialPageParam: "",
		queryFn: ({ pageParam, signal }) => call<ApiPage<CallRecord>>("GET",
			"/api/cdr" + query({ user: filter.user, number: filter.number,
				trunk: filter.trunk, result: filter.result,
				after: begins(filter.from), before: begins(filter.to, 1),
				limit: 100, cursor: pageParam }), { signal }),
		getNextPageParam: (last) => last.nextCursor || undefined,
		placeholderData: (old) => old,
	});
}

// A record is written a moment after its call has ended.
const RECORD_MS = 2000;

/** The newest records come by themselves, while no older ones are shown. */
function useNewest(first: boolean, refetch: () => unknown) {
	const live = useSession().may("events:read");
	const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

	useEffect(() => () => clearTimeout(timer.current), []);
	useEvents(useCallback((e: Event) => {
		if (e.type === "CALL_FINISHED")
			timer.current ??= setTimeout(() => {
				timer.current = undefined;
				refetch();
			}, RECORD_MS);
	}, [refetch]), first && live);
}

/** What is looked for, as the address has it. */
function useAsked(): [Filter, (f: Filter) => void] {
	const [user, setUser] = useParam("user");
	const [number, setNumber] = useParam("number");
	const [trunk, setTrunk] = useParam("provider");
	const [result, setResult] = useParam("result");
	const [from, setFrom] = useParam("from");
	const [to, setTo] = useParam("to");

	return [{ user, number, trunk, result, from, to }, (f) => {
		setUser(f.user);
		setNumber(f.number);
		setTrunk(f.trunk);
		setResult(f.result);
		setFrom(f.from);
		setTo(f.to);
	}];
}

export default function History() {
	const [asked, setAsked] = useAsked();
	const records = useRecords(asked);
	const rows = records.data && { ...records, data:
		records.data.pages.flatMap((p) => p.items) };
	useNewest(records.data?.pages.length === 1, records.refetch);
	const filtered = Object.values(asked).some(Boolean);

	return <Page title="History" scope="calls:read"
		intro="Calls that have ended, the last one first.">
		<Card flush label="Calls that have ended">
			<Filters asked={asked} ask={setAsked} />
			<Shown query={rows ?? { error: records.error, data: undefined,
				refetch: records.refetch }}>
				{(all: CallRecord[]) => all.length ? <>
					<Table label="Calls that have ended" rows={all}
						columns={COLUMNS} rowKey={(r) => r.call!.id}
						href={(r) => `/calls/${r.call!.id}`} />
					{records.hasNextPage && <div className="sy-more">
						<Button size="xs" variant="default"
							loading={records.isFetchingNextPage}
							onClick={() => records.fetchNextPage()}>
							Older calls</Button>
					</div>}
				</> : filtered ? <Empty icon={Search} title="No call fits">
					Change the filters.</Empty> :
					<Empty icon={HistoryIcon} title="No call has ended yet">
						Each call leaves a record here when it ends. Those that
						run are under <Anchor component={Link}
							href="/calls">Calls</Anchor>.
					</Empty>}
			</Shown>
		</Card>
	</Page>;
}

function Filters({ asked, ask }: {
	asked: Filter; ask: (f: Filter) => void;
}) {
	const [f, setF] = useState(asked);
	const text = (key: keyof Filter, label: string) => <TextInput
		label={label} value={f[key]} w={150}
		onChange={(e) => setF({ ...f, [key]: e.currentTarget.value })} />;

	const day = (key: "from" | "to", label: string) => <TextInput w={150}
		label={label} type="date" value={f[key]} onChange={(e) => {
			setF({ ...f, [key]: e.currentTarget.value });
			ask({ ...f, [key]: e.currentTarget.value });
		}} />;

	return <form className="sy-filter" role="search" onSubmit={(e) => {
		e.preventDefault();
		ask({ ...f, user: f.user.trim(), number: f.number.trim(),
			trunk: f.trunk.trim() });
	}}>
		{text("user", "Phone")}
		{text("number", "Number")}
		{text("trunk", "Provider")}
		<Select label="Result" w={150} value={f.result} data={[
			{ value: "", label: "Any" },
			{ value: "answered", label: "Answered" },
			{ value: "unanswered", label: "Not answered" },
		]} onChange={(v) => {
			setF({ ...f, result: v ?? "" });
			ask({ ...f, result: v ?? "" });
		}} />
		{day("from", "From")}
		{day("to", "To")}
		<Button type="submit" variant="default"
			leftSection={<Search size={15} />}>Search</Button>
	</form>;
}

const COLUMNS: Column<CallRecord>[] = [
	{ key: "who", title: "Call", bare: true, cell: (r) =>
		<div><Anchor component={Link} href={`/calls/${r.call!.id}`} fw={600}>
			{peers(r.call!)}</Anchor><Under>{people(r.call!)}</Under></div> },
	{ key: "at", title: "Began", cell: (r) => <span className="sy-nowrap">
		<At at={r.call!.startedAt} /></span> },
	{ key: "result", title: "Result", cell: (r) => r.call!.answeredAt ?
		<Tag color="green">answered</Tag> :
		<Tag color="yellow">not answered</Tag> },
	{ key: "why", title: "How it ended", cell: (r) =>
		ending(r.call!) || "–" },
	{ key: "legs", title: "Legs", right: true,
		cell: (r) => r.call!.legs.length },
	{ key: "mos", title: "Quality", right: true,
		cell: (r) => worst(r.call!) },
	{ key: "for", title: "Talked", right: true, cell: (r) =>
		r.call!.answeredAt ? duration(r.durationMs) : "–" },
];
