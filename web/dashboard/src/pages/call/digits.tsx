// SPDX-License-Identifier: MIT
import { Modal, Text, TextInput } from "@mantine/core";
import { call, id as esc } from "../../api/client";
import type { Call, Leg } from "../../api/schema";
import { Form, useEditor } from "../../parts/form";
import { legName } from "../calls/names";

interface Props {
	call: Call; leg: Leg; open: boolean; close: () => void;
}

export function Digits(props: Props) {
	return <Modal opened={props.open} onClose={props.close}
		title={`Send digits to ${legName(props.leg)}`}>
		<Fields {...props} />
	</Modal>;
}

function Fields({ call: c, leg: l, close }: Props) {
	const editor = useEditor({
		initial: { digits: "" },
		check: (v) => ({ digits: /^[0-9*#A-D]{1,32}$/i.test(v.digits) ? null :
			"1 to 32 of 0-9 * # A-D" }),
		save: (v) => call("POST", `/api/calls/${esc(c.id)}/dtmf`, {
			body: { leg: l.id, digits: v.digits.toUpperCase() } }),
		done: "Digits are sent", after: close,
	});

	return <Form editor={editor} save="Send" cancel={close}>
		<TextInput label="Digits" data-autofocus inputMode="tel"
			{...editor.form.getInputProps("digits")} />
		<Text size="sm" c="dimmed">It gets them as key presses, for instance
			to go through a menu.</Text>
	</Form>;
}
