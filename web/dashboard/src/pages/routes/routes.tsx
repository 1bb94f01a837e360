// SPDX-License-Identifier: MIT
import { Button, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { remove, useSection } from "../../api/config";
import type { Route } from "../../api/schema";
import { Plus, Route as RouteIcon } from "../../icons";
import { ConfirmButton, useDo } from "../../parts/action";
import { Tag } from "../../parts/badge";
import { ItemDrawer } from "../../parts/editor";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { useSession } from "../../session";
import { RouteFields } from "./edit";
import { Probe } from "./probe";
import { shown, sourceName } from "./target";

export default function Routes() {
	const { may } = useSession();
	const routes = useSection("routes");
	const [open, setOpen] = useState<string | null>(null); // "": a new one
	const write = may("config:write");
	const last = Math.max(0, ...(routes.data ?? []).map((r) => r.order));
	const add = write && <Button leftSection={<Plus size={16} />}
		onClick={() => setOpen("")}>New route</Button>;

	return <Page title="Routes" scope="config:read" actions={add}
		intro="A number takes the first rule that fits, from top to bottom.">
		<ItemDrawer section="routes" id={open ?? ""} open={open !== null}
			close={() => setOpen(null)}
			title={open ? `Change route ${open}` : "New route"}>
			{(item) => <RouteFields item={item} order={last + 10}
				close={() => setOpen(null)} />}
		</ItemDrawer>
		<Probe />
		<Card title="Rules" flush><Shown query={routes}>{(all) =>
			all.length ? <Table label="Routes" columns={columns(write,
				setOpen)} rowKey={(r) => r.id} rows={[...all].sort((a, b) =>
				a.order - b.order || a.id.localeCompare(b.id))} /> :
				<Empty icon={RouteIcon} title="No route yet" action={add}>
					Without one no number leads anywhere. The first one is
					often 1XXX to the phone $0.
				</Empty>}
		</Shown></Card>
	</Page>;
}

function columns(write: boolean, open: (id: string) => void):
	Column<Route>[] {
	return [
		{ key: "order", title: "Order", narrow: true,
			cell: (r) => r.order },
		{ key: "pattern", title: "Number", bare: true,
			cell: (r) => <code className="sy-pattern">{r.pattern}</code> },
		{ key: "source", title: "From",
			cell: (r) => sourceName(r.source) },
		{ key: "target", title: "Leads to", cell: (r) => <>
			{shown(r.target)} {r.disabled && <Tag>off</Tag>}</> },
		{ key: "id", title: "Rule", cell: (r) => write ? <UnstyledButton
			className="sy-textlink" onClick={() => open(r.id)}
			aria-label={`Change route ${r.id}`}>{r.id}</UnstyledButton> :
			r.id },
		...(write ? [{ key: "act", title: "", narrow: true, bare: true,
			cell: (r: Route) => <RouteActions route={r} open={open} /> }] :
			[]),
	];
}

function RouteActions({ route: r, open }: {
	route: Route; open: (id: string) => void;
}) {
	const perform = useDo();

	return <div className="sy-acts">
		<Button size="xs" variant="default" onClick={() => open(r.id)}
			aria-label={`Change ${r.id}`}>Change</Button>
		<ConfirmButton label="Remove" title={`Remove route ${r.id}?`}
			aria-label={`Remove ${r.id}`} confirm="Remove" danger
			act={() => perform(`${r.id} is removed`, ["config"],
				() => remove("routes", r.id))}>
			Numbers that fit <code>{r.pattern}</code> take a later rule, or
			none.
		</ConfirmButton>
	</div>;
}
