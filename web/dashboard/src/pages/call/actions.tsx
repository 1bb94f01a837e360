// SPDX-License-Identifier: MIT
import { Button, Modal, SegmentedControl, Text, TextInput }
	from "@mantine/core";
import { useState } from "react";
import { call, id as esc } from "../../api/client";
import { useStatus } from "../../api/live";
import type { Call } from "../../api/schema";
import { PhoneOff, UserPlus } from "../../icons";
import { ConfirmButton, useDo } from "../../parts/action";
import { plural } from "../../parts/format";
import { Form, useEditor } from "../../parts/form";
import { useSession } from "../../session";
import { peers } from "../calls/names";
import { Move } from "../nodes/node";

export function CallActions({ call: c }: { call: Call }) {
	const { may } = useSession();
	const [adding, setAdding] = useState(false);
	const perform = useDo();
	const status = useStatus();
	const others = status.data?.nodes.filter((n) => n.id !== c.node &&
		n.state === "LIVE") ?? [];

	if (!may("calls:write"))
		return null;
	return <>
		<Button size="sm" variant="default" onClick={() => setAdding(true)}
			leftSection={<UserPlus size={16} />}>Add</Button>
		<Move call={c} others={others} size="sm" />
		<ConfirmButton size="sm" variant="filled" color="red" danger
			leftSection={<PhoneOff size={16} />} label="Hang up"
			title={`Hang up ${peers(c)}?`} confirm="Hang up"
			act={() => perform("The call has ended", ["calls", "call"],
				() => call("DELETE", `/api/calls/${esc(c.id)}`))}>
			All {plural(c.legs.length, "leg")} of this call end.
		</ConfirmButton>
		<Modal opened={adding} onClose={() => setAdding(false)}
			title="Add somebody to this call">
			<AddLeg call={c} close={() => setAdding(false)} />
		</Modal>
	</>;
}

function AddLeg({ call: c, close }: { call: Call; close: () => void }) {
	const editor = useEditor({
		initial: { kind: "device", to: "", callerName: "" },
		check: (v) => ({ to: v.to.trim() ? null : "Who is called?" }),
		save: (v) => call("POST", `/api/calls/${esc(c.id)}/legs`, { body: {
			kind: v.kind, to: v.to.trim(),
			...v.callerName && { callerName: v.callerName } } }),
		done: `It rings`, after: close, refresh: ["calls", "call"],
	});

	return <Form editor={editor} save="Call" cancel={close}>
		<SegmentedControl aria-label="Kind" fullWidth data={[
			{ value: "device", label: "A phone" },
			{ value: "external", label: "An outside number" }]}
			{...editor.form.getInputProps("kind")} />
		<TextInput data-autofocus label={editor.form.values.kind === "device" ?
			"Phone" : "Number"} placeholder={
			editor.form.values.kind === "device" ? "1003" : "+4930…"}
			{...editor.form.getInputProps("to")} />
		<TextInput label="Name that is shown" placeholder="Optional"
			{...editor.form.getInputProps("callerName")} />
		<Text size="sm" c="dimmed">Who answers joins; the others go on
			talking meanwhile.</Text>
	</Form>;
}
