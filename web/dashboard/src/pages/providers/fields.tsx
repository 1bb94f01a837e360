// SPDX-License-Identifier: MIT
//
// The sheets of a provider's form: where it is, and our account there.  The
// others are in numbers.tsx and calls.tsx.
import { NumberInput, PasswordInput, Select, Switch, TagsInput, TextInput }
	from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import type { ReactNode } from "react";
import { ID_HINT } from "../../parts/editor";
import type { Sheet } from "../../parts/sheets";
import { Callers, Limits, Media } from "./calls";
import type { Values } from "./model";
import { Numbers, Rewriting } from "./numbers";

export interface Props { form: UseFormReturnType<Values>; old?: boolean }

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
		<TagsInput clearable label="It calls from" {...p("sources")}
			clearButtonProps={{ "aria-label": "Remove all addresses" }}
			placeholder={form.values.sources.length ? "" : "192.0.2.0/24"}
			description={"Addresses or networks whose calls are its calls; " +
				"press Enter after each"} />
		{old && <TagsInput clearable label="Or shows a client certificate for"
			clearButtonProps={{ "aria-label": "Remove all names" }}
			placeholder={form.values.certificates.length ? "" :
				"pbx.acme.example"} description={"Names in certificates, " +
				"whatever address it calls from"} {...p("certificates")} />}
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
		{form.values.registers && <>
			<div className="sy-form-row">
				<TextInput label="Registrar" placeholder={form.values.host ||
					"sip.acme.example"} description="Empty: the address"
					{...p("registrar")} />
				<NumberInput label="Expires after, in seconds" min={60}
					max={86_400} description="What we ask for"
					{...p("expiresS")} />
			</div>
			<div className="sy-form-row">
				<TextInput label="Registered as" placeholder={
					form.values.username || "4930123"}
					description="Empty: the user name"
					{...p("registrationUser")} />
				<TextInput label="User of the contact" {...p("contactUser")}
					description="Only if it wants a certain one" />
			</div>
		</>}
		<TextInput label="Outbound proxy" placeholder="None"
			description="Registration and calls go there instead"
			{...p("proxy")} />
	</>;
}

/** Which fields are on which sheet. */
export const FIELDS = {
	address: ["id", "host", "transport", "sources", "certificates", "enabled"],
	account: ["username", "password", "registers", "registrar", "expiresS",
		"registrationUser", "contactUser", "proxy"],
	numbers: ["countryCode", "nationalPrefix", "internationalPrefix",
		"numberFormat", "numbers"],
	rewriting: ["calledIn", "callerIn", "calledOut", "callerOut"],
	callers: ["identity", "defaultNumber", "anyCaller", "sendName", "trusted",
		"sendHistory", "fromDomain"],
	limits: ["maxCalls", "maxCallsPerSecond", "optionsS", "attemptSeconds",
		"failoverCodes", "permissions", "costlyCallsPerHour",
		"costlyCallsAtATime"],
	media: ["srtp", "dtmf", "codecs", "messages", "messagesOut"],
};

/** All of a provider that there is already. */
export function sheetsOf(form: Props["form"]): Sheet[] {
	const sheet = (id: keyof typeof FIELDS, label: string,
		content: ReactNode) => ({ id, label, fields: FIELDS[id], content });

	return [
		sheet("address", "Address", <Address form={form} old />),
		sheet("account", "Account", <Account form={form} old />),
		sheet("numbers", "Numbers", <Numbers form={form} />),
		sheet("rewriting", "Rewriting", <Rewriting form={form} />),
		sheet("callers", "Caller ID", <Callers form={form} />),
		sheet("limits", "Limits", <Limits form={form} />),
		sheet("media", "Media", <Media form={form} />),
	];
}
