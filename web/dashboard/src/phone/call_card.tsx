// SPDX-License-Identifier: MIT
import { ActionIcon, Anchor, Button, TextInput, Tooltip } from "@mantine/core";
import type { Call, Phone } from "@switchyard/sdk";
import { useState } from "react";
import { Link } from "wouter";
import { Grid3x3, type LucideIcon, Mic, MicOff, Pause, PhoneForwarded,
	PhoneOff, Play } from "../icons";
import { duration } from "../parts/format";
import { useNow } from "../parts/time";
import { useSession } from "../session";
import { Keypad } from "./keypad";
import { attempt } from "./use_phone";

export const peerOf = (c: Call) => c.peer.name || c.peer.number || c.called ||
	"Unknown";

function stateOf(c: Call, now: number): string {
	if (c.state === "dialing")
		return "Calling …";
	if (c.state === "ringing")
		return "Rings …";
	if (c.held)
		return "On hold";
	if (c.media === "interrupted")
		return "Interrupted, coming back …";
	if (c.media !== "connected")
		return "Connecting …";
	return c.answeredAt ? duration(now - c.answeredAt.getTime()) :
		"Connected";
}

function Key({ label, icon: Icon, on, ...rest }: {
	label: string; icon: LucideIcon; on?: boolean; onClick: () => void;
	disabled?: boolean;
}) {
	return <Tooltip label={label}>
		<ActionIcon size={36} variant={on ? "light" : "default"}
			aria-label={label} aria-pressed={on} {...rest}>
			<Icon size={17} />
		</ActionIcon>
	</Tooltip>;
}

export function CallCard({ call: c, phone }: { call: Call; phone: Phone }) {
	const now = useNow();
	const { may } = useSession();
	const [shown, setShown] = useState<"keys" | "transfer" | "">("");
	const turn = (what: "keys" | "transfer") =>
		setShown(shown === what ? "" : what);
	const active = c.state === "active";

	return <div className="sy-phone-call" role="group"
		aria-label={`Call with ${peerOf(c)}`}>
		<div className="sy-phone-peer">
			<strong className="sy-break">{peerOf(c)}</strong>
			{c.peer.name && c.peer.number && <span>{c.peer.number}</span>}
			<span role="status">{stateOf(c, now)}</span>
		</div>
		<div className="sy-phone-keys">
			<Key label={c.muted ? "Unmute" : "Mute"} on={c.muted}
				icon={c.muted ? MicOff : Mic} disabled={!active}
				onClick={() => attempt(() => c.mute(!c.muted))} />
			<Key label={c.held ? "Resume" : "Hold"} on={c.held}
				icon={c.held ? Play : Pause} disabled={!active}
				onClick={() => attempt(() => c.hold(!c.held))} />
			<Key label="Digits" icon={Grid3x3} on={shown === "keys"}
				disabled={!active} onClick={() => turn("keys")} />
			<Key label="Transfer" icon={PhoneForwarded} disabled={!active}
				on={shown === "transfer"} onClick={() => turn("transfer")} />
			<Tooltip label="Hang up">
				<ActionIcon size={36} color="red" variant="filled"
					aria-label="Hang up"
					onClick={() => attempt(() => c.hangup())}>
					<PhoneOff size={17} />
				</ActionIcon>
			</Tooltip>
		</div>
		{shown === "keys" && <Keypad press={(k) =>
			attempt(() => c.dtmf(k))} />}
		{shown === "transfer" && <TransferTo call={c} phone={phone} />}
		<div className="sy-phone-note">
			{c.stats && active && <span>Quality{" "}
				{c.stats.mos ? c.stats.mos.toFixed(1) : "–"}, loss{" "}
				{c.stats.lossPercent.toFixed(1)} %,{" "}
				{c.stats.roundTripMs.toFixed(0)} ms</span>}
			{c.id && may("calls:read") && <Anchor component={Link} size="xs"
				href={`/calls/${c.id}`}>Details</Anchor>}
		</div>
	</div>;
}

function TransferTo({ call: c, phone }: { call: Call; phone: Phone }) {
	const [to, setTo] = useState("");
	const others = phone.calls.filter((o) => o !== c &&
		o.state === "active");

	return <form className="sy-dial" onSubmit={(e) => {
		e.preventDefault();
		if (to.trim())
			attempt(() => c.transfer(to.trim()), to.trim());
	}}>
		<div className="sy-dial-row">
			<TextInput className="sy-grow" aria-label="Transfer to number"
				placeholder="To a number" inputMode="tel" value={to}
				data-autofocus onChange={(e) =>
					setTo(e.currentTarget.value)} />
			<Button type="submit" variant="default"
				disabled={!to.trim()}>Transfer</Button>
		</div>
		{others.map((o) => <Button key={o.leg} size="xs" variant="default"
			onClick={() => attempt(() => c.transfer(o))}>
			Connect with {peerOf(o)}
		</Button>)}
	</form>;
}
