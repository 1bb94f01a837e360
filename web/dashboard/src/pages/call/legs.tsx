// SPDX-License-Identifier: MIT
import { ActionIcon, Menu, Text, Tooltip } from "@mantine/core";
import { useState } from "react";
import { call, id as esc } from "../../api/client";
import type { Call, Leg } from "../../api/schema";
import { Ellipsis, type LucideIcon, Mic, MicOff, Pause, PhoneForwarded,
	PhoneOff, Play } from "../../icons";
import { Confirm, useAction, useDo } from "../../parts/action";
import { State, Tag } from "../../parts/badge";
import { kind } from "../../parts/format";
import { Lasts } from "../../parts/time";
import { useSession } from "../../session";
import { Mos } from "../calls/calls";
import { Recovered } from "./recovered";
import { legName } from "../calls/names";
import { Digits } from "./digits";
import { Level } from "./level";
import { Sound } from "./sound";
import { Transfer } from "./transfer";

export function Legs({ call: c }: { call: Call }) {
	return <ul className="sy-legs" aria-label="Legs">
		{c.legs.map((l) => <LegCard key={l.id} call={c} leg={l} />)}
	</ul>;
}

function LegCard({ call: c, leg: l }: { call: Call; leg: Leg }) {
	const { may } = useSession();

	return <li className="sy-card sy-leg" aria-label={legName(l)}>
		<div className="sy-leg-head">
			<div className="sy-grow">
				<strong className="sy-break">{legName(l)}</strong>{" "}
				{l.displayName && l.displayName !== legName(l) &&
					<Text span size="sm" c="dimmed">{l.displayName}</Text>}
				<div className="sy-leg-tags">
					<State name={l.state} />
					<Tag>{kind(l.kind)}{l.trunk && ` ${l.trunk}`}</Tag>
					{l.muted && <Tag color="red">muted</Tag>}
					{l.deaf && <Tag color="red">hears nothing</Tag>}
					{l.held && <Tag color="yellow">on hold</Tag>}
					{l.talking && <Tag color="blue">talks</Tag>}
				</div>
			</div>
			{may("calls:write") && <LegActions call={c} leg={l} />}
		</div>
		<div className="sy-leg-levels">
			<Level label="Says" db={l.levelInDb} />
			<Level label="Hears" db={l.levelOutDb} />
		</div>
		<div className="sy-leg-facts">
			<span>{l.codec || "no codec yet"}{l.srtp && ", encrypted"}</span>
			<span>MOS <Mos value={l.mos} /></span>
			<span>loss {l.lossPercent.toFixed(1)} %</span>
			<Recovered percent={l.recoveredPercent} />
			<span>jitter {l.jitterMs.toFixed(0)} ms</span>
			{l.roundTripMs > 0 &&
				<span>round trip {l.roundTripMs.toFixed(0)} ms</span>}
			<span><Lasts from={l.startedAt} /></span>
		</div>
	</li>;
}

function Act({ label, icon: Icon, on, ...rest }: {
	label: string; icon: LucideIcon; on?: boolean; onClick: () => void;
	loading?: boolean; color?: string;
}) {
	return <Tooltip label={label}>
		<ActionIcon size="lg" variant={on ? "light" : "default"}
			color={on ? "red" : undefined} aria-label={label} {...rest}>
			<Icon size={17} />
		</ActionIcon>
	</Tooltip>;
}

function LegActions({ call: c, leg: l }: { call: Call; leg: Leg }) {
	const [shown, setShown] = useState<"transfer" | "digits" | "sound" |
		"hangup" | "">("");
	const path = `/api/calls/${esc(c.id)}/legs/${esc(l.id)}`;
	const close = () => setShown("");
	const perform = useDo();
	const update = useAction((body: Partial<Leg>) =>
		call("PATCH", path, { body }), {
		refresh: ["call"], fails: `${legName(l)} could not be changed` });
	const busy = (key: keyof Leg) => update.isPending &&
		key in (update.variables ?? {});

	return <div className="sy-leg-acts">
		<Act icon={l.muted ? MicOff : Mic} on={l.muted}
			label={l.muted ? `Unmute ${legName(l)}` : `Mute ${legName(l)}`}
			loading={busy("muted")}
			onClick={() => update.mutate({ muted: !l.muted })} />
		<Act icon={l.held ? Play : Pause} on={l.held}
			label={l.held ? `Resume ${legName(l)}` : `Hold ${legName(l)}`}
			loading={busy("held")}
			onClick={() => update.mutate({ held: !l.held })} />
		<Act icon={PhoneForwarded} label={`Transfer ${legName(l)}`}
			onClick={() => setShown("transfer")} />
		<Act icon={PhoneOff} label={`Hang up ${legName(l)}`}
			onClick={() => setShown("hangup")} />
		<Menu position="bottom-end">
			<Menu.Target>
				<ActionIcon size="lg" variant="default"
					aria-label={`More for ${legName(l)}`}>
					<Ellipsis size={17} />
				</ActionIcon>
			</Menu.Target>
			<Menu.Dropdown>
				<Menu.Item onClick={() => setShown("digits")}>
					Send digits</Menu.Item>
				<Menu.Item onClick={() => setShown("sound")}>
					Volume and noise</Menu.Item>
				<Menu.Item onClick={() => update.mutate({ deaf: !l.deaf })}>
					{l.deaf ? "Let him hear the others" :
						"Let him hear nobody"}
				</Menu.Item>
			</Menu.Dropdown>
		</Menu>
		<Transfer call={c} leg={l} open={shown === "transfer"}
			close={close} />
		<Digits call={c} leg={l} open={shown === "digits"} close={close} />
		<Sound leg={l} path={path} open={shown === "sound"} close={close} />
		<Confirm open={shown === "hangup"} close={close} confirm="Hang up"
			title={`Hang up ${legName(l)}?`}
			act={() => perform(`${legName(l)} has left`, ["call", "calls"],
				() => call("DELETE", path))}>
			{c.legs.length > 2 ? "The others go on talking." :
				"With it the call ends, when nobody is left to talk to."}
		</Confirm>
	</div>;
}
