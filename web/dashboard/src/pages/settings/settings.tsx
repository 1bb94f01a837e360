// SPDX-License-Identifier: MIT
import { MultiSelect, NumberInput, Select, Switch, TagsInput, TextInput }
	from "@mantine/core";
import { change, type Item, useSettings } from "../../api/config";
import type { Settings as Values } from "../../api/schema";
import { Form, useEditor } from "../../parts/form";
import { Card, Page } from "../../parts/page";
import { Shown } from "../../parts/states";
import { useSession } from "../../session";
import { CODECS } from "../phones/edit";

export default function Settings() {
	const settings = useSettings();

	return <Page title="Settings" scope="config:read"
		intro="What holds for the whole cluster, where nothing else is said.">
		<Shown query={settings}>{(item) => <Fields key={item.tag}
			item={item} />}</Shown>
	</Page>;
}

function Fields({ item }: { item: Item<Values> }) {
	const { may } = useSession();
	const s = item.value;
	const editor = useEditor({
		initial: { domains: s.domains, codecs: s.codecs, srtp: s.srtp,
			prack: s.prack, ringSeconds: s.ringSeconds,
			registerMinS: s.registerMinS, registerMaxS: s.registerMaxS,
			opusBitrateBps: s.opusBitrateBps, denoise: s.denoise, agc: s.agc,
			trace: s.trace, traceSeconds: s.traceSeconds, hep: s.hep },
		save: (v) => change("/api/config/settings", item, v),
		done: "The settings hold from now on", refresh: ["config"],
	});
	const p = editor.form.getInputProps;
	const form = <>
		<div className="sy-halves">
			<Card title="Phones"><div className="sy-form">
				<TextInput label="Realm" value={s.realm} disabled
					description={"Passwords are kept with it: it cannot be " +
						"changed"} />
				<TagsInput label="Further domains that are ours"
					clearButtonProps={{ "aria-label": "Remove all" }}
					{...p("domains")} />
				<div className="sy-form-row">
					<NumberInput label="Register for at least, s" min={0}
						description="0: 60" {...p("registerMinS")} />
					<NumberInput label="… at most, s" min={0}
						description="0: 3600" {...p("registerMaxS")} />
				</div>
				<NumberInput label="A call rings for, s" min={0}
					description="0: 60" {...p("ringSeconds")} />
			</div></Card>
			<Card title="Sound"><div className="sy-form">
				<MultiSelect label="Codecs, the best first" data={CODECS}
					{...p("codecs")} />
				<NumberInput label="Opus, bits a second" min={0} step={8000}
					description="0: 32000" {...p("opusBitrateBps")} />
				<Select label="Background noise is taken away"
					{...p("denoise")} data={[
						{ value: "", label: "No" },
						{ value: "off", label: "No (said so)" },
						{ value: "auto", label: "Automatic" },
						{ value: "speex", label: "Lightly (Speex)" },
						{ value: "rnnoise", label: "Strongly (RNNoise)" }]} />
				<Switch label="Volumes are evened out"
					{...editor.form.getInputProps("agc",
						{ type: "checkbox" })} />
			</div></Card>
			<Card title="Signalling"><div className="sy-form">
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
			</div></Card>
			<Card title="Traces"><div className="sy-form">
				<Select label="SIP messages of calls are kept"
					{...p("trace")} data={[
						{ value: "", label: "Yes" },
						{ value: "calls", label: "Yes (said so)" },
						{ value: "off", label: "No" }]} />
				<NumberInput label="After the call for, s" min={0}
					description="0: 900" {...p("traceSeconds")} />
				<TextInput label="Homer that is told of them"
					placeholder="host:port" {...p("hep")} />
			</div></Card>
		</div>
	</>;

	return may("config:write") ? <Form editor={editor}>{form}</Form> :
		<fieldset disabled className="sy-plain-set">{form}</fieldset>;
}
