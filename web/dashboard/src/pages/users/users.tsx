// SPDX-License-Identifier: MIT
import { Button, Modal, PasswordInput, Select, Switch, TextInput }
	from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, id as esc, list } from "../../api/client";
import { useSection } from "../../api/config";
import { Plus, Users as UsersIcon } from "../../icons";
import { ConfirmButton, useDo } from "../../parts/action";
import { Tag } from "../../parts/badge";
import { Form, useEditor } from "../../parts/form";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { Ago } from "../../parts/time";
import { useSession } from "../../session";

export interface User {
	id: string; displayName: string; role: string; device: string;
	disabled: boolean; createdAt?: string; lastLoginAt?: string;
}

export const ROLES = [
	{ value: "ADMIN", label: "Administrator: everything" },
	{ value: "OPERATOR", label: "Operator: calls, nodes, phones" },
	{ value: "AGENT", label: "Agent: a phone in the browser" },
];

export default function Users() {
	const { may } = useSession();
	const users = useQuery({ queryKey: ["users"],
		queryFn: ({ signal }) => list<User>("/api/users", 5000, signal) });
	const [open, setOpen] = useState<User | "new" | null>(null);
	const write = may("users:write");
	const add = write && <Button leftSection={<Plus size={16} />}
		onClick={() => setOpen("new")}>New user</Button>;
	const close = () => setOpen(null);

	return <Page title="Users" scope="users:read" actions={add}
		intro="People who log in here.">
		<Modal opened={open !== null} onClose={close} size="md"
			title={open === "new" ? "New user" : "Change a user"}>
			<Fields user={open === "new" ? undefined : open ?? undefined}
				close={close} />
		</Modal>
		<Card flush label="Users"><Shown query={users}>{(all) => all.length ?
			<Table label="Users" rows={all} rowKey={(u) => u.id} sortBy="id"
				columns={columns(write, setOpen)} /> :
			<Empty icon={UsersIcon} title="No users" action={add} />}
		</Shown></Card>
	</Page>;
}

function columns(write: boolean, open: (u: User) => void): Column<User>[] {
	return [
		{ key: "id", title: "User", sort: (u) => u.id, bare: true,
			cell: (u) => <strong>{u.id}</strong> },
		{ key: "name", title: "Name", sort: (u) => u.displayName,
			cell: (u) => u.displayName || "–" },
		{ key: "role", title: "Role", sort: (u) => u.role, cell: (u) => <>
			{ROLES.find((r) => r.value === u.role)?.label.split(":")[0] ??
				u.role} {u.disabled && <Tag color="red">locked</Tag>}</> },
		{ key: "device", title: "Phone", cell: (u) => u.device || "–" },
		{ key: "last", title: "Logged in", sort: (u) => u.lastLoginAt ?? "",
			cell: (u) => u.lastLoginAt ? <Ago at={u.lastLoginAt} /> :
				"never" },
		...(write ? [{ key: "act", title: "", narrow: true, bare: true,
			cell: (u: User) => <Actions user={u} open={open} /> }] : []),
	];
}

function Actions({ user: u, open }: { user: User; open: (u: User) => void }) {
	const perform = useDo();

	return <div className="sy-acts">
		<Button size="xs" variant="default" onClick={() => open(u)}
			aria-label={`Change ${u.id}`}>Change</Button>
		<ConfirmButton label="Remove" title={`Remove user ${u.id}?`} danger
			aria-label={`Remove ${u.id}`} confirm="Remove"
			act={() => perform(`${u.id} is removed`, ["users"],
				() => call("DELETE", `/api/users/${esc(u.id)}`))}>
			All sessions of this user end at once.
		</ConfirmButton>
	</div>;
}

function Fields({ user: u, close }: { user?: User; close: () => void }) {
	const devices = useSection("devices").data ?? [];
	const editor = useEditor({
		initial: { id: u?.id ?? "", displayName: u?.displayName ?? "",
			role: u?.role ?? "OPERATOR", device: u?.device ?? "",
			disabled: u?.disabled ?? false, password: "" },
		check: (v) => ({
			id: v.id.trim() ? null : "A name to log in with",
			password: v.password ? v.password.length < 12 ?
				"At least 12 characters" : null :
				u ? null : "At least 12 characters",
		}),
		save: ({ id, password, ...v }) => {
			const body = password ? { ...v, password } : v;

			return u ? call("PATCH", `/api/users/${esc(id)}`, { body }) :
				call("POST", "/api/users", { body: { id: id.trim(),
					...body } });
		},
		done: "The user is saved", refresh: ["users"], after: close,
	});
	const p = editor.form.getInputProps;

	return <Form editor={editor} cancel={close}>
		<div className="sy-form-row">
			<TextInput label="Logs in as" disabled={!!u} autoComplete="off"
				data-autofocus={!u || undefined} {...p("id")} />
			<TextInput label="Name" {...p("displayName")} />
		</div>
		<Select label="Role" data={ROLES} {...p("role")} />
		<Select label="Phone" searchable limit={50} {...p("device")}
			description="What the phone in the browser is" data={[
				{ value: "", label: "None" }, ...devices.map((d) =>
					({ value: d.id, label: d.id }))]} />
		<PasswordInput label="Password" autoComplete="new-password"
			placeholder={u ? "Stays as it is" : ""}
			description="12 characters or more"
			visibilityToggleButtonProps={{ "aria-label": "Show password" }}
			{...p("password")} />
		{u && <Switch label="Locked: cannot log in"
			{...editor.form.getInputProps("disabled",
				{ type: "checkbox" })} />}
	</Form>;
}
