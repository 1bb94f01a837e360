// SPDX-License-Identifier: MIT
import { Anchor, Text } from "@mantine/core";
import { Link } from "wouter";
import { useStatus } from "../../api/live";
import type { Member, Node } from "../../api/schema";
import { Server } from "../../icons";
import { State, Tag } from "../../parts/badge";
import { Bar } from "../../parts/figures";
import { percent } from "../../parts/format";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { Ago } from "../../parts/time";
import { useSession } from "../../session";
import { DrainButton, DrainProgress } from "./drain";
import "./nodes.css";

const SHED = ["", "no denoising", "simpler Opus", "no real-time priority"];

export function Load({ node: n }: { node: Node }) {
	return <div className="sy-load">
		<Bar value={n.tickUsedPercent} label={`Load of ${n.id}`} />
		<span>{percent(n.tickUsedPercent)}</span>
	</div>;
}

/** Whether the versions of a cluster differ, as in the middle of an upgrade. */
function mixed(members: { version: string }[]): boolean {
	return new Set(members.map((m) => m.version)).size > 1;
}

export default function Nodes() {
	const status = useStatus();
	const { may } = useSession();

	return <Page title="Nodes" scope="nodes:read" intro={"Media nodes own " +
		"the calls. A drained node can be stopped without anybody noticing."}>
		<Shown query={status}>{(s) => <>
			{mixed([...s.nodes, ...s.routers, ...s.gateways]) &&
				<Text size="sm" className="sy-warn">
					Not all processes have the same version: an upgrade is
					under way, or somebody was left behind.
				</Text>}
			<Card title="Media nodes" flush>
				{s.nodes.length ? <Table label="Media nodes" rows={s.nodes}
					rowKey={(n) => n.id} href={(n) => `/nodes/${n.id}`}
					sortBy="id" columns={columns(s.nodes,
						may("nodes:write"))} /> :
					<Empty icon={Server} title="No media node runs">
						Calls are refused until one has joined: start
						switchyard-node with this cluster’s Redis.
					</Empty>}
			</Card>
			<div className="sy-halves">
				<Card title="Routers" flush>
					<Members label="Routers" rows={s.routers} /></Card>
				<Card title="Gateways" flush>
					<Members label="Gateways" rows={s.gateways} /></Card>
			</div>
		</>}</Shown>
	</Page>;
}

function columns(all: Node[], write: boolean): Column<Node>[] {
	const columns: Column<Node>[] = [
		{ key: "id", title: "Node", sort: (n) => n.id, bare: true,
			cell: (n) => <Anchor component={Link} fw={600}
				href={`/nodes/${n.id}`}>{n.id}</Anchor> },
		{ key: "state", title: "State", sort: (n) => n.state,
			cell: (n) => n.state === "DRAINING" ?
				<DrainProgress node={n} /> :
				<><State name={n.state} />{" "}
					{n.shed > 0 && <Tag color="yellow">
						{SHED[n.shed] ?? "sheds"}</Tag>}</> },
		{ key: "load", title: "Load", sort: (n) => n.tickUsedPercent,
			cell: (n) => <Load node={n} /> },
		{ key: "hubs", title: "Calls", right: true, sort: (n) => n.hubs,
			cell: (n) => n.hubs },
		{ key: "legs", title: "Legs", right: true, sort: (n) => n.legs,
			cell: (n) => n.legs },
		{ key: "version", title: "Version", sort: (n) => n.version,
			cell: (n) => n.version },
		{ key: "startedAt", title: "Started", sort: (n) => n.startedAt ?? "",
			cell: (n) => <Ago at={n.startedAt} /> },
	];

	if (write)
		columns.push({ key: "act", title: "", narrow: true, bare: true,
			cell: (n) => <DrainButton node={n} others={all.filter((o) =>
				o.id !== n.id && o.state === "LIVE").length} /> });
	return columns;
}

function Members({ label, rows }: { label: string; rows: Member[] }) {
	return rows.length ? <Table label={label} rows={rows}
		rowKey={(m) => m.id} sortBy="id" columns={[
			{ key: "id", title: "Name", sort: (m) => m.id, bare: true,
				cell: (m) => <strong>{m.id}</strong> },
			{ key: "state", title: "State", sort: (m) => m.state,
				cell: (m) => <State name={m.state} /> },
			{ key: "address", title: "Address", cell: (m) =>
				<span className="sy-nowrap">{m.address}</span> },
			{ key: "version", title: "Version", cell: (m) => m.version },
			{ key: "startedAt", title: "Started",
				cell: (m) => <Ago at={m.startedAt} /> },
		]} /> : <Empty title={`No ${label.toLowerCase()}`} />;
}
