// SPDX-License-Identifier: MIT
import { Button, Modal, NumberInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, id as esc, list } from "../../api/client";
import type { Ban } from "../../api/schema";
import { Plus, ShieldBan } from "../../icons";
import { ConfirmButton, useDo } from "../../parts/action";
import { Form, useEditor } from "../../parts/form";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { Ago } from "../../parts/time";
import { useSession } from "../../session";
import { banReason } from "./reason";

export default function Bans() {
	const { may } = useSession();
	const bans = useQuery({ queryKey: ["bans"], refetchInterval: 5000,
		queryFn: ({ signal }) => list<Ban>("/api/bans", 5000, signal) });
	const [open, setOpen] = useState(false);
	const write = may("guard:write");
	const add = write && <Button leftSection={<Plus size={16} />}
		onClick={() => setOpen(true)}>New ban</Button>;

	return <Page title="Bans" scope="guard:read" actions={add}
		intro="Addresses that the routers do not listen to for a while.">
		<Modal opened={open} onClose={() => setOpen(false)} title="New ban">
			<Fields close={() => setOpen(false)} />
		</Modal>
		<Card flush label="Bans"><Shown query={bans}>{(all) => all.length ?
			<Table label="Bans" rows={all} rowKey={(b) => b.id}
				sortBy="-since" columns={columns(write)} /> :
			<Empty icon={ShieldBan} title="Nobody is banned">
				Who guesses passwords or scans is banned by itself; that
				appears here.
			</Empty>}
		</Shown></Card>
	</Page>;
}

function columns(write: boolean): Column<Ban>[] {
	return [
		{ key: "source", title: "Address", bare: true, sort: (b) => b.source,
			cell: (b) => <strong>{b.source}</strong> },
		{ key: "user", title: "User", cell: (b) => b.user || "all" },
		{ key: "reason", title: "Why", cell: (b) => <>
			{banReason(b.reason)}
			{b.comment && <div className="sy-note">{b.comment}</div>}</> },
		{ key: "count", title: "Times", right: true, sort: (b) => b.count,
			cell: (b) => b.count },
		{ key: "since", title: "Since", sort: (b) => b.since ?? "",
			cell: (b) => <Ago at={b.since} /> },
		{ key: "until", title: "Ends", sort: (b) => b.until ?? "",
			cell: (b) => <Ago at={b.until} /> },
		...(write ? [{ key: "act", title: "", narrow: true, bare: true,
			cell: (b: Ban) => <Lift ban={b} /> }] : []),
	];
}

function Lift({ ban: b }: { ban: Ban }) {
	const perform = useDo();

	return <ConfirmButton label="Lift" title={`Listen to ${b.source} again?`}
		aria-label={`Lift the ban of ${b.source}`} confirm="Lift"
		act={() => perform(`${b.source} is listened to again`, ["bans"],
			() => call("DELETE", `/api/bans/${esc(b.id)}`))}>
		Why it is banned: {banReason(b.reason)}. If it goes on, it is banned
		again, for longer.
	</ConfirmButton>;
}

function Fields({ close }: { close: () => void }) {
	const editor = useEditor({
		initial: { source: "", user: "", seconds: 3600, comment: "" },
		check: (v) => ({ source: v.source.trim() ? null : "Which address?" }),
		save: (v) => call("POST", "/api/bans", { body: v }),
		done: "It is not listened to any more", refresh: ["bans"],
		after: close,
	});
	const p = editor.form.getInputProps;

	return <Form editor={editor} save="Ban" cancel={close}>
		<TextInput label="Address" placeholder="192.0.2.1" data-autofocus
			{...p("source")} />
		<TextInput label="Only requests of this user" placeholder="All"
			{...p("user")} />
		<NumberInput label="For, in seconds" min={1} {...p("seconds")} />
		<TextInput label="Comment" {...p("comment")} />
	</Form>;
}
