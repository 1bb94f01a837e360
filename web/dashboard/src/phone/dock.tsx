// SPDX-License-Identifier: MIT
//
// The phone in the corner of each page.
import { ActionIcon, Alert, Button, Text, UnstyledButton }
	from "@mantine/core";
import type { Phone } from "@switchyard/sdk";
import { useEffect, useState } from "react";
import { ChevronDown, MessageSquare, Phone as PhoneIcon, Settings }
	from "../icons";
import { plural } from "../parts/format";
import { CallCard } from "./call_card";
import { DeviceChoice } from "./devices";
import { Dial } from "./dial";
import { Incoming } from "./incoming";
import { Messages } from "./messages";
import type { Texts } from "./texts";
import { attempt, forgetProblem, usePhone } from "./use_phone";
import "./phone.css";

const STATES: Record<Phone["state"], string> = {
	offline: "Off", connecting: "Connecting …", registered: "Ready",
	refused: "Not a phone now", replaced: "Open elsewhere",
};

export default function Dock({ user, device }: {
	user: string; device: string;
}) {
	const { phone, texts, problem } = usePhone(user, device);
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
	if (!phone || !texts)
		return null;
	const unread = texts.unread;

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
					{mine.length ? `${mine.length} in call` : !open && unread ?
						plural(unread, "new message") :
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
				<Ready phone={phone} texts={texts}
					busy={mine.length > 0} />
			</div>}
			<span role="status" className="sy-hidden">{unread > 0 &&
				plural(unread, "new message")}</span>
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

function Ready({ phone, texts, busy }: {
	phone: Phone; texts: Texts; busy: boolean;
}) {
	const [shown, setShown] = useState<"messages" | "devices" | "">("");
	const turn = (what: typeof shown) => setShown(shown === what ? "" : what);
	const unread = texts.unread;

	return <>
		{shown === "messages" ? <Messages phone={phone} texts={texts} /> :
			phone.state === "registered" && <Dial phone={phone} busy={busy} />}
		{shown === "devices" && <DeviceChoice phone={phone} />}
		<div className="sy-phone-foot">
			<UnstyledButton className="sy-phone-tab" data-on={shown ===
				"messages" || undefined} aria-expanded={shown === "messages"}
				onClick={() => turn("messages")}>
				<MessageSquare size={16} aria-hidden />Messages
				{unread > 0 && <span className="sy-unread">{unread}
					<span className="sy-hidden"> new</span></span>}
			</UnstyledButton>
			<ActionIcon variant="subtle" color="gray"
				aria-expanded={shown === "devices"}
				aria-label="Microphone and speaker"
				onClick={() => turn("devices")}>
				<Settings size={17} />
			</ActionIcon>
		</div>
	</>;
}
