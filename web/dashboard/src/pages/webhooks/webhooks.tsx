// SPDX-License-Identifier: MIT
import { Alert, Anchor, Button, Modal, MultiSelect, Switch, Text, TextInput }
	from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { call, id as esc, list } from "../../api/client";
import { TYPES } from "../../api/live";
import type { Webhook as Hook } from "../../api/schema";
import { Plus, Webhook as WebhookIcon } from "../../icons";
import { ConfirmButton, useAction, useDo } from "../../parts/action";
import { Tag } from "../../parts/badge";
import { Secret } from "../../parts/copy";
import { Form, useEditor } from "../../parts/form";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { useSession } from "../../session";
import { kindName } from "../events/sentence";

export default function Webhooks() {
	const { may } = useSession();
	const hooks = useQuery({ queryKey: ["webhooks"], refetchInterval: 5000,
		queryFn: ({ signal }) => list<Hook>("/api/webhooks", 1000, signal) });
	const [open, setOpen] = useState<Hook | "new" | null>(null);
	const [made, setMade] = useState<Hook>();
	const write = may("webhooks:write");
	const add = write && <Button leftSection={<Plus size={16} />}
		onClick={() => { setMade(undefined); setOpen("new"); }}>
		New webhook</Button>;
	const close = () => setOpen(null);

	return <Page title="Webhooks" scope="webhooks:read" actions={add}
		intro="Events are posted to your servers as they happen, signed.">
		<Modal opened={open !== null} onClose={close} size="lg"
			title={made ? "Your new webhook" : open === "new" ?
				"New webhook" : "Change a webhook"}>
			{made ? <Made hook={made} close={close} /> : <Fields close={close}
				made={setMade} hook={open === "new" ? undefined :
					open ?? undefined} />}
		</Modal>
		<Card flush label="Webhooks"><Shown query={hooks}>{(all) =>
			all.length ? <Table label="Webhooks" rows={all}
				rowKey={(h) => h.id}
				href={(h) => `/webhooks/${h.id}`} columns={columns(write, setOpen)} /> :
				<Empty icon={WebhookIcon} title="No webhook yet" action={add}>
					A webhook tells your application of calls that begin
					and end, without asking.
				</Empty>}
		</Shown></Card>
	</Page>;
}

function Made({ hook: h, close }: { hook: Hook; close: () => void }) {
	return <div className="sy-form">
		<Alert color="yellow">The secret is shown only now. With it your
			server checks that what comes is from here.</Alert>
		<Secret value={h.secret ?? ""} label="Secret" />
		<Text size="sm" c="dimmed">The header Switchyard-Signature has
			v1, the HMAC-SHA256 of the time, a dot and the body.</Text>
		<div className="sy-acts sy-end">
			<Button onClick={close}>Done</Button></div>
	</div>;
}

function columns(write: boolean, open: (h: Hook) => void): Column<Hook>[] {
	return [
		{ key: "url", title: "Address", bare: true, sort: (h) => h.url,
			cell: (h) => <Anchor component={Link} fw={600}
				href={`/webhooks/${h.id}`}>{h.name || h.url}</Anchor> },
		{ key: "events", title: "Events", cell: (h) => h.events.length ?
			h.events.length > 3 ? `${h.events.length} kinds` :
			h.events.map(kindName).join(", ") : "all of calls" },
		{ key: "state", title: "Last", cell: (h) => <Last of={h} /> },
		{ key: "pending", title: "Waiting", right: true,
			cell: (h) => h.pending },
		...(write ? [{ key: "act", title: "", narrow: true, bare: true,
			cell: (h: Hook) => <Actions hook={h} open={open} /> }] : []),
	];
}

/** What came of the last delivery. */
export function Last({ of: h }: { of: Hook }) {
	return <>
		{!h.enabled ? <Tag>off</Tag> : h.lastError ?
			<Tag color="red">failed</Tag> : h.lastStatus ?
			<Tag color={h.lastStatus < 300 ? "green" : "red"}>
				{h.lastStatus}</Tag> : <Tag>nothing yet</Tag>}
		{h.lastError && <div className="sy-note">{h.lastError}</div>}
	</>;
}

function Actions({ hook: h, open }: { hook: Hook; open: (h: Hook) => void }) {
	const perform = useDo();
	const path = `/api/webhooks/${esc(h.id)}`;
	const test = useAction(() => call("POST", `${path}/test`), {
		done: "A test event is sent", refresh: ["webhooks"],
		fails: "The test could not be sent" });

	return <div className="sy-acts">
		<Button size="xs" variant="default" loading={test.isPending}
			aria-label={`Test ${h.url}`} onClick={() => test.mutate()}>
			Test</Button>
		<Button size="xs" variant="default" onClick={() => open(h)}
			aria-label={`Change ${h.url}`}>Change</Button>
		<ConfirmButton label="Remove" title="Remove this webhook?" danger
			aria-label={`Remove ${h.url}`} confirm="Remove"
			act={() => perform("The webhook is removed", ["webhooks"],
				() => call("DELETE", path))}>
			{h.url} is told nothing any more, also not what still waits.
		</ConfirmButton>
	</div>;
}

function Fields({ hook: h, made, close }: {
	hook?: Hook; made: (h: Hook) => void; close: () => void;
}) {
	const editor = useEditor({
		initial: { name: h?.name ?? "", url: h?.url ?? "",
			events: h?.events ?? ["CALL_STARTED", "CALL_FINISHED"] as string[],
			enabled: h?.enabled ?? true },
		check: (v) => ({ url: /^https?:\/\/./.test(v.url) ? null :
			"https://… , where your server takes a POST",
			events: !h || v.events.length ? null : "At least one kind" }),
		save: async ({ enabled, ...v }) => {
			if (!h) {
				made(await call<Hook>("POST", "/api/webhooks",
					{ body: { ...v, disabled: !enabled } }));
				return;
			}
			await call("PATCH", `/api/webhooks/${esc(h.id)}`,
				{ body: { ...v, enabled } });
			close();
		},
		refresh: ["webhooks"],
	});
	const p = editor.form.getInputProps;

	return <Form editor={editor} cancel={close}>
		<TextInput label="Address" placeholder="https://example.com/calls"
			data-autofocus type="url" {...p("url")} />
		<TextInput label="Name" placeholder="Optional" {...p("name")} />
		<MultiSelect label="Events" data={TYPES.map((t) =>
			({ value: t, label: kindName(t) }))} searchable clearable
			clearButtonProps={{ "aria-label": "None" }}
			description={h ? "" : "None chosen: those of calls"}
			{...p("events")} />
		<Switch label="In use" {...editor.form.getInputProps("enabled",
			{ type: "checkbox" })} />
	</Form>;
}
