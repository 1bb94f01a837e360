// SPDX-License-Identifier: MIT
import { Select, Text } from "@mantine/core";
import type { Phone } from "@switchyard/sdk";
import { useEffect } from "react";
import { attempt } from "./use_phone";

const SYSTEM = { value: "", label: "As the system has it" };

export function DeviceChoice({ phone }: { phone: Phone }) {
	const { devices } = phone;
	const named = (of: { id: string; label: string }[]) => [SYSTEM,
		...of.filter((d) => d.id && d.id !== "default").map((d, i) =>
			({ value: d.id, label: d.label || `Device ${i + 1}` }))];

	useEffect(() => attempt(() => devices.refresh()), [devices]);
	return <div className="sy-form">
		<Select label="Microphone" size="xs" value={devices.microphone}
			data={named(devices.microphones)}
			onChange={(v) => attempt(() => devices.useMicrophone(v ?? ""))} />
		<Select label="Speaker" size="xs" value={devices.speaker}
			data={named(devices.speakers)}
			onChange={(v) => attempt(() => devices.useSpeaker(v ?? ""))} />
		{!devices.microphones.some((d) => d.label) && <Text size="xs"
			c="dimmed">Their names are shown once you have allowed the
			microphone: at the first call.</Text>}
	</div>;
}
