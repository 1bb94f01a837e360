// SPDX-License-Identifier: MIT
//
// Things that are done: what has come of each is told, errors with their cause.
import { Alert, Button, Group, Modal, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Problem } from "../api/client";

/** What an error says, in one text. */
export function reason(e: unknown): string {
	const p = e as Problem;
	const fields = p.errors?.map((f) => `${f.field} ${f.cause}` +
		(f.allowed ? ` (allowed: ${f.allowed})` : "")).join("; ");

	return [p.message, fields].filter(Boolean).join(" ");
}

const closeButtonProps = { "aria-label": "Close" };

export function tellError(title: string, e: unknown) {
	notifications.show({ color: "red", title, message: reason(e),
		autoClose: 10_000, role: "alert", closeButtonProps });
}

export function tell(message: string) {
	notifications.show({ color: "green", message, role: "status",
		closeButtonProps });
}

/** Something to do; queries with these keys are asked again afterwards. */
export function useAction<A = void>(run: (a: A) => Promise<unknown>,
	options: { done?: string; fails: string; refresh?: string[] }) {
	const client = useQueryClient();

	return useMutation({
		mutationFn: run,
		onSuccess: () => { if (options.done) tell(options.done); },
		onError: (e) => tellError(options.fails, e),
		onSettled: () => Promise.all((options.refresh ?? []).map((key) =>
			client.invalidateQueries({ queryKey: [key] }))),
	});
}

/** The same for who shows an error himself: the promise has it. */
export function useDo() {
	const client = useQueryClient();

	return async (done: string, refresh: string[],
		run: () => Promise<unknown>) => {
		await run();
		if (done)
			tell(done);
		for (const key of refresh)
			void client.invalidateQueries({ queryKey: [key] });
	};
}

/** A button that asks once more, and says what will happen. */
export function ConfirmButton({ label, title, children, act, confirm, danger,
	...button }: {
	label: ReactNode; title: string; children: ReactNode;
	act: () => Promise<unknown>; confirm: string; danger?: boolean;
	size?: string; variant?: string; disabled?: boolean;
	leftSection?: ReactNode; "aria-label"?: string; color?: string;
}) {
	const [open, setOpen] = useState(false);

	return <>
		<Button variant="default" size="xs" {...button}
			onClick={() => setOpen(true)}>{label}</Button>
		<Confirm open={open} close={() => setOpen(false)} title={title}
			act={act} confirm={confirm} danger={danger}>{children}</Confirm>
	</>;
}

export function Confirm({ open, close, title, children, act, confirm,
	danger = true }: {
	open: boolean; close: () => void; title: string; children: ReactNode;
	act: () => Promise<unknown>; confirm: string; danger?: boolean;
}) {
	const [busy, setBusy] = useState(false);
	const [failed, setFailed] = useState("");
	const shut = () => { setFailed(""); close(); };
	const run = async () => {
		setBusy(true);
		setFailed("");
		try {
			await act();
			shut();
		} catch (e) {
			setFailed(reason(e));
		} finally {
			setBusy(false);
		}
	};

	return <Modal opened={open} onClose={shut} title={title}>
		<Text size="sm" component="div">{children}</Text>
		{failed && <Alert color="red" mt="md" role="alert">{failed}</Alert>}
		<Group justify="flex-end" mt="lg" gap="xs">
			<Button variant="default" onClick={shut}>Cancel</Button>
			<Button color={danger ? "red" : undefined} loading={busy}
				onClick={run}>{confirm}</Button>
		</Group>
	</Modal>;
}
