// SPDX-License-Identifier: MIT
//
// A list of things in a form: each has a row of fields, can be removed, and
// moved where the order says something.
import { ActionIcon, Button, Input } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import type { ReactNode } from "react";
import { ChevronDown, ChevronUp, Plus, X } from "../icons";

export function Rows({ form, path, title, note, one, make, ordered, children }: {
	form: UseFormReturnType<any>;
	path: string;            // of the list among the form's values
	title: string;
	note?: ReactNode;
	one: string;             // what one of them is, for its buttons
	make: () => object;      // a new one
	ordered?: boolean;
	children: (at: string, i: number) => ReactNode; // at: "costly.0."
}) {
	const rows: unknown[] = path.split(".").reduce((v, k) => v[k],
		form.values);
	const move = (from: number, to: number) =>
		form.reorderListItem(path, { from, to });

	return <div className="sy-rows" role="group" aria-label={title}>
		<div className="sy-rows-head">
			<div className="sy-grow">
				<strong>{title}</strong>
				{note && <div className="sy-note">{note}</div>}
			</div>
			<Button size="xs" variant="default" leftSection={<Plus size={14} />}
				onClick={() => form.insertListItem(path, make())}>
				Add {one}</Button>
		</div>
		{form.errors[path] && <Input.Error role="alert">
			{form.errors[path]}</Input.Error>}
		{rows.map((_, i) => <div key={i} className="sy-row" role="group"
			aria-label={`${one} ${i + 1}`}>
			<div className="sy-grow">
				{children(`${path}.${i}.`, i)}
				{form.errors[`${path}.${i}`] && <Input.Error role="alert">
					{form.errors[`${path}.${i}`]}</Input.Error>}
			</div>
			<div className="sy-row-acts">
				{ordered && <>
					<Act label={`Move ${one} ${i + 1} up`} disabled={!i}
						icon={<ChevronUp size={15} />}
						act={() => move(i, i - 1)} />
					<Act label={`Move ${one} ${i + 1} down`}
						icon={<ChevronDown size={15} />}
						disabled={i === rows.length - 1}
						act={() => move(i, i + 1)} />
				</>}
				<Act label={`Remove ${one} ${i + 1}`} icon={<X size={15} />}
					act={() => form.removeListItem(path, i)} />
			</div>
		</div>)}
	</div>;
}

export function Act({ label, icon, act, disabled }: {
	label: string; icon: ReactNode; act: () => void; disabled?: boolean;
}) {
	return <ActionIcon variant="subtle" color="gray" aria-label={label}
		title={label} onClick={act} disabled={disabled}>{icon}</ActionIcon>;
}
