// SPDX-License-Identifier: MIT
import { Modal, Text, TextInput } from "@mantine/core";
import { useLocation } from "wouter";
import { call } from "../../api/client";
import type { Call } from "../../api/schema";
import { Form, useEditor } from "../../parts/form";
import { useSession } from "../../session";

export function NewCall({ open, close }: { open: boolean; close: () => void }) {
	return <Modal opened={open} onClose={close} title="New call">
		<Fields close={close} />
	</Modal>;
}

function Fields({ close }: { close: () => void }) {
	const [, go] = useLocation();
	const { session } = useSession();
	const editor = useEditor({
		initial: { from: session?.device ?? "", to: "", callerName: "" },
		check: (v) => ({
			from: v.from.trim() ? null : "Who is called first?",
			to: v.to.trim() ? null : "Whom is he to talk to?",
		}),
		refresh: ["calls"],
		save: async (v) => {
			const made = await call<Call>("POST", "/api/calls", { body: {
				from: v.from.trim(), to: v.to.trim(),
				...v.callerName && { callerName: v.callerName } } });
			close();
			go(`/calls/${made.id}`);
		},
	});

	return <Form editor={editor} save="Call" cancel={close}>
		<Text size="sm" c="dimmed">The first one is called; when he answers,
			the other one rings.</Text>
		<TextInput label="From" data-autofocus placeholder="1001"
			description="A phone, or a number that leads to a provider"
			{...editor.form.getInputProps("from")} />
		<TextInput label="To" placeholder="1002 or +4930…"
			description="Any number that the routes know"
			{...editor.form.getInputProps("to")} />
		<TextInput label="Name that is shown" placeholder="Optional"
			{...editor.form.getInputProps("callerName")} />
	</Form>;
}
