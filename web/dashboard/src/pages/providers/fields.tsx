// SPDX-License-Identifier: MIT
import { MultiSelect, NumberInput, PasswordInput, Select, Switch, TagsInput,
	TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { ID_HINT } from "../../parts/editor";
import { CODECS, DTMF, SRTP } from "../phones/edit";
import type { Values } from "./model";

interface Props { form: UseFormReturnType<Values>; old?: boolean }

export function Address({ form, old }: Props) {
	const p = form.getInputProps;

	return <>
		<TextInput label="Name" description={ID_HINT} disabled={old}
			placeholder="acme" data-autofocus={!old || undefined}
			{...p("id")} />
		<div className="sy-form-row">
			<TextInput label="Address" placeholder="sip.acme.example"
				description="A name or an address, with a port if it is special"
				{...p("host")} />
			<Select label="Transport" description="How SIP gets there"
				{...p("transport")} data={[
					{ value: "", label: "UDP, or as its DNS says" },
					{ value: "tcp", label: "TCP" },
					{ value: "tls", label: "TLS" }]} />
		</div>
		<TagsInput label="It calls from" {...p("sources")}
			clearButtonProps={{ "aria-label": "Remove all addresses" }}
			placeholder={form.values.sources.length ? "" : "192.0.2.0/24"}
			description={"Addresses or networks whose calls are its calls; " +
				"press Enter after each"} />
		<Switch label="In use" {...form.getInputProps("enabled",
			{ type: "checkbox" })} />
	</>;
}

export function Account({ form, old }: Props) {
	const p = form.getInputProps;

	return <>
		<div className="sy-form-row">
			<TextInput label="User name" autoComplete="off"
				description="Empty if it knows you by your address"
				{...p("username")} />
			<PasswordInput label="Password" autoComplete="new-password"
				description="Kept sealed, shown nowhere"
				placeholder={old ? "Stays as it is" : ""}
				visibilityToggleButtonProps={{ "aria-label":
					"Show password" }} {...p("password")} />
		</div>
		<Switch label="We register there" {...form.getInputProps("registers",
			{ type: "checkbox" })} description={"Needed if the provider " +
				"is to find us by a registration instead of an address"} />
		{form.values.registers && <div className="sy-form-row">
			<TextInput label="Registrar" placeholder={form.values.host ||
				"sip.acme.example"} description="Empty: the address"
				{...p("registrar")} />
			<NumberInput label="Expires after, in seconds" min={60}
				max={86_400} description="What we ask for"
				{...p("expiresS")} />
		</div>}
		<TextInput label="Outbound proxy" placeholder="None"
			{...p("proxy")} />
	</>;
}

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
		<div className="sy-form-row">
			<Select label="Numbers go out as" {...p("numberFormat")} data={[
				{ value: "", label: "They were dialled" },
				{ value: "e164", label: "+4930…" },
				{ value: "plain", label: "4930…" },
				{ value: "national", label: "030…" },
				{ value: "international", label: "004930…" }]} />
			<Select label="Who calls is read from" {...p("identity")} data={[
				{ value: "", label: "From" },
				{ value: "pai", label: "P-Asserted-Identity" },
				{ value: "rpid", label: "Remote-Party-ID" }]} />
		</div>
		<TextInput label="Number of who has none of his own"
			placeholder="+4930…" {...p("defaultNumber")} />
		<Switch label="Numbers that are not ours may be shown"
			{...form.getInputProps("anyCaller", { type: "checkbox" })} />
		<Switch label="It is told the names of callers"
			{...form.getInputProps("sendName", { type: "checkbox" })} />
		<Switch label="What it says of callers is believed"
			{...form.getInputProps("trusted", { type: "checkbox" })} />
	</>;
}

export function Limits({ form }: Props) {
	const p = form.getInputProps;

	return <>
		<div className="sy-form-row">
			<NumberInput label="Calls at a time" min={0}
				description="0: any number" {...p("maxCalls")} />
			<NumberInput label="Calls a second" min={0}
				description="0: any number" {...p("maxCallsPerSecond")} />
			<NumberInput label="Checked every, in seconds" min={0}
				description="0: never" {...p("optionsS")} />
		</div>
		<div className="sy-form-row">
			<Select label="Encryption" data={SRTP} {...p("srtp")} />
			<Select label="Digits" data={DTMF} {...p("dtmf")} />
		</div>
		<MultiSelect label="Codecs, the best first" data={CODECS} clearable
			clearButtonProps={{ "aria-label": "Remove all codecs" }}
			placeholder={form.values.codecs.length ? "" :
				"As in the settings"} {...p("codecs")} />
	</>;
}
