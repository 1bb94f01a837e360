// SPDX-License-Identifier: MIT
import { NumberInput, Text, TextInput } from "@mantine/core";
import { Rows } from "../../parts/rows";
import type { FormProps } from "./general";

/** Numbers that cost: who calls them by a provider needs the permission. */
export function CostlyNumbers({ form }: FormProps) {
	return <>
		<Text size="sm" c="dimmed">Who calls such a number by a provider needs
			its permission, which phones and providers have in their own
			settings. The longest prefix decides.</Text>
		<Rows form={form} path="costly" title="Numbers that cost" one="prefix"
			make={() => ({ prefix: "", permission: "", callsPerHour: 0,
				callsAtATime: 0 })}>
			{(at) => <div className="sy-form-row sy-thirds">
				<TextInput label="Begins with" placeholder="+882"
					{...form.getInputProps(`${at}prefix`)} />
				<TextInput label="Permission" placeholder="Nobody may"
					{...form.getInputProps(`${at}permission`)} />
				<NumberInput label="Calls an hour" min={0}
					placeholder="0: any number"
					{...form.getInputProps(`${at}callsPerHour`)} />
				<NumberInput label="At a time" min={0}
					placeholder="0: any number"
					{...form.getInputProps(`${at}callsAtATime`)} />
			</div>}
		</Rows>
		<Text size="sm" c="dimmed">0: any number of calls. Of one phone or
			provider each; its own limits go before these.</Text>
	</>;
}
