// SPDX-License-Identifier: MIT
import { NumberInput, Select, Switch, TagsInput, TextInput }
	from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { Ordered } from "../../parts/ordered";
import { Usual } from "../../parts/usual";
import { CODECS } from "../phones/edit";
import type { Values } from "./model";

export interface FormProps { form: UseFormReturnType<Values> }

export function Phones({ form, realm }: FormProps & { realm: string }) {
	const p = form.getInputProps;

	return <>
		<TextInput label="Realm" value={realm} disabled
			description="Passwords are kept with it: it cannot be changed" />
		<TagsInput clearable label="Further domains that are ours"
			clearButtonProps={{ "aria-label": "Remove all domains" }}
			{...p("domains")} />
		<div className="sy-form-row">
			<Usual label="Register for at least, s"
				usual={60} {...p("registerMinS")} />
			<Usual label="… at most, s" usual={3600} {...p("registerMaxS")} />
			<Usual label="A call rings for, s"
				usual={60} {...p("ringSeconds")} />
		</div>
		<div className="sy-form-row">
			<NumberInput label="Asked whether they are there each, s" min={0}
				description="0: never" {...p("qualifyS")} />
			<Select label="Phones that do not answer that"
				{...p("unreachable")} data={[
					{ value: "", label: "Are not rung" },
					{ value: "skip", label: "Are not rung (said so)" },
					{ value: "ring", label: "Are rung all the same" }]} />
		</div>
		<div className="sy-form-row">
			<Usual label="Who parked a call is called after, s"
				usual={120} {...p("parkSeconds")} />
			<TextInput label="When he does not answer, the call goes to"
				description="A number; empty: it waits on"
				{...p("parkOverflow")} />
		</div>
	</>;
}

export function Sound({ form }: FormProps) {
	const p = form.getInputProps;

	return <>
		<Ordered label="Codecs, the best first" options={CODECS}
			empty="All, Opus first" {...p("codecs")} />
		<div className="sy-form-row">
			<Usual label="Opus, bits a second" step={8000}
				usual={32000} {...p("opusBitrateBps")} />
			<NumberInput label="Comfort noise, dB" min={-90} max={0}
				description="-90 to -30; 0: none" {...p("comfortNoiseDb")} />
			<Select label="Background noise is taken away"
				description="Of who says something" {...p("denoise")} data={[
					{ value: "", label: "No" },
					{ value: "off", label: "No (said so)" },
					{ value: "auto", label: "Automatic" },
					{ value: "speex", label: "Lightly (Speex)" },
					{ value: "rnnoise", label: "Strongly (RNNoise)" }]} />
		</div>
		<Switch label="Volumes are evened out"
			{...form.getInputProps("agc", { type: "checkbox" })} />
		<div className="sy-form-row">
			<Select label="Who is on hold hears" {...p("music")} data={[
				{ value: "", label: "A soft chord" },
				{ value: "silence", label: "Nothing" },
				{ value: "tone", label: "A tone" },
				{ value: "file", label: "A sound file" }]} />
			{form.values.music === "file" && <TextInput label="File"
				description="Below the nodes’ folder of sounds"
				{...p("musicFile")} />}
			{form.values.music === "tone" && <NumberInput label="Hz" min={20}
				max={20_000} description="20 to 20000" {...p("musicHz")} />}
		</div>
	</>;
}

export function Signalling({ form }: FormProps) {
	const p = form.getInputProps;

	return <>
		<div className="sy-form-row">
			<Select label="Encryption of media" {...p("srtp")} data={[
				{ value: "", label: "Where a peer can" },
				{ value: "off", label: "Off" },
				{ value: "optional", label: "Where a peer can (said so)" },
				{ value: "required", label: "Required" }]} />
			<Select label="Reliable provisional answers (PRACK)"
				{...p("prack")} data={[
					{ value: "", label: "Supported" },
					{ value: "supported", label: "Supported (said so)" },
					{ value: "off", label: "Off" },
					{ value: "required", label: "Required" }]} />
		</div>
		<div className="sy-form-row">
			<NumberInput label="Session timer, s" min={0}
				description="0: only what a peer asks for"
				{...p("sessionExpiresS")} />
			<Usual label="… not below, s" usual={90}
				{...p("sessionMinS")} />
			<Usual label="By TCP if larger than, bytes"
				max={65_535} usual={1300} description="65535: never"
				{...p("udpMaxBytes")} />
		</div>
		<div className="sy-form-row">
			<Select label="SIP messages of calls are kept"
				description="For the ladder of a call" {...p("trace")} data={[
					{ value: "", label: "Yes" },
					{ value: "calls", label: "Yes (said so)" },
					{ value: "off", label: "No" }]} />
			<Usual label="After the call for, s"
				usual={900} {...p("traceSeconds")} />
		</div>
		<div className="sy-form-row">
			<TextInput label="Homer that is told of them"
				placeholder="host:port" description="HEP v3 by UDP"
				{...p("hep")} />
			<Usual label="Its capture id" usual={2001} {...p("hepCaptureId")} />
		</div>
	</>;
}
