// SPDX-License-Identifier: MIT
import { Anchor, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { list } from "../../api/client";
import type { Watch } from "../../api/schema";
import { Lightbulb, Search } from "../../icons";
import { Tag } from "../../parts/badge";
import { plural } from "../../parts/format";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { Ago } from "../../parts/time";

const EVENTS: Record<string, string> = {
	dialog: "Lamp: its calls", presence: "Presence",
	"message-summary": "Messages that wait",
};

export default function Subscriptions() {
	const watches = useQuery({ queryKey: ["subscriptions"],
		refetchInterval: 5000, queryFn: async ({ signal }) => {
			const all = await list<Watch>("/api/subscriptions", 20_000,
				signal);

			// What is refreshed meanwhile may come twice.
			return [...new Map(all.map((w) => [w.id, w])).values()];
		} });

	return <Page title="Subscriptions" scope="registrations:read"
		intro="Which phone watches what: lamps, presence, waiting messages.">
		<Card flush label="Subscriptions"><Shown query={watches}>{(all) =>
			all.length ? <Filtered all={all} /> : <Empty icon={Lightbulb}
				title="Nobody watches anything">
				A phone whose keys have lamps, or that shows who is there,
				subscribes to the others by itself once it is set up so.
			</Empty>}
		</Shown></Card>
	</Page>;
}

function Filtered({ all }: { all: Watch[] }) {
	const [text, setText] = useState("");
	const [event, setEvent] = useState("");
	const rows = all.filter((w) => (!event || w.event === event) &&
		(!text || [w.device, w.resource, w.router, w.contact, w.userAgent]
			.join(" ").toLowerCase().includes(text.toLowerCase())));

	return <>
		<div className="sy-filter">
			<TextInput className="sy-grow" aria-label="Search subscriptions"
				placeholder="Phone, what it watches, router or software"
				leftSection={<Search size={16} />} value={text}
				onChange={(e) => setText(e.currentTarget.value)} />
			<Select aria-label="Kind" w={200} value={event} data={[
				{ value: "", label: "Any kind" },
				...Object.entries(EVENTS).map(([value, label]) =>
					({ value, label }))]}
				onChange={(v) => setEvent(v ?? "")} />
		</div>
		<div className="sy-count" role="status">
			{rows.length === all.length ?
				plural(all.length, "subscription") :
				`${rows.length} of ${plural(all.length, "subscription")}`}
		</div>
		{rows.length ? <Table label="Subscriptions" rows={rows}
			columns={COLUMNS} rowKey={(w) => w.id} sortBy="device" /> :
			<Empty icon={Search} title="No subscription fits">
				Change the search or the filter.</Empty>}
	</>;
}

const COLUMNS: Column<Watch>[] = [
	{ key: "device", title: "Phone", sort: (w) => w.device, bare: true,
		cell: (w) => <Anchor component={Link} href={`/phones/${w.device}`}
			fw={600}>{w.device}</Anchor> },
	{ key: "resource", title: "Watches", sort: (w) => w.resource,
		cell: (w) => w.resource },
	{ key: "event", title: "Kind", sort: (w) => w.event,
		cell: (w) => EVENTS[w.event] ?? w.event },
	{ key: "agent", title: "Software", sort: (w) => w.userAgent,
		cell: (w) => w.userAgent || "–" },
	{ key: "since", title: "Since", sort: (w) => w.since ?? "",
		cell: (w) => <Ago at={w.since} /> },
	{ key: "expires", title: "Ends", sort: (w) => w.expiresAt ?? "",
		cell: (w) => <Ago at={w.expiresAt} /> },
	{ key: "router", title: "Router", sort: (w) => w.router,
		cell: (w) => w.router || <Tag color="yellow">none yet</Tag> },
];
