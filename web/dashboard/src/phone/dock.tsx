// SPDX-License-Identifier: MIT
//
// The phone in the corner of each page.
import { ActionIcon, Alert, Button, Text, UnstyledButton }
	from "@mantine/core";
import type { Phone } from "@switchyard/sdk";
import { useEffect, useState } from "react";
import { ChevronDown, Phone as PhoneIcon, Settings } from "../icons";
import { useSession } from "../session";
import { CallCard } from "./call_card";
import { DeviceChoice } from "./devices";
import { Dial } from "./dial";
import { Incoming } from "./incoming";
import { attempt, forgetProblem, usePhone } from "./use_phone";
import "./phone.css";

const STATES: Record<Phone["state"], string> = {
	offline: "Off", connecting: "Connecting …", registered: "Ready",
	refused: "Not a phone now", replaced: "Open elsewhere",
};

export function Dock() {
	const { session, may } = useSession();
	const device = may("phone") ? session!.device : "";

	return device ? <Panel device={device} /> : null;
}

function Panel({ device }: { device: string }) {
	const { phone, problem } = usePhone(device);
	const [open, setOpen] = useState(false);
	const calls = phone?.calls ?? [];
	const mine = calls.filter((c) => c.direction === "outgoing" ||
		c.state !== "ringing");
	const incoming = calls.filter((c) => c.direction === "incoming" &&
		c.state === "ringing");

	useEffect(() => {
		if (mine.length || problem)
			setOpen(true);
	}, [mine.length > 0, problem]); // eslint-disable-line
	if (!phone)
		return null;
	return <>
		{incoming[0] && <Incoming key={incoming[0].leg} call={incoming[0]}
			more={incoming.length - 1} />}
		<section className="sy-phone" aria-label="Phone"
			data-open={open || undefined}>
			<UnstyledButton className="sy-phone-head" aria-expanded={open}
				onClick={() => setOpen(!open)}>
				<span className="sy-phone-dot" data-state={phone.state} />
				<PhoneIcon size={17} aria-hidden />
				<span className="sy-grow">{open ? phone.displayName || device :
					"Phone"}</span>
				<span className="sy-phone-state">
					{mine.length ? `${mine.length} in call` :
						STATES[phone.state]}</span>
				<ChevronDown size={16} aria-hidden className="sy-phone-fold" />
			</UnstyledButton>
			{open && <div className="sy-phone-body">
				{problem && <Alert color="red" p="xs" role="alert"
					withCloseButton closeButtonLabel="Close"
					onClose={forgetProblem}>{problem}</Alert>}
				<NotReady phone={phone} />
				{mine.map((c, i) => <CallCard key={c.leg || i} call={c}
					phone={phone} />)}
				<Ready phone={phone} busy={mine.length > 0} />
			</div>}
		</section>
	</>;
}

function NotReady({ phone }: { phone: Phone }) {
	if (phone.state === "registered" || phone.state === "connecting")
		return null;
	return <div className="sy-phone-note">
		<Text size="sm">{phone.state === "replaced" ?
			"Your phone is open in another window of this browser or " +
			"computer." : "This page cannot call now."}</Text>
		<Button size="xs" variant="default"
			onClick={() => attempt(() => phone.connect())}>
			{phone.state === "replaced" ? "Use it here" : "Try again"}
		</Button>
	</div>;
}

function Ready({ phone, busy }: { phone: Phone; busy: boolean }) {
	const [devices, setDevices] = useState(false);

	return <>
		{phone.state === "registered" && <Dial phone={phone} busy={busy} />}
		<div className="sy-phone-foot">
			<ActionIcon variant="subtle" color="gray" aria-expanded={devices}
				aria-label="Microphone and speaker"
				onClick={() => setDevices(!devices)}>
				<Settings size={17} />
			</ActionIcon>
		</div>
		{devices && <DeviceChoice phone={phone} />}
	</>;
}
