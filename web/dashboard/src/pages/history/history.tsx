// SPDX-License-Identifier: MIT
import { Anchor, Button, Select, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { call, type Page as ApiPage, query } from "../../api/client";
import type { CallRecord } from "../../api/schema";
import { History as HistoryIcon, Search } from "../../icons";
import { Tag } from "../../parts/badge";
import { duration } from "../../parts/format";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { At } from "../../parts/time";
import { Mos } from "../calls/calls";
import { peers } from "../calls/names";

interface Filter { user: string; number: string; trunk: string; result: string }

const NONE: Filter = { user: "", number: "", trunk: "", result: "" };

function useRecords(filter: Filter) {
	return useInfiniteQuery({
		queryKey: ["cdr", "list", filter], initialPageParam: "",
		queryFn: ({ pageParam, signal }) => call<ApiPage<CallRecord>>("GET",
			"/api/cdr" + query({ ...filter, limit: 100, cursor: pageParam }),
			{ signal }),
		getNextPageParam: (last) => last.nextCursor || undefined,
		placeholderData: (old) => old,
	});
}

export default function History() {
	const [asked, setAsked] = useState(NONE);
	const records = useRecords(asked);
	const rows = records.data && { ...records, data:
		records.data.pages.flatMap((p) => p.items) };
	const filtered = Object.values(asked).some(Boolean);

	return <Page title="History" scope="calls:read"
		intro="Calls that have ended, the last one first.">
		<Card flush label="Calls that have ended">
			<Filters ask={setAsked} />
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
						Each call leaves a record here when it ends.
					</Empty>}
			</Shown>
		</Card>
	</Page>;
}

function Filters({ ask }: { ask: (f: Filter) => void }) {
	const [f, setF] = useState(NONE);
	const text = (key: keyof Filter, label: string) => <TextInput
		label={label} value={f[key]} w={150}
		onChange={(e) => setF({ ...f, [key]: e.currentTarget.value.trim() })} />;

	return <form className="sy-filter" role="search" onSubmit={(e) => {
		e.preventDefault();
		ask(f);
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
		<Button type="submit" variant="default"
			leftSection={<Search size={15} />}>Search</Button>
	</form>;
}

const COLUMNS: Column<CallRecord>[] = [
	{ key: "who", title: "Call", bare: true, cell: (r) =>
		<Anchor component={Link} href={`/calls/${r.call!.id}`} fw={600}>
			{peers(r.call!)}</Anchor> },
	{ key: "at", title: "Began", cell: (r) => <At at={r.call!.startedAt} /> },
	{ key: "result", title: "Result", cell: (r) => r.call!.answeredAt ?
		<Tag color="green">answered</Tag> :
		<Tag color="yellow">not answered</Tag> },
	{ key: "why", title: "Ended by", cell: (r) => r.call!.endReason || "–" },
	{ key: "legs", title: "Legs", right: true,
		cell: (r) => r.call!.legs.length },
	{ key: "mos", title: "Quality", right: true, cell: (r) =>
		<Mos value={Math.min(...r.call!.legs.map((l) => l.mos || 9))} /> },
	{ key: "for", title: "Talked", right: true, cell: (r) =>
		r.call!.answeredAt ? duration(r.durationMs) : "–" },
];
