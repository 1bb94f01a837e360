// SPDX-License-Identifier: MIT
//
// Ctrl+K: from anywhere to a page, a phone, a call, a provider or a node, by
// some letters of its name.
import { Combobox, Modal, Text, TextInput, UnstyledButton, useCombobox }
	from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { id as esc, list } from "../api/client";
import { useCalls, useProviders, useStatus } from "../api/live";
import type { DeviceState } from "../api/schema";
import { Cable, History, type LucideIcon, PhoneCall, Search, Server,
	Smartphone } from "../icons";
import { peers, searched } from "../pages/calls/names";
import { useSession } from "../session";
import { sections } from "./menu";

const MOST = 12;
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/i;
const NEEDS = ["calls:read", "nodes:read", "config:read", "devices:read"];

interface Goal {
	to: string;
	label: string;
	note: string;   // what it is
	icon: LucideIcon;
	text: string;   // what a search looks at
}

/** The field in the head of each page that opens it. */
export default function Goto() {
	const { may } = useSession();
	const [open, setOpen] = useState(false);
	const allowed = NEEDS.every(may);

	useHotkeys(allowed ? [["mod+K", () => setOpen(true)]] : [], []);
	if (!allowed)
		return null;
	return <>
		<UnstyledButton className="sy-goto" onClick={() => setOpen(true)}
			aria-keyshortcuts="Control+K" aria-haspopup="dialog">
			<Search size={16} aria-hidden />
			<span>Go to …</span>
			<kbd aria-hidden>{/Mac|iP/.test(navigator.platform) ? "⌘" :
				"Ctrl"} K</kbd>
		</UnstyledButton>
		<Modal opened={open} onClose={() => setOpen(false)} centered={false}
			title="Go to" size="lg" padding="sm" yOffset="12vh">
			<Choice close={() => setOpen(false)} />
		</Modal>
	</>;
}

function usePages(): Goal[] {
	const { may } = useSession();

	return sections.flatMap((s) => s.entries.filter((e) => e.label &&
		may(e.scope)).map((e) => ({ to: e.path, label: e.label!,
		note: "page", icon: e.icon!, text: `${e.label} ${s.title}` })));
}

/** All that can be gone to, pages first. */
function useGoals(): Goal[] {
	const pages = usePages();
	const calls = useCalls().data ?? [];
	const providers = useProviders().data ?? [];
	const nodes = useStatus().data?.nodes ?? [];
	const phones = useQuery({
		queryKey: ["devices"], retry: false,
		queryFn: ({ signal }) => list<DeviceState>("/api/devices", 20_000,
			signal),
	}).data ?? [];

	return [...pages,
		...nodes.map((n) => ({ to: `/nodes/${esc(n.id)}`, label: n.id,
			note: "node", icon: Server, text: n.id })),
		...phones.map((d) => ({ to: `/phones/${esc(d.id)}`, note: "phone",
			label: d.displayName && d.displayName !== d.id ?
				`${d.id} ${d.displayName}` : d.id, icon: Smartphone,
			text: `${d.id} ${d.displayName} phone` })),
		...providers.map((p) => ({ to: `/providers/${esc(p.id)}`,
			label: p.id, note: "provider", icon: Cable,
			text: `${p.id} ${p.target} provider` })),
		...calls.map((c) => ({ to: `/calls/${c.id}`, label: peers(c),
			note: `call on ${c.node}`, icon: PhoneCall, text: searched(c) }))];
}

/** What fits; first what begins with it, then the rest in its order. */
function found(goals: Goal[], asked: string): Goal[] {
	const words = asked.toLowerCase().split(/\s+/).filter(Boolean);
	const begins = (g: Goal) => +!g.label.toLowerCase().startsWith(words[0]!);
	const fit = goals.filter((g) => words.every((w) =>
		g.text.toLowerCase().includes(w)));

	if (!words.length)
		return fit.slice(0, MOST);
	const shown = fit.sort((a, b) => begins(a) - begins(b))
		.slice(0, MOST);

	if (ULID.test(asked.trim()))
		shown.push({ to: `/calls/${asked.trim().toUpperCase()}`, text: "",
			label: `Call ${asked.trim()}`, note: "by id", icon: PhoneCall });
	shown.push({ to: `/history?number=${esc(asked.trim())}`, text: "",
		label: `Calls with “${asked.trim()}” that have ended`,
		note: "history", icon: History });
	return shown;
}

function Choice({ close }: { close: () => void }) {
	const [, go] = useLocation();
	const [asked, setAsked] = useState("");
	const store = useCombobox({ opened: true }); // there is nothing to unfold
	const goals = found(useGoals(), asked);

	useEffect(() => { store.selectFirstOption(); },
		[asked, goals.length]); // eslint-disable-line
	return <Combobox store={store} onOptionSubmit={(to) => {
		close();
		go(to);
	}}>
		<Combobox.EventsTarget withExpandedAttribute={false}>
			<TextInput data-autofocus aria-label="Go to" size="md"
				placeholder="A page, phone, call, provider or node"
				leftSection={<Search size={17} />} value={asked}
				onChange={(e) => setAsked(e.currentTarget.value)}
				onKeyDown={(e) => e.key === "Escape" && close()} />
		</Combobox.EventsTarget>
		<Combobox.Options className="sy-goals" aria-label="Found">
			{goals.map((g) => <Combobox.Option key={g.to} value={g.to}
				className="sy-goal">
				<g.icon size={17} aria-hidden />
				<span className="sy-grow sy-break">{g.label}</span>
				<Text span size="xs" c="dimmed">{g.note}</Text>
			</Combobox.Option>)}
		</Combobox.Options>
	</Combobox>;
}
