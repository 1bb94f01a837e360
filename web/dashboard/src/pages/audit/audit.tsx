// SPDX-License-Identifier: MIT
import { Button, TextInput } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, type Page as ApiPage, query } from "../../api/client";
import { ScrollText, Search } from "../../icons";
import { Tag } from "../../parts/badge";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { At } from "../../parts/time";

interface Entry {
	id: string; at?: string; who: string; peer: string; method: string;
	path: string; status: number; requestId: string;
	changed: string | string[];
}

const COLUMNS: Column<Entry>[] = [
	{ key: "at", title: "When", cell: (e) => <At at={e.at} /> },
	{ key: "who", title: "Who", bare: true, cell: (e) =>
		<strong>{e.who || "nobody"}</strong> },
	{ key: "what", title: "What", cell: (e) => <span
		className="sy-mono sy-break">{e.method} {e.path}</span> },
	{ key: "changed", title: "Fields", cell: (e) =>
		(Array.isArray(e.changed) ? e.changed.join(", ") : e.changed) ||
			"–" },
	{ key: "status", title: "Result", cell: (e) => <Tag color={
		e.status < 300 ? "green" : e.status < 500 ? "yellow" : "red"}>
		{e.status < 300 ? "done" : e.status === 403 ? "refused" :
			`error ${e.status}`}</Tag> },
	{ key: "peer", title: "From", cell: (e) => e.peer },
];

export default function Audit() {
	const [who, setWho] = useState("");
	const [asked, setAsked] = useState("");
	const entries = useInfiniteQuery({
		queryKey: ["audit", asked], initialPageParam: "",
		queryFn: ({ pageParam, signal }) => call<ApiPage<Entry>>("GET",
			"/api/audit" + query({ who: asked, limit: 100,
				cursor: pageParam }), { signal }),
		getNextPageParam: (last) => last.nextCursor || undefined,
	});
	const rows = entries.data?.pages.flatMap((p) => p.items);

	return <Page title="Audit" scope="audit:read"
		intro="Who has changed what, or tried to.">
		<Card flush label="Changes">
			<form className="sy-filter" role="search" onSubmit={(e) => {
				e.preventDefault();
				setAsked(who.trim());
			}}>
				<TextInput label="Who" placeholder="user:admin" value={who}
					onChange={(e) => setWho(e.currentTarget.value)} />
				<Button type="submit" variant="default"
					leftSection={<Search size={15} />}>Search</Button>
			</form>
			<Shown query={{ data: rows, error: entries.error,
				refetch: entries.refetch }}>{(all) => all.length ? <>
					<Table label="Changes" rows={all} columns={COLUMNS}
						rowKey={(e) => e.id} />
					{entries.hasNextPage && <div className="sy-more">
						<Button size="xs" variant="default"
							loading={entries.isFetchingNextPage}
							onClick={() => entries.fetchNextPage()}>
							Older ones</Button></div>}
				</> : <Empty icon={ScrollText} title="No change yet">
					Each change by a person or a program is written down
					here.
				</Empty>}</Shown>
		</Card>
	</Page>;
}
