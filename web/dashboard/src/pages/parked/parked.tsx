// SPDX-License-Identifier: MIT
import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { list } from "../../api/client";
import type { ParkedCall } from "../../api/schema";
import { CircleParking } from "../../icons";
import { Tag } from "../../parts/badge";
import { plural } from "../../parts/format";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { Ago, Lasts } from "../../parts/time";

export default function Parked() {
	const parked = useQuery({ queryKey: ["parked"], refetchInterval: 2000,
		queryFn: ({ signal }) => list<ParkedCall>("/api/parked", 2000,
			signal) });

	return <Page title="Parked calls" scope="calls:read"
		intro="Who waits at a parking place, until somebody fetches him.">
		<Card flush label="Parked calls"><Shown query={parked}>{(all) =>
			all.length ? <>
				<div className="sy-count" role="status">
					{plural(all.length, "call")}</div>
				<Table label="Parked calls" rows={all} columns={COLUMNS}
					rowKey={(p) => `${p.call}${p.leg}`} sortBy="place"
					href={(p) => `/calls/${p.call}`} />
			</> : <Empty icon={CircleParking} title="Nobody is parked">
				A call is parked by transferring it to a number whose{" "}
				<Anchor component={Link} href="/routes">route</Anchor> leads
				to a parking place. Who dials that number afterwards fetches
				it.
			</Empty>}
		</Shown></Card>
	</Page>;
}

const COLUMNS: Column<ParkedCall>[] = [
	{ key: "place", title: "Place", sort: (p) => p.place, bare: true,
		cell: (p) => <Anchor component={Link} href={`/calls/${p.call}`}
			fw={600}>{p.place}</Anchor> },
	{ key: "who", title: "Who waits", sort: (p) => p.user, cell: (p) => <>
		{p.user || "somebody"}
		{p.displayName && p.displayName !== p.user &&
			<div className="sy-note">{p.displayName}</div>}</> },
	{ key: "by", title: "Parked by", sort: (p) => p.by,
		cell: (p) => p.by || "himself" },
	{ key: "since", title: "Waits for", right: true,
		sort: (p) => p.since ?? "", cell: (p) => <Lasts from={p.since} /> },
	{ key: "recall", title: "Called back", cell: (p) => p.recalling ?
		<Tag color="yellow">rings now</Tag> : p.recallAt ?
			<Ago at={p.recallAt} /> : "–" },
];
