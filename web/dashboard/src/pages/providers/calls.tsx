// SPDX-License-Identifier: MIT
//
// A provider's calls: who is shown, how many there may be, how they sound.
import { NumberInput, Select, Switch, TagsInput, TextInput }
	from "@mantine/core";
import { usePermissions } from "../../api/config";
import { Ordered } from "../../parts/ordered";
import { Usual } from "../../parts/usual";
import { CODECS, DTMF, SRTP } from "../phones/edit";
import type { Props } from "./fields";

export function Callers({ form }: Props) {
	const p = form.getInputProps;
	const on = (name: string) => form.getInputProps(name,
		{ type: "checkbox" });

	return <>
		<div className="sy-form-row">
			<TextInput label="Number of who has none of his own"
				placeholder="+4930…" {...p("defaultNumber")} />
			<Select label="Who calls is read from" {...p("identity")} data={[
				{ value: "", label: "From" },
				{ value: "pai", label: "P-Asserted-Identity" },
				{ value: "rpid", label: "Remote-Party-ID" }]} />
		</div>
		<Switch label="Numbers that are not ours may be shown"
			{...on("anyCaller")} />
		<Switch label="It is told the names of callers" {...on("sendName")} />
		<Switch label="What it says of callers is believed"
			description="Its P-Asserted-Identity" {...on("trusted")} />
		<div className="sy-form-row">
			<Select label="Who has sent a call on" {...p("sendHistory")}
				data={[
					{ value: "", label: "Not told" },
					{ value: "none", label: "Not told (said so)" },
					{ value: "history", label: "In History-Info" },
					{ value: "diversion", label: "In Diversion" },
					{ value: "both", label: "In both" }]} />
			<TextInput label="Host of From" placeholder="Its realm"
				{...p("fromDomain")} />
		</div>
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
			<Usual label="Without a word the next one after, s"
				max={32} usual={4} {...p("attemptSeconds")} />
			<TagsInput clearable label="Answers that mean: try the next one"
				clearButtonProps={{ "aria-label": "Remove all codes" }}
				placeholder={form.values.failoverCodes.length ? "" : "486"}
				description="Beside 408 and 5xx; press Enter after each"
				{...p("failoverCodes")} />
		</div>
		<Permissions form={form} />
	</>;
}

/** What its calls that go out again may cost. */
function Permissions({ form }: Props) {
	const p = form.getInputProps;
	const known = usePermissions();

	return <>
		<TagsInput clearable label="Permissions" data={known} {...p("permissions")}
			clearButtonProps={{ "aria-label": "Remove all permissions" }}
			description={"For its calls that go out again to numbers that " +
				"cost (Settings, Costly numbers)"} />
		<div className="sy-form-row">
			<NumberInput label="Costly calls an hour" min={0}
				description="0: as the settings say"
				{...p("costlyCallsPerHour")} />
			<NumberInput label="Costly calls at a time" min={0}
				description="0: as the settings say"
				{...p("costlyCallsAtATime")} />
		</div>
	</>;
}

export function Media({ form }: Props) {
	const p = form.getInputProps;
	const on = (name: string) => form.getInputProps(name,
		{ type: "checkbox" });

	return <>
		<Ordered label="Codecs, the best first" options={CODECS}
			empty="As in the settings" {...p("codecs")} />
		<div className="sy-form-row">
			<Select label="Encryption" data={SRTP} {...p("srtp")} />
			<Select label="Digits" data={DTMF} {...p("dtmf")} />
		</div>
		<Switch label="Its text messages go to our phones"
			{...on("messages")} />
		<Switch label="It takes text messages of our phones"
			{...on("messagesOut")} />
	</>;
}
