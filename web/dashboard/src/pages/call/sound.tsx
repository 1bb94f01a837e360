// SPDX-License-Identifier: MIT
import { Modal, Select, Slider, Switch, Text } from "@mantine/core";
import { call } from "../../api/client";
import type { Leg } from "../../api/schema";
import { useAction } from "../../parts/action";
import { legName } from "../calls/names";

const DENOISE = [
	{ value: "off", label: "Off" },
	{ value: "auto", label: "Automatic" },
	{ value: "speex", label: "Light (Speex)" },
	{ value: "rnnoise", label: "Strong (RNNoise)" },
];

export function Sound({ leg: l, path, open, close }: {
	leg: Leg; path: string; open: boolean; close: () => void;
}) {
	const update = useAction((body: object) => call("PATCH", path, { body }), {
		refresh: ["call"], fails: `${legName(l)} could not be changed` });

	return <Modal opened={open} onClose={close}
		title={`Volume and noise of ${legName(l)}`}>
		<div className="sy-form">
			<Gain label="What the others hear of it" value={l.gainInDb}
				set={(gainInDb) => update.mutate({ gainInDb })} />
			<Gain label="What it hears" value={l.gainOutDb}
				set={(gainOutDb) => update.mutate({ gainOutDb })} />
			<Switch label="Even out its volume by itself" checked={l.agc}
				onChange={(e) => update.mutate(
					{ agc: e.currentTarget.checked })} />
			<Select label="Background noise is taken away" data={DENOISE}
				value={l.denoise || "off"}
				onChange={(denoise) => update.mutate({ denoise })} />
		</div>
	</Modal>;
}

function Gain({ label, value, set }: {
	label: string; value: number; set: (db: number) => void;
}) {
	return <div>
		<Text size="sm" fw={500} mb={6}>{label}: {value > 0 && "+"}
			{value.toFixed(0)} dB</Text>
		<Slider min={-20} max={20} step={1} key={value} defaultValue={value}
			thumbLabel={label} marks={[{ value: 0 }]}
			label={(v) => `${v > 0 ? "+" : ""}${v} dB`} onChangeEnd={set} />
	</div>;
}
