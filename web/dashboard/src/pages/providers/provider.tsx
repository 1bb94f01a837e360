// SPDX-License-Identifier: MIT
import { Button, Text } from "@mantine/core";
import { useState } from "react";
import { useLocation } from "wouter";
import { type Item, put, remove } from "../../api/config";
import { useProviders } from "../../api/live";
import type { Provider as State, Trunk } from "../../api/schema";
import { Cable, Pencil, Trash2 } from "../../icons";
import { ConfirmButton, useDo } from "../../parts/action";
import { Tag } from "../../parts/badge";
import { ItemDrawer } from "../../parts/editor";
import { Facts } from "../../parts/figures";
import { Form, useEditor } from "../../parts/form";
import { Card, Page } from "../../parts/page";
import { Sheets } from "../../parts/sheets";
import { Empty, Shown } from "../../parts/states";
import { Ago } from "../../parts/time";
import { useSession } from "../../session";
import { sheetsOf } from "./fields";
import { checkValues, fieldOf, trunkOf, valuesOf } from "./model";
import { Health } from "./providers";
import { TestButton, TestResult, useTest } from "./test";
import "./providers.css";

export default function Provider({ id }: { id: string }) {
	const { may } = useSession();
	const [, go] = useLocation();
	const [editing, setEditing] = useState(false);
	const perform = useDo();
	const providers = useProviders();
	const there = providers.data?.some((p) => p.id === id);

	return <Page title={`Provider ${id}`} scope="config:read"
		back={{ to: "/providers", label: "Providers" }}
		actions={there && may("config:write") && <>
			<Button size="sm" variant="default"
				leftSection={<Pencil size={15} />}
				onClick={() => setEditing(true)}>Change</Button>
			<ConfirmButton size="sm" danger leftSection={<Trash2 size={15} />}
				label="Remove" title={`Remove provider ${id}?`}
				confirm="Remove" act={() => perform(`${id} is removed`,
					["providers", "config"], async () => {
						await remove("providers", id);
						go("/providers");
					})}>
				We unregister there, and calls by it are refused. Calls
				that run go on.
			</ConfirmButton>
		</>}>
		<ItemDrawer section="providers" id={id} open={editing} size={760}
			close={() => setEditing(false)} title={`Change provider ${id}`}>
			{(item) => <Fields item={item!}
				close={() => setEditing(false)} />}
		</ItemDrawer>
		<Shown query={providers}>{(all) => {
			const p = all.find((x) => x.id === id);

			return p ? <Content of={p} /> : <Empty icon={Cable}
				title="There is no such provider">
				It was removed, or its address is wrong.
			</Empty>;
		}}</Shown>
	</Page>;
}

function Content({ of: p }: { of: State }) {
	const { may } = useSession();
	const test = useTest(() => ({ id: p.id }));

	return <div className="sy-halves">
		<Card title="State"><Facts of={[
			["State", <><Health of={p} />
				{p.reason && <div className="sy-note">{p.reason}</div>}</>],
			["Address", p.target], ["Router", p.router || "none yet"],
			["Registration", !p.registers ? "not used" : p.registered ?
				<>until <Ago at={p.expiresAt} /></> :
				`refused${p.lastCode ? `: ${p.lastCode}` : ""}`],
			["Checked", p.checked ? <Ago at={p.checkedAt} /> : "never"],
			["Round trip", p.rttMs ? `${p.rttMs.toFixed(1)} ms` : "–"],
			["Calls", `${p.calls}${p.maxCalls ? ` of ${p.maxCalls}` : ""} now, ` +
				`of which ${p.callsIn} came in, ${p.callsOut} went out`],
			["Addresses", p.targets.length ? p.targets.map((t) =>
				<div key={t.address}>{t.address}{" "}
					{p.checked && <Tag color={t.reachable ? "green" : "red"}>
						{t.reachable ? "answers" : "silent"}</Tag>}
				</div>) : "–"],
		]} /></Card>
		{may("config:write") && <Card title="Test of the connection"
			extra={<TestButton test={test} label="Test now" />}>
			{test.isIdle ? <Text size="sm" c="dimmed">A router tries what
				calls need: the name, the connection, whether it answers,
				and the password.</Text> : <TestResult test={test} />}
		</Card>}
	</div>;
}

function Fields({ item, close }: { item: Item<Trunk>; close: () => void }) {
	const editor = useEditor({
		initial: valuesOf(item.value),
		save: (v) => put("providers", item, trunkOf(v, item.value)),
		check: checkValues, rename: fieldOf,
		done: "The provider is saved", refresh: ["providers", "config"],
		after: close,
	});

	return <Form editor={editor} cancel={close}>
		<Sheets form={editor.form} label="About the provider"
			of={sheetsOf(editor.form)} />
	</Form>;
}
