// SPDX-License-Identifier: MIT
//
// How a provider writes numbers, which of them are ours, and how they are
// changed on their way.
import { NumberInput, Select, Text, TextInput } from "@mantine/core";
import { Rows } from "../../parts/rows";
import { TargetFields } from "../routes/target_fields";
import type { Props } from "./fields";
import { ownNumber } from "./model";

export function Numbers({ form }: Props) {
	const p = form.getInputProps;

	return <>
		<div className="sy-form-row">
			<TextInput label="Country code" placeholder="49"
				description="Numbers become +49…" {...p("countryCode")} />
			<TextInput label="National prefix" placeholder="0"
				{...p("nationalPrefix")} description="Within the country" />
			<TextInput label="International prefix" placeholder="00"
				{...p("internationalPrefix")} description="To others" />
		</div>
		<Select label="Numbers go out as" {...p("numberFormat")} data={[
			{ value: "", label: "They were dialled" },
			{ value: "e164", label: "+4930…" },
			{ value: "plain", label: "4930…" },
			{ value: "national", label: "030…" },
			{ value: "international", label: "004930…" }]} />
		<Rows form={form} path="numbers" title="Our numbers there"
			one="number" make={() => ownNumber()} note={"Looked up before " +
				"the routes when the provider calls. Phones may show them " +
				"as theirs."}>
			{(at) => <Own form={form} at={at} />}
		</Rows>
	</>;
}

const ROUTES = { value: "routes", label: "As the routes say" };

function Own({ form, at }: Props & { at: string }) {
	const p = (name: string) => form.getInputProps(at + name);

	return <div className="sy-form">
		<div className="sy-form-row">
			<TextInput label="Number" placeholder="+493012300"
				inputMode="tel" {...p("from")} />
			<TextInput label="… to, of a range" placeholder="+493012399"
				inputMode="tel" {...p("to")} />
			<TextInput label="Called" placeholder="Head office"
				{...p("name")} />
		</div>
		<TargetFields form={form} at={at} none={ROUTES} help={"$0 is the " +
			"number, $1 its last digits: those that differ in the range"} />
	</div>;
}

const DIRECTIONS = [
	["calledIn", "Called numbers that come in", "Whom the provider calls"],
	["callerIn", "Callers that come in", "Who calls, as our phones see it"],
	["calledOut", "Called numbers that go out", "Whom the provider is to call"],
	["callerOut", "Callers that go out", "Who calls, as the provider sees it"],
] as const;

export function Rewriting({ form }: Props) {
	return <>
		<Text size="sm" c="dimmed">Of each list the first rule that fits
			changes the number: digits are taken off its front, then a
			prefix is put there. What comes in is +49… already, if there is
			a country code; what goes out is written in the provider’s way
			afterwards.</Text>
		{DIRECTIONS.map(([path, title, note]) => <Rows key={path} form={form}
			path={path} title={title} note={note} one="rule" ordered
			make={() => ({ pattern: "", strip: 0, prefix: "" })}>
			{(at) => <div className="sy-form-row sy-thirds">
				<TextInput label="Number" placeholder="Any"
					classNames={{ input: "sy-mono" }}
					{...form.getInputProps(`${at}pattern`)} />
				<NumberInput label="Digits taken off" min={0} max={64}
					{...form.getInputProps(`${at}strip`)} />
				<TextInput label="Prefix put there" placeholder="None"
					{...form.getInputProps(`${at}prefix`)} />
			</div>}
		</Rows>)}
	</>;
}
