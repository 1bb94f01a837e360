// SPDX-License-Identifier: MIT
import { Anchor, Button } from "@mantine/core";
import { Link, useLocation } from "wouter";
import { useProviders } from "../../api/live";
import type { Provider } from "../../api/schema";
import { Cable, Plus } from "../../icons";
import { Tag } from "../../parts/badge";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { useSession } from "../../session";

export function Health({ of: p }: { of: Provider }) {
	if (!p.enabled)
		return <Tag>off</Tag>;
	if (p.registers && !p.registered)
		return <Tag color="red">not registered</Tag>;
	if (p.checked && !p.reachable)
		return <Tag color="red">does not answer</Tag>;
	if (p.registered)
		return <Tag color="green">registered</Tag>;
	return p.checked ? <Tag color="green">answers</Tag> :
		<Tag color="blue">not checked</Tag>;
}

const COLUMNS: Column<Provider>[] = [
	{ key: "id", title: "Provider", sort: (p) => p.id, bare: true,
		cell: (p) => <Anchor component={Link} href={`/providers/${p.id}`}
			fw={600}>{p.id}</Anchor> },
	{ key: "state", title: "State", cell: (p) => <>
		<Health of={p} />
		{p.reason && <div className="sy-note">{p.reason}</div>}</> },
	{ key: "target", title: "Address", cell: (p) => p.target || "–" },
	{ key: "rtt", title: "Round trip", right: true, sort: (p) => p.rttMs,
		cell: (p) => p.rttMs ? `${p.rttMs.toFixed(1)} ms` : "–" },
	{ key: "calls", title: "Calls", right: true, sort: (p) => p.calls,
		cell: (p) => `${p.calls}${p.maxCalls ? ` of ${p.maxCalls}` : ""}` },
	{ key: "router", title: "Router", cell: (p) => p.router || "–" },
];

export default function Providers() {
	const { may } = useSession();
	const providers = useProviders();
	const [, go] = useLocation();
	const add = may("config:write") && <Button
		leftSection={<Plus size={16} />}
		onClick={() => go("/providers/new")}>New provider</Button>;

	return <Page title="Providers" scope="config:read" actions={add}
		intro="Carriers and PBXs, by which calls leave and come.">
		<Card flush label="Providers"><Shown query={providers}>
			{(all) => all.length ? <Table label="Providers" rows={all}
				columns={COLUMNS} rowKey={(p) => p.id} sortBy="id"
				href={(p) => `/providers/${p.id}`} /> :
				<Empty icon={Cable} title="No provider yet" action={add}>
					With a provider your phones reach the world, and the
					world reaches them. The set-up tests the connection
					and says what is wrong.
				</Empty>}
		</Shown></Card>
	</Page>;
}
