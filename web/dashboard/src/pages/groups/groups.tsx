// SPDX-License-Identifier: MIT
import { Button, MultiSelect, NumberInput, Select, TextInput }
	from "@mantine/core";
import { useState } from "react";
import { type Item, put, remove, useSection } from "../../api/config";
import type { Group } from "../../api/schema";
import { Plus, UsersRound } from "../../icons";
import { ConfirmButton, useDo } from "../../parts/action";
import { ID_HINT, isId, ItemDrawer } from "../../parts/editor";
import { Form, useEditor } from "../../parts/form";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { useSession } from "../../session";

const STRATEGIES = [
	{ value: "all", label: "All at once" },
	{ value: "order", label: "One after the other" },
	{ value: "roundRobin", label: "In turn" },
	{ value: "longestIdle", label: "Who has had no call for longest" },
];

export default function Groups() {
	const { may } = useSession();
	const groups = useSection("groups");
	const [open, setOpen] = useState<string | null>(null);
	const write = may("config:write");
	const add = write && <Button leftSection={<Plus size={16} />}
		onClick={() => setOpen("")}>New group</Button>;

	return <Page title="Groups" scope="config:read" actions={add}
		intro="Phones that ring together, or one after the other.">
		<ItemDrawer section="groups" id={open ?? ""} open={open !== null}
			close={() => setOpen(null)}
			title={open ? `Change group ${open}` : "New group"}>
			{(item) => <Fields item={item} close={() => setOpen(null)} />}
		</ItemDrawer>
		<Card flush label="Groups"><Shown query={groups}>{(all) =>
			all.length ? <Table label="Groups" rows={all} sortBy="id"
				rowKey={(g) => g.id} columns={columns(write, setOpen)} /> :
				<Empty icon={UsersRound} title="No group yet" action={add}>
					A group lets several phones answer one number. Make
					one, then a route that leads to it.
				</Empty>}
		</Shown></Card>
	</Page>;
}

function columns(write: boolean, open: (id: string) => void):
	Column<Group>[] {
	return [
		{ key: "id", title: "Group", sort: (g) => g.id, bare: true,
			cell: (g) => <strong>{g.id}</strong> },
		{ key: "name", title: "Name", sort: (g) => g.name,
			cell: (g) => g.name || "–" },
		{ key: "strategy", title: "Rings", cell: (g) => STRATEGIES.find(
			(s) => s.value === (g.strategy || "all"))?.label },
		{ key: "members", title: "Members",
			cell: (g) => g.members.join(", ") || "nobody" },
		{ key: "overflow", title: "Then", cell: (g) => g.overflow || "–" },
		...(write ? [{ key: "act", title: "", narrow: true, bare: true,
			cell: (g: Group) => <Actions group={g} open={open} /> }] : []),
	];
}

function Actions({ group: g, open }: {
	group: Group; open: (id: string) => void;
}) {
	const perform = useDo();

	return <div className="sy-acts">
		<Button size="xs" variant="default" onClick={() => open(g.id)}
			aria-label={`Change ${g.id}`}>Change</Button>
		<ConfirmButton label="Remove" title={`Remove group ${g.id}?`} danger
			aria-label={`Remove ${g.id}`} confirm="Remove"
			act={() => perform(`${g.id} is removed`, ["config"],
				() => remove("groups", g.id))}>
			Its phones stay. A route that leads to it must be changed
			before.
		</ConfirmButton>
	</div>;
}

function Fields({ item, close }: { item?: Item<Group>; close: () => void }) {
	const g = item?.value;
	const devices = useSection("devices").data ?? [];
	const editor = useEditor({
		initial: { id: g?.id ?? "", name: g?.name ?? "",
			strategy: g?.strategy || "all", members: g?.members ?? [],
			memberRingS: g?.memberRingS ?? 0, overflow: g?.overflow ?? "" },
		check: (v) => ({ id: isId(v.id) ? null : ID_HINT,
			members: v.members.length ? null : "Who is to ring?" }),
		save: (v) => put("groups", item, v),
		done: "The group is saved", refresh: ["config"], after: close,
	});
	const p = editor.form.getInputProps;

	return <Form editor={editor} cancel={close}>
		<div className="sy-form-row">
			<TextInput label="Name in routes" disabled={!!item}
				data-autofocus={!item || undefined} placeholder="sales"
				{...p("id")} />
			<TextInput label="Shown as" {...p("name")} />
		</div>
		<MultiSelect label="Members" searchable limit={50} {...p("members")}
			clearable clearButtonProps={{ "aria-label": "Remove all" }}
			nothingFoundMessage="No such phone" data={devices.map((d) => ({
				value: d.id, label: d.displayName &&
					d.displayName !== d.id ? `${d.id} ${d.displayName}` :
					d.id }))} />
		<Select label="They ring" data={STRATEGIES} {...p("strategy")} />
		{editor.form.values.strategy !== "all" && <NumberInput min={0}
			label="Each of them for, in seconds" description="0: the default, 15"
			{...p("memberRingS")} />}
		<TextInput label="When nobody answers, the call goes to"
			placeholder="Nowhere" {...p("overflow")} />
	</Form>;
}
