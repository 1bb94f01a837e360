// SPDX-License-Identifier: MIT
import { Checkbox, Select, Text, TextInput } from "@mantine/core";
import { call } from "../../api/client";
import { useSection } from "../../api/config";
import { Form, useEditor } from "../../parts/form";
import { useSession } from "../../session";
import type { Token } from "./tokens";

const WHAT: [string, string][] = [
	["calls", "Calls and history"], ["nodes", "Nodes and status"],
	["registrations", "Registrations"], ["devices", "Phones"],
	["config", "Configuration"], ["events", "Events"],
	["guard", "Bans"], ["users", "Users"], ["tokens", "Tokens"],
	["webhooks", "Webhooks"], ["audit", "Audit"],
];
const READ_ONLY = new Set(["registrations", "events", "audit"]);

const LASTS = [
	{ value: "3600", label: "An hour" },
	{ value: "86400", label: "A day" },
	{ value: "2592000", label: "30 days" },
	{ value: "31536000", label: "A year" },
	{ value: "", label: "Until it is revoked" },
];

export function TokenFields({ made, close }: {
	made: (t: Token) => void; close: () => void;
}) {
	const { may } = useSession();
	const devices = useSection("devices", may("config:read")).data ?? [];
	const editor = useEditor({
		initial: { name: "", scopes: [] as string[], device: "",
			lasts: "2592000" },
		check: (v) => ({
			name: v.name.trim() ? null : "What is it for?",
			scopes: v.scopes.length ? null : "At least one",
		}),
		save: async (v) => made(await call<Token>("POST", "/api/tokens", {
			body: { name: v.name.trim(), scopes: v.scopes,
				...v.device && { device: v.device },
				...v.lasts && { expiresInSeconds: Number(v.lasts) } } })),
		refresh: ["tokens"],
	});
	const { values, setFieldValue } = editor.form;
	const p = editor.form.getInputProps;
	const box = (scope: string, label: string) => <Checkbox key={scope}
		label={<span className="sy-hidden">{label}</span>}
		disabled={!may(scope)} checked={values.scopes.includes(scope)}
		onChange={(e) => setFieldValue("scopes", e.currentTarget.checked ?
			[...values.scopes, scope] :
			values.scopes.filter((s) => s !== scope))} />;

	return <Form editor={editor} save="Make the token" cancel={close}>
		<TextInput label="Name" placeholder="Billing" data-autofocus
			{...p("name")} />
		<fieldset className="sy-scopes">
			<legend>What it may do</legend>
			<div aria-hidden className="sy-scope-head">
				<span /><span>read</span><span>change</span></div>
			{WHAT.map(([what, label]) => <div key={what}>
				<span>{label}</span>
				{box(`${what}:read`, `${label}: read`)}
				{READ_ONLY.has(what) ? <span /> :
					box(`${what}:write`, `${label}: change`)}
			</div>)}
			<div><span>Be a phone</span><span />
				{box("phone", "Be a phone")}</div>
			{editor.form.errors.scopes && <Text size="sm" c="red"
				role="alert">{editor.form.errors.scopes}</Text>}
		</fieldset>
		<div className="sy-form-row">
			{values.scopes.includes("phone") && <Select label="Phone"
				searchable limit={50} {...p("device")}
				description="Whose phone it may be" data={[
					{ value: "", label: "None" }, ...devices.map((d) =>
						({ value: d.id, label: d.id }))]} />}
			<Select label="Good for" data={LASTS} {...p("lasts")} />
		</div>
	</Form>;
}
