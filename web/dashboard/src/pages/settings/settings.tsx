// SPDX-License-Identifier: MIT
import { change, type Item, useSettings } from "../../api/config";
import type { Settings as Stored } from "../../api/schema";
import { Form, useEditor } from "../../parts/form";
import { Card, Page } from "../../parts/page";
import { type Sheet, Sheets } from "../../parts/sheets";
import { Shown } from "../../parts/states";
import { useSession } from "../../session";
import { Browsers } from "./browsers";
import { CostlyNumbers } from "./costly";
import { Phones, Signalling, Sound, type FormProps } from "./general";
import { GuardFields } from "./guard";
import { checkValues, fieldOf, settingsOf, valuesOf } from "./model";

export default function Settings() {
	const settings = useSettings();

	return <Page title="Settings" scope="config:read"
		intro="What holds for the whole cluster, where nothing else is said.">
		<Shown query={settings}>{(item) => <Fields key={item.tag}
			item={item} />}</Shown>
	</Page>;
}

function sheetsOf(form: FormProps["form"], realm: string): Sheet[] {
	return [
		{ id: "phones", label: "Phones", content:
			<Phones form={form} realm={realm} />, fields: ["domains",
			"registerMinS", "registerMaxS", "qualifyS", "unreachable",
			"ringSeconds", "parkSeconds", "parkOverflow"] },
		{ id: "sound", label: "Sound", content: <Sound form={form} />,
			fields: ["codecs", "opusBitrateBps", "denoise", "agc",
				"comfortNoiseDb", "music", "musicFile", "musicHz"] },
		{ id: "signalling", label: "Signalling and traces", content:
			<Signalling form={form} />, fields: ["srtp", "prack",
			"sessionExpiresS", "sessionMinS", "udpMaxBytes", "trace",
			"traceSeconds", "hep", "hepCaptureId"] },
		{ id: "browsers", label: "STUN and TURN", content:
			<Browsers form={form} />, fields: ["iceServers"] },
		{ id: "guard", label: "Guard", content: <GuardFields form={form} />,
			fields: ["guard"] },
		{ id: "costly", label: "Costly numbers", content:
			<CostlyNumbers form={form} />, fields: ["costly"] },
	];
}

function Fields({ item }: { item: Item<Stored> }) {
	const { may } = useSession();
	const editor = useEditor({
		initial: valuesOf(item.value), check: checkValues, rename: fieldOf,
		save: (v) => change("/api/config/settings", item,
			settingsOf(v, item.value)),
		done: "The settings hold from now on", refresh: ["config"],
	});
	const write = may("config:write");
	const sheets = <Sheets form={editor.form} label="Settings"
		of={sheetsOf(editor.form, item.value.realm)} disabled={!write} />;

	return <Card label="Settings">{write ?
		<Form editor={editor}>{sheets}</Form> : sheets}</Card>;
}
