// SPDX-License-Identifier: MIT
import { Anchor, Button, Select, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { list } from "../../api/client";
import { useInterval, useRegistrations } from "../../api/live";
import type { Binding, DeviceState } from "../../api/schema";
import { Plus, Search, Smartphone } from "../../icons";
import { Tag } from "../../parts/badge";
import { plural } from "../../parts/format";
import { Card, Page } from "../../parts/page";
import { useParam } from "../../parts/param";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { useSession } from "../../session";
import { DeviceDrawer } from "./edit";

export interface Row {
	id: string;
	name: string;
	state?: DeviceState & { contacts?: number; calls?: number };
	bindings: Binding[];
}

/** Devices, and who of them is registered. */
function useRows() {
	const { may } = useSession();
	const registrations = useRegistrations();
	const refetchInterval = useInterval("registrations", 5000, 15_000);
	const devices = useQuery({
		queryKey: ["devices"], refetchInterval, enabled: may("devices:read"),
		retry: false,
		queryFn: ({ signal }) => list<NonNullable<Row["state"]>>(
			"/api/devices", 20_000, signal),
	});
	const bound = new Map((registrations.data ?? [])
		.map((r) => [r.device, r.bindings]));
	const rows: Row[] = (devices.data ?? []).map((d) => ({ id: d.id,
		name: d.displayName, state: d, bindings: bound.get(d.id) ?? [] }));

	// Without the list of devices there are still those that are registered.
	if (!devices.data)
		for (const [id, bindings] of bound)
			rows.push({ id, name: "", bindings });
	return { query: { ...registrations, data: registrations.data &&
		(devices.data || devices.error || !may("devices:read")) ? rows :
		undefined } };
}

export function Reach({ binding: b }: { binding: Binding }) {
	if (!b.checkedAt)
		return <Tag color="green">registered</Tag>;
	return b.reachable ? <Tag color="green">
		answers{b.roundTripMs > 0 && ` in ${b.roundTripMs.toFixed(0)} ms`}
	</Tag> : <Tag color="red">does not answer ({b.lastCode})</Tag>;
}

const COLUMNS: Column<Row>[] = [
	{ key: "id", title: "Phone", sort: (r) => r.id, bare: true,
		cell: (r) => <Anchor component={Link} href={`/phones/${r.id}`}
			fw={600}>{r.id}</Anchor> },
	{ key: "name", title: "Name", sort: (r) => r.name,
		cell: (r) => <bdi>{r.name}</bdi> },
	{ key: "state", title: "State",
		sort: (r) => r.bindings.length ? r.bindings.some((b) =>
			b.checkedAt && !b.reachable) ? 1 : 2 : 0,
		cell: (r) => r.bindings.length ? r.bindings.length === 1 ?
			<Reach binding={r.bindings[0]!} /> :
			<Tag color="green">{r.bindings.length} contacts</Tag> :
			<Tag>not registered</Tag> },
	{ key: "agent", title: "Software", sort: (r) =>
		r.bindings[0]?.userAgent ?? "",
		cell: (r) => [...new Set(r.bindings.map((b) => b.userAgent))]
			.filter(Boolean).join(", ") || "–" },
	{ key: "router", title: "Router",
		cell: (r) => <span className="sy-nowrap">{[...new Set(r.bindings
			.map((b) => b.router))].join(", ") || "–"}</span> },
	{ key: "calls", title: "Calls", right: true,
		sort: (r) => r.state?.calls ?? 0, cell: (r) => r.state?.calls ?? "–" },
	{ key: "set", title: "Set", cell: (r) => r.state?.doNotDisturb ?
		<Tag color="yellow">do not disturb</Tag> :
		r.state?.forward?.always ?
			<Tag color="blue">to {r.state.forward.always}</Tag> : "–" },
];

export default function Phones() {
	const { may } = useSession();
	const { query } = useRows();
	const [making, setMaking] = useState(false);

	return <Page title="Phones" scope="registrations:read" actions={
		may("config:write") && <Button leftSection={<Plus size={16} />}
			onClick={() => setMaking(true)}>New phone</Button>}>
		<DeviceDrawer id="" open={making} close={() => setMaking(false)} />
		<Card flush label="Phones"><Shown query={query}>{(rows) =>
			<Filtered rows={rows} add={() => setMaking(true)} />}
		</Shown></Card>
	</Page>;
}

function Filtered({ rows, add }: { rows: Row[]; add: () => void }) {
	const { may } = useSession();
	const [text, setText] = useParam("q");
	const [state, setState] = useParam("state");
	const fits = rows.filter((r) =>
		(!text || [r.id, r.name, ...r.bindings.flatMap((b) => [b.contact,
			b.userAgent, b.received])].join(" ").toLowerCase()
			.includes(text.toLowerCase())) &&
		(state === "" || (state === "silent" ? r.bindings.some((b) =>
			b.checkedAt && !b.reachable) :
			!!r.bindings.length === (state === "in"))));
	const registered = rows.filter((r) => r.bindings.length).length;

	if (!rows.length)
		return <Empty icon={Smartphone} title="No phones yet"
			action={may("config:write") && <Button onClick={add}>
				Make the first one</Button>}>
			A phone has a name, a password, and registers with a router.
			A browser can be one as well.
		</Empty>;
	return <>
		<div className="sy-filter">
			<TextInput className="sy-grow" aria-label="Search phones"
				placeholder="Number, name, address or software"
				leftSection={<Search size={16} />} value={text}
				onChange={(e) => setText(e.currentTarget.value)} />
			<Select aria-label="State" w={190} value={state} data={[
				{ value: "", label: "All" },
				{ value: "in", label: "Registered" },
				{ value: "out", label: "Not registered" },
				{ value: "silent", label: "Does not answer" },
			]} onChange={(v) => setState(v ?? "")} />
		</div>
		<div className="sy-count" role="status">
			{plural(fits.length, "phone")}, {registered} of{" "}
			{rows.length} registered
		</div>
		{fits.length ? <Table label="Phones" rows={fits} sortBy="id"
			columns={COLUMNS} rowKey={(r) => r.id}
			href={(r) => `/phones/${r.id}`} /> :
			<Empty icon={Search} title="No phone fits">
				Change the search or the filter.</Empty>}
	</>;
}
