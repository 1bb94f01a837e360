// SPDX-License-Identifier: MIT
//
// A form in several sheets.  What is wrong on another sheet is marked there,
// and shown when nothing is wrong on this one.
import { Tabs } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { type ReactNode, useEffect, useState } from "react";
import { CircleAlert } from "../icons";

export interface Sheet {
	id: string;
	label: string;
	fields: readonly string[]; // of the form, that are on it
	content: ReactNode;
}

/** Whether one of a sheet's fields is wrong: "numbers.0.from" is of "numbers". */
export function wrong(errors: object, fields: readonly string[]): boolean {
	return Object.keys(errors).some((e) => fields.some((f) =>
		e === f || e.startsWith(`${f}.`)));
}

export function Sheets({ form, label, of, disabled }: {
	form: UseFormReturnType<any>; label: string; of: Sheet[];
	disabled?: boolean; // only to be looked at
}) {
	const [shown, setShown] = useState(of[0]!.id);
	const { errors } = form;

	useEffect(() => {
		const bad = of.filter((s) => wrong(errors, s.fields));

		if (bad.length && !bad.some((s) => s.id === shown))
			setShown(bad[0]!.id);
		// Only when something was found, not when another sheet is opened.
	}, [errors]); // eslint-disable-line

	return <Tabs value={shown} onChange={(v) => v && setShown(v)}>
		<Tabs.List mb="md" aria-label={label}>
			{of.map((s) => <Tabs.Tab key={s.id} value={s.id}
				rightSection={wrong(errors, s.fields) && <CircleAlert
					size={14} className="sy-bad"
					aria-label="something is wrong here" />}>
				{s.label}</Tabs.Tab>)}
		</Tabs.List>
		{of.map((s) => <Tabs.Panel key={s.id} value={s.id}>
			<fieldset disabled={disabled} className="sy-plain-set sy-form">
				{s.content}</fieldset>
		</Tabs.Panel>)}
	</Tabs>;
}
