// SPDX-License-Identifier: MIT
//
// Forms: what the API finds wrong is shown at the field, the rest above.
import { Alert, Button, Group } from "@mantine/core";
import { useForm, type UseFormReturnType } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { Problem } from "../api/client";
import { reason, tell } from "./action";

export interface Editor<V extends object> {
	form: UseFormReturnType<V>;
	busy: boolean;
	failed: string;
	submit: (e: FormEvent) => void;
}

// "devices[3].password" and "device.password" are this form's "password".
const fieldOf = (name: string) =>
	name.replace(/^\w+\[\d+\]\./, "").replace(/^(device|trunk|route|group)\./,
		"");

export function useEditor<V extends object>(options: {
	initial: V;
	save: (values: V) => Promise<unknown>;
	done?: string;
	after?: () => void;
	refresh?: string[];
	check?: (values: V) => Record<string, string | null | undefined>;
}): Editor<V> {
	const client = useQueryClient();
	const [busy, setBusy] = useState(false);
	const [failed, setFailed] = useState("");
	const form = useForm<V>({ initialValues: options.initial,
		validate: options.check as any });

	const save = async (values: V) => {
		setBusy(true);
		setFailed("");
		try {
			await options.save(values);
			if (options.done)
				tell(options.done);
			for (const key of options.refresh ?? [])
				void client.invalidateQueries({ queryKey: [key] });
			options.after?.();
		} catch (e) {
			setFailed(show(e, form));
		} finally {
			setBusy(false);
		}
	};
	return { form, busy, failed, submit: form.onSubmit(save) as any };
}

/** Errors to their fields; what is left is the text above. */
function show<V extends object>(e: unknown, form: UseFormReturnType<V>) {
	if (!(e instanceof Problem) || !e.errors.length)
		return reason(e);
	const here: Record<string, string> = {};
	const left = e.errors.filter((f) => {
		const name = fieldOf(f.field);
		const text = f.allowed ? `${f.cause}; allowed: ${f.allowed}` : f.cause;

		if (!(name in form.getValues()))
			return true;
		here[name] = text;
		return false;
	});
	form.setErrors(here as any);
	return left.map((f) => `${f.field}: ${f.cause}` +
		(f.allowed ? ` (allowed: ${f.allowed})` : "")).join("; ");
}

export function Form<V extends object>({ editor, children, save = "Save",
	cancel }: {
	editor: Editor<V>; children: ReactNode; save?: string;
	cancel?: () => void;
}) {
	return <form onSubmit={editor.submit} className="sy-form" noValidate>
		{editor.failed && <Alert color="red" role="alert">
			{editor.failed}</Alert>}
		{children}
		<Group justify="flex-end" gap="xs">
			{cancel && <Button variant="default" onClick={cancel}>
				Cancel</Button>}
			<Button type="submit" loading={editor.busy}>{save}</Button>
		</Group>
	</form>;
}
