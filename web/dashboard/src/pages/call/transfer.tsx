// SPDX-License-Identifier: MIT
import { Modal, SegmentedControl, Select, Text, TextInput }
	from "@mantine/core";
import { call, id as esc } from "../../api/client";
import { useCalls } from "../../api/live";
import type { Call, Leg } from "../../api/schema";
import { Form, useEditor } from "../../parts/form";
import { legName, peers } from "../calls/names";

interface Props {
	call: Call; leg: Leg; open: boolean; close: () => void;
}

const SAYS: Record<string, string> = {
	blind: "The number rings; when it answers it takes this one’s place.",
	attended: "The two calls become one, and this one leaves both.",
	refer: "Its own system is asked to call there; the call leaves us.",
};

export function Transfer(props: Props) {
	return <Modal opened={props.open} onClose={props.close}
		title={`Put somebody in place of ${legName(props.leg)}`}>
		<Fields {...props} />
	</Modal>;
}

function Fields({ call: c, leg: l, close }: Props) {
	const calls = useCalls();
	const others = calls.data?.filter((x) => x.id !== c.id) ?? [];
	const editor = useEditor({
		initial: { mode: "blind", to: "", call: "" },
		check: (v) => v.mode === "attended" ?
			{ call: v.call ? null : "Which call?" } :
			{ to: v.to.trim() ? null : "To whom?" },
		save: (v) => call("POST", `/api/calls/${esc(c.id)}/transfer`, {
			body: v.mode === "attended" ?
				{ leg: l.id, call: v.call, mode: v.mode } :
				{ leg: l.id, to: v.to.trim(), mode: v.mode } }),
		done: "The transfer is under way", after: close,
		refresh: ["calls", "call"],
	});
	const mode = editor.form.values.mode;

	return <Form editor={editor} save="Transfer" cancel={close}>
		<SegmentedControl aria-label="How" fullWidth data={[
			{ value: "blind", label: "To a number" },
			{ value: "attended", label: "To a call" },
			...(l.kind === "TRUNK" || l.kind === "DEVICE" ?
				[{ value: "refer", label: "Send away" }] : []),
		]} {...editor.form.getInputProps("mode")} />
		{mode === "attended" ? <Select label="Call" searchable
			placeholder="Choose a call" nothingFoundMessage="No other call"
			data={others.map((o) => ({ value: o.id, label: peers(o) }))}
			{...editor.form.getInputProps("call")} /> :
			<TextInput label="Number" data-autofocus
				placeholder={mode === "refer" ? "+4930… or sip:…" : "1003"}
				{...editor.form.getInputProps("to")} />}
		<Text size="sm" c="dimmed">{SAYS[mode]}</Text>
	</Form>;
}
