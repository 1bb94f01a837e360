// SPDX-License-Identifier: MIT
//
// Texts to and from this phone: who wrote, and what was said with one of them.
import { ActionIcon, Button, Text as Words, TextInput, UnstyledButton }
	from "@mantine/core";
import type { Phone } from "@switchyard/sdk";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { ArrowLeft, Plus, Send } from "../icons";
import { At } from "../parts/time";
import { type Text, type Texts, type Thread, tooLong } from "./texts";

interface Props { phone: Phone; texts: Texts }

export function Messages({ phone, texts }: Props) {
	const [peer, setPeer] = useState<string>(); // "": of a new one

	return peer === undefined ? <Threads texts={texts} open={setPeer} /> :
		<Talk key={peer} peer={peer} phone={phone} texts={texts}
			open={setPeer} />;
}

const called = (t: { name: string; peer: string }) => t.name || t.peer;

function Threads({ texts, open }: {
	texts: Texts; open: (peer: string) => void;
}) {
	const all = texts.threads();

	return <div className="sy-texts">
		{all.length ? <ul className="sy-threads" aria-label="Messages">
			{all.map((t) => <li key={t.peer}>
				<Head thread={t} open={() => open(t.peer)} /></li>)}
		</ul> : <Words size="sm" c="dimmed">No messages yet. What others write
			to you appears here, while this page is open.</Words>}
		<Button size="xs" variant="default" leftSection={<Plus size={14} />}
			onClick={() => open("")}>New message</Button>
	</div>;
}

function Head({ thread: t, open }: { thread: Thread; open: () => void }) {
	return <UnstyledButton className="sy-thread" onClick={open}>
		<span className="sy-thread-who">
			<strong>{called(t)}</strong>
			{t.unread > 0 && <span className="sy-unread">{t.unread}
				<span className="sy-hidden"> new</span></span>}
			<At at={new Date(t.last.at).toISOString()} />
		</span>
		<span className="sy-thread-last" dir="auto">
			{t.last.own && "You: "}{t.last.text}</span>
	</UnstyledButton>;
}

function Talk({ peer, phone, texts, open }: Props & {
	peer: string; open: (peer?: string) => void;
}) {
	const all = texts.with(peer);
	const name = texts.threads().find((t) => t.peer === peer)?.name;
	const end = useRef<HTMLDivElement>(null);

	useEffect(() => {
		texts.read(peer);
		end.current?.scrollTo(0, end.current.scrollHeight);
	}, [peer, all.length, texts]);
	return <div className="sy-texts">
		<div className="sy-texts-head">
			<ActionIcon variant="subtle" color="gray" aria-label="All messages"
				onClick={() => open(undefined)}><ArrowLeft size={17} />
			</ActionIcon>
			<strong className="sy-grow sy-break">
				{peer ? name || peer : "New message"}</strong>
			{name && name !== peer && <span>{peer}</span>}
		</div>
		{peer && <div className="sy-talk" role="log" ref={end} tabIndex={0}
			aria-label={`Messages with ${name || peer}`}>
			{all.map((t) => <Said key={t.id} text={t} again={() => texts.write(
				t.peer, t.text, send(phone), t.id)} />)}
		</div>}
		<Write peer={peer} write={(to, text) => {
			void texts.write(to, text, send(phone));
			open(to);
		}} />
	</div>;
}

const send = (phone: Phone) => (to: string, text: string) =>
	phone.message(to, text);

const STATES: Partial<Record<Text["state"], string>> = {
	sending: "Sending …", sent: "Delivered",
};

function Said({ text: t, again }: { text: Text; again: () => void }) {
	return <div className="sy-said" data-own={t.own || undefined}
		data-failed={t.state === "failed" || undefined}>
		<p dir="auto">{t.text}</p>
		<small><At at={new Date(t.at).toISOString()} />
			{STATES[t.state] && `, ${STATES[t.state]!.toLowerCase()}`}
			{t.state === "failed" && <>
				<span role="alert">, not delivered: {t.why}</span>{" "}
				<UnstyledButton className="sy-textlink" onClick={again}>
					Send again</UnstyledButton></>}
		</small>
	</div>;
}

function Write({ peer, write }: {
	peer: string; write: (to: string, text: string) => void;
}) {
	const [to, setTo] = useState(peer);
	const [text, setText] = useState("");
	const first = useRef<HTMLInputElement>(null);
	const wrong = tooLong(text);
	const ready = !!to.trim() && !!text.trim() && !wrong;

	useEffect(() => first.current?.focus(), []);
	return <form className="sy-dial" onSubmit={(e: FormEvent) => {
		e.preventDefault();
		if (!ready)
			return;
		setText("");
		write(to.trim(), text.trim());
	}}>
		{!peer && <TextInput aria-label="Message to number" ref={first}
			placeholder="To a number" inputMode="tel" autoComplete="off"
			value={to} onChange={(e) => setTo(e.currentTarget.value)} />}
		<div className="sy-dial-row">
			<TextInput className="sy-grow" aria-label="Message"
				placeholder="Message" autoComplete="off" error={wrong}
				ref={peer ? first : undefined} value={text}
				onChange={(e) => setText(e.currentTarget.value)} />
			<ActionIcon size={36} type="submit" aria-label="Send"
				disabled={!ready}><Send size={17} /></ActionIcon>
		</div>
	</form>;
}
