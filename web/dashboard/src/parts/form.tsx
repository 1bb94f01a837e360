// SPDX-License-Identifier: MIT
//
// Forms: what the API finds wrong is shown at the field, the rest above.
import { Alert, Button, Code, Group } from "@mantine/core";
import { useForm, type UseFormReturnType } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { Problem } from "../api/client";
import { Conflict } from "../api/config";
import { reason, tell } from "./action";
import { pathOf, placeOf } from "./place";

export interface Editor<V extends object> {
	form: UseFormReturnType<V>;
	busy: boolean;
	failed: string;
	conflict?: Conflict;
	submit: (e: FormEvent) => void;
	again: () => void;   // mine on top of what somebody else has done
	discard: () => void; // what somebody else has done holds
}

interface Options<V extends object> {
	initial: V;
	save: (values: V) => Promise<unknown>;
	done?: string;
	after?: () => void;
	refresh?: string[];
	check?: (values: V) => Record<string, string | null | undefined>;
	rename?: (path: string) => string; // of the API to that of the form
}

/** A number that was taken away is 0, which says the same to the API. */
function filled<V extends object>(values: V, initial: V): V {
	const was = initial as Record<string, unknown>;

	return Object.fromEntries(Object.entries(values).map(([key, v]) =>
		[key, v === "" && typeof was[key] === "number" ? 0 : v])) as V;
}

export function useEditor<V extends object>(options: Options<V>): Editor<V> {
	const client = useQueryClient();
	const [busy, setBusy] = useState(false);
	const [failed, setFailed] = useState("");
	const [conflict, setConflict] = useState<Conflict>();
	const form = useForm<V>({ initialValues: options.initial,
		validate: options.check as any });
	const end = () => {
		for (const key of options.refresh ?? [])
			void client.invalidateQueries({ queryKey: [key] });
		options.after?.();
	};
	const run = async (work: () => Promise<unknown>) => {
		setBusy(true);
		setFailed("");
		setConflict(undefined);
		try {
			await work();
			if (options.done)
				tell(options.done);
			end();
		} catch (e) {
			if (e instanceof Conflict)
				setConflict(e);
			else
				setFailed(showErrors(e, form, options.rename));
		} finally {
			setBusy(false);
		}
	};

	return { form, busy, failed, conflict,
		submit: form.onSubmit((values) => void run(() =>
			options.save(filled(values, options.initial)))) as any,
		again: () => conflict && void run(conflict.again),
		discard: () => { setConflict(undefined); end(); } };
}

/** Errors to their fields; what is left is the text above. */
export function showErrors(e: unknown, form: UseFormReturnType<any>,
	rename: (path: string) => string = (path) => path): string {
	if (!(e instanceof Problem) || !e.errors.length)
		return reason(e);
	const here: Record<string, string> = {};
	const left = e.errors.filter((f) => {
		const place = placeOf(form.getValues(), rename(pathOf(f.field)));

		if (place === undefined)
			return true;
		here[place] = f.allowed ? `${f.cause}; allowed: ${f.allowed}` :
			f.cause;
		return false;
	});
	form.setErrors(here);
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
		{editor.conflict && <Changed editor={editor}
			conflict={editor.conflict} />}
		{children}
		<Group justify="flex-end" gap="xs">
			{cancel && <Button variant="default" onClick={cancel}>
				Cancel</Button>}
			<Button type="submit" loading={editor.busy}>{save}</Button>
		</Group>
	</form>;
}

function Changed({ conflict: c, editor }: {
	conflict: Conflict; editor: Editor<any>;
}) {
	const both = c.theirs.filter((f) => c.mine.includes(f));
	const brief = (v: unknown) => {
		const text = JSON.stringify(v ?? null);

		return text.length > 60 ? `${text.slice(0, 60)}…` : text;
	};

	return <Alert color="yellow" role="alert" title={c.message}>
		Nothing of yours is saved yet. He has changed:
		<ul>{c.theirs.map((f) => <li key={f}>
			<Code>{f}</Code>, now <Code>{brief(c.now[f])}</Code>
			{both.includes(f) && <strong>: you have changed it,
				too</strong>}
		</li>)}</ul>
		<Group gap="xs" mt="sm">
			<Button size="xs" variant="default" onClick={editor.again}>
				{both.length ? "Save mine all the same" :
					"Save mine as well"}</Button>
			<Button size="xs" variant="default" onClick={editor.discard}>
				Discard mine</Button>
		</Group>
	</Alert>;
}
