// SPDX-License-Identifier: MIT
import { Anchor, Button, NumberInput, Switch, TextInput }
	from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { call, id as esc } from "../../api/client";
import { remove } from "../../api/config";
import { useCalls, useRegistrations } from "../../api/live";
import type { Binding, DeviceState, Forward } from "../../api/schema";
import { Pencil, PhoneOff, Smartphone, Trash2 } from "../../icons";
import { ConfirmButton, useDo } from "../../parts/action";
import { State, Tag } from "../../parts/badge";
import { Facts } from "../../parts/figures";
import { Form, useEditor } from "../../parts/form";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { Table } from "../../parts/table";
import { Ago, Lasts } from "../../parts/time";
import { useSession } from "../../session";
import { peers } from "../calls/names";
import { DeviceDrawer } from "./edit";
import { Reach } from "./phones";

export default function Phone({ id }: { id: string }) {
	const { may } = useSession();
	const [, go] = useLocation();
	const [editing, setEditing] = useState(false);
	const perform = useDo();
	const registrations = useRegistrations();
	const state = useDevice(id);
	const bindings = registrations.data?.find((r) => r.device === id)
		?.bindings ?? [];

	return <Page title={`Phone ${id}`} scope="registrations:read"
		intro={state.data?.displayName !== `Phone ${id}` &&
			state.data?.displayName}
		back={{ to: "/phones", label: "Phones" }}
		actions={may("config:write") && <>
			<Button size="sm" variant="default"
				leftSection={<Pencil size={15} />}
				onClick={() => setEditing(true)}>Change</Button>
			<ConfirmButton size="sm" leftSection={<Trash2 size={15} />}
				danger label="Remove" title={`Remove phone ${id}?`}
				confirm="Remove" act={() => perform(`${id} is removed`,
					["devices", "config"], async () => {
						await remove("devices", id);
						go("/phones");
					})}>
				It is registered no more, and nobody can call it. A call
				that it has goes on.
			</ConfirmButton>
		</>}>
		<DeviceDrawer id={id} open={editing}
			close={() => setEditing(false)} />
		<div className="sy-halves">
			<Card title="Where it is registered" flush>
				<Shown query={registrations}>{() => bindings.length ?
					<ul className="sy-list">{bindings.map((b) =>
						<Contact key={b.contact + b.callId} binding={b} />)}
					</ul> : <Empty icon={Smartphone}
						title="It is not registered">
						Point it at a router of this cluster, with this
						name and its password.
					</Empty>}
				</Shown>
			</Card>
			{may("devices:read") && <UserSettings id={id} />}
		</div>
		{may("calls:read") && <Calls id={id} />}
	</Page>;
}

function Contact({ binding: b }: { binding: Binding }) {
	return <li className="sy-contact">
		<div className="sy-tile-head">
			<strong className="sy-grow sy-break">
				{b.userAgent || "Unknown software"}</strong>
			<Reach binding={b} />
		</div>
		<Facts of={[
			["Contact", <span className="sy-mono">{b.contact}</span>],
			["From", b.received], ["Router", b.router],
			["Registered", <Ago at={b.registeredAt} />],
			["Expires", <Ago at={b.expiresAt} />],
			["Checked", b.checkedAt && <Ago at={b.checkedAt} />],
		]} />
	</li>;
}

function useDevice(id: string) {
	return useQuery({
		queryKey: ["devices", id], enabled: useSession().may("devices:read"),
		queryFn: () => call<DeviceState>("GET", `/api/devices/${esc(id)}`),
	});
}

function UserSettings({ id }: { id: string }) {
	const state = useDevice(id);

	return <Card title="Forwarding and do not disturb" extra={
		!!state.data?.changed.length && <Tag color="blue">changed by its user</Tag>}>
		<Shown query={state}>{(s) => <Fields key={JSON.stringify(s)}
			state={s} />}</Shown>
	</Card>;
}

const NO_FORWARD: Forward = { always: "", busy: "", noAnswer: "",
	unreachable: "", noAnswerS: 0 };

function Fields({ state: s }: { state: DeviceState }) {
	const { may } = useSession();
	const f = { ...NO_FORWARD, ...s.forward };
	const editor = useEditor({
		initial: { doNotDisturb: s.doNotDisturb, ...f },
		save: ({ doNotDisturb, ...forward }) => call("PATCH",
			`/api/devices/${esc(s.id)}`, { body: { doNotDisturb, forward } }),
		done: "It is set", refresh: ["devices"],
	});
	const p = editor.form.getInputProps;
	const off = !may("devices:write");

	return <Form editor={editor}>
		<Switch label="Do not disturb" disabled={off}
			{...editor.form.getInputProps("doNotDisturb",
				{ type: "checkbox" })} />
		<TextInput label="Forward all calls to" placeholder="Nowhere"
			disabled={off} {...p("always")} />
		<div className="sy-form-row">
			<TextInput label="When it is busy, to" placeholder="Nowhere"
				disabled={off} {...p("busy")} />
			<TextInput label="When it is not reached, to"
				placeholder="Nowhere" disabled={off} {...p("unreachable")} />
		</div>
		<div className="sy-form-row">
			<TextInput label="When nobody answers, to" placeholder="Nowhere"
				disabled={off} {...p("noAnswer")} />
			<NumberInput label="… after, in seconds" min={0} max={300}
				placeholder="20"
				disabled={off} {...p("noAnswerS")} />
		</div>
	</Form>;
}

function Calls({ id }: { id: string }) {
	const calls = useCalls();

	return <Card title="Calls now" flush extra={<Anchor component={Link}
		size="sm" href={`/history?user=${esc(id)}`}>Calls that have ended
	</Anchor>}><Shown query={calls}>{(all) => {
		const own = all.filter((c) => c.legs.some((l) => l.user === id));

		return own.length ? <Table label="Calls now" rows={own}
			rowKey={(c) => c.id} href={(c) => `/calls/${c.id}`} columns={[
				{ key: "who", title: "Call", bare: true, cell: (c) =>
					<Anchor component={Link} href={`/calls/${c.id}`}>
						{peers(c)}</Anchor> },
				{ key: "state", title: "State",
					cell: (c) => <State name={c.state} /> },
				{ key: "for", title: "Duration", right: true,
					cell: (c) => <Lasts from={c.startedAt} /> },
			]} /> : <Empty icon={PhoneOff} title="It has no call now" />;
	}}</Shown></Card>;
}
