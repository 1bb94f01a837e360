// SPDX-License-Identifier: MIT
import { Button, NumberInput, PasswordInput, Select, Switch,
	TagsInput, TextInput } from "@mantine/core";
import { type Item, put, usePermissions } from "../../api/config";
import type { Device } from "../../api/schema";
import { ID_HINT, isId, ItemDrawer } from "../../parts/editor";
import { Form, useEditor } from "../../parts/form";
import { Ordered } from "../../parts/ordered";

export const CODECS = ["opus", "G722", "PCMU", "PCMA", "L16"];
export const SRTP = [
	{ value: "", label: "As in the settings" },
	{ value: "off", label: "Off" },
	{ value: "optional", label: "Where it can" },
	{ value: "required", label: "Required" },
];
export const DTMF = [
	{ value: "", label: "Automatic" },
	{ value: "rfc4733", label: "Events (RFC 4733)" },
	{ value: "info", label: "INFO" },
	{ value: "inband", label: "Tones" },
];

export function DeviceDrawer({ id, open, close }: {
	id: string; open: boolean; close: () => void;
}) {
	return <ItemDrawer section="devices" id={id} open={open} close={close}
		title={id ? `Change phone ${id}` : "New phone"}>
		{(item) => <Fields item={item} close={close} />}
	</ItemDrawer>;
}

/** A password that nobody has to think of. */
function random(): string {
	const letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

	return Array.from(crypto.getRandomValues(new Uint32Array(20)),
		(n) => letters[n % letters.length]).join("");
}

function qualifies(now?: number) {
	const often = [...new Set([30, 60, 300, ...now ? [now] : []])];

	return [{ value: "", label: "As in the settings" },
		{ value: "0", label: "Never" }, ...often.sort((a, b) => a - b)
			.map((s) => ({ value: String(s), label: `Each ${s} s` }))];
}

function Fields({ item, close }: {
	item?: Item<Device>; close: () => void;
}) {
	const d = item?.value;
	const permissions = usePermissions();
	const editor = useEditor({
		initial: {
			id: d?.id ?? "", displayName: d?.displayName ?? "", password: "",
			callerId: d?.callerId ?? "", anonymous: d?.anonymous ?? false,
			maxCalls: d?.maxCalls ?? 0, pickupGroup: d?.pickupGroup ?? "",
			media: d?.media ?? "", srtp: d?.srtp ?? "", dtmf: d?.dtmf ?? "",
			codecs: d?.codecs ?? [], permissions: d?.permissions ?? [],
			maxContacts: d?.maxContacts ?? 0,
			qualify: String(d?.qualifyS ?? ""),
			costlyCallsPerHour: d?.costlyCallsPerHour ?? 0,
			costlyCallsAtATime: d?.costlyCallsAtATime ?? 0,
		},
		check: (v) => ({
			id: isId(v.id) ? null : ID_HINT,
			password: item || v.password ? null : "A phone needs a password",
		}),
		rename: (path) => path === "qualifyS" ? "qualify" : path,
		save: ({ password, qualify, ...v }) => put("devices", item, {
			...v, ...password && { password },
			qualifyS: qualify ? Number(qualify) : undefined }),
		done: `Phone is saved`, refresh: ["devices", "config"],
		after: close,
	});
	const p = editor.form.getInputProps;

	return <Form editor={editor} cancel={close}>
		<div className="sy-form-row">
			<TextInput label="Name to register with" disabled={!!item}
				placeholder="1001" data-autofocus={!item || undefined}
				{...p("id")} />
			<TextInput label="Shown as" placeholder="Jo Brown"
				{...p("displayName")} />
		</div>
		<div className="sy-form-end">
			<PasswordInput className="sy-grow" label="Password"
				autoComplete="new-password"
				placeholder={item ? "Stays as it is" : ""}
				visibilityToggleButtonProps={{ "aria-label":
					"Show password" }} {...p("password")} />
			<Button variant="default" onClick={() => {
				editor.form.setFieldValue("password", random());
			}}>Make one</Button>
		</div>
		<div className="sy-form-row">
			<TextInput label="Number shown outside" placeholder="+4930…"
				description="Its calls by providers show it"
				{...p("callerId")} />
			<NumberInput label="Calls at a time" min={0}
				description="0: any number" {...p("maxCalls")} />
		</div>
		<Switch label="Its calls by providers show no number"
			{...editor.form.getInputProps("anonymous",
				{ type: "checkbox" })} />
		<TextInput label="Pickup group" description={"Who has the same may " +
			"pick up its calls (*8)"} {...p("pickupGroup")} />
		<div className="sy-form-row">
			<NumberInput label="Registered at most so often" min={0} max={100}
				description="0: the default, 10" {...p("maxContacts")} />
			<Select label="Asked whether it is there" {...p("qualify")}
				description="By OPTIONS" data={qualifies(d?.qualifyS)} />
		</div>
		<div className="sy-form-row">
			<Select label="Media" {...p("media")} data={[
				{ value: "", label: "Automatic" },
				{ value: "rtp", label: "RTP" },
				{ value: "webrtc", label: "WebRTC" }]} />
			<Select label="Encryption" data={SRTP} {...p("srtp")} />
			<Select label="Digits" data={DTMF} {...p("dtmf")} />
		</div>
		<Ordered label="Codecs, the best first" options={CODECS}
			empty="As in the settings" {...p("codecs")} />
		<TagsInput clearable label="Permissions" data={permissions}
			{...p("permissions")}
			clearButtonProps={{ "aria-label": "Remove all permissions" }}
			description="For numbers that cost; press Enter after each" />
		<div className="sy-form-row">
			<NumberInput label="Costly calls an hour" min={0}
				description="0: as the settings say"
				{...p("costlyCallsPerHour")} />
			<NumberInput label="Costly calls at a time" min={0}
				description="0: as the settings say"
				{...p("costlyCallsAtATime")} />
		</div>
	</Form>;
}
