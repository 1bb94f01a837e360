// SPDX-License-Identifier: MIT
import { Alert, Button, Modal, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, id as esc, list } from "../../api/client";
import { KeyRound, Plus } from "../../icons";
import { ConfirmButton, useDo } from "../../parts/action";
import { Tag } from "../../parts/badge";
import { Secret } from "../../parts/copy";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { Ago } from "../../parts/time";
import { useSession } from "../../session";
import { TokenFields } from "./fields";

export interface Token {
	id: string; name: string; scopes: string[]; device: string;
	createdAt?: string; expiresAt?: string; lastUsedAt?: string;
	configured?: boolean; token?: string;
}

export default function Tokens() {
	const { may } = useSession();
	const tokens = useQuery({ queryKey: ["tokens"],
		queryFn: ({ signal }) => list<Token>("/api/tokens", 5000, signal) });
	const [open, setOpen] = useState(false);
	const [made, setMade] = useState<Token>();
	const write = may("tokens:write");
	const add = write && <Button leftSection={<Plus size={16} />}
		onClick={() => { setMade(undefined); setOpen(true); }}>
		New token</Button>;
	const close = () => setOpen(false);

	return <Page title="Tokens" scope="tokens:read" actions={add}
		intro="With a token a program uses the API, for what its scopes allow.">
		<Modal opened={open} onClose={close} size="lg"
			title={made ? "Your new token" : "New token"}>
			{made ? <Made token={made} close={close} /> :
				<TokenFields made={setMade} close={close} />}
		</Modal>
		<Card flush label="Tokens"><Shown query={tokens}>{(all) =>
			all.length ? <Table label="Tokens" rows={all} sortBy="name"
				rowKey={(t) => t.id} columns={columns(write)} /> :
				<Empty icon={KeyRound} title="No token yet" action={add}>
					Make one for each program that uses the API, with no
					more scopes than it needs.
				</Empty>}
		</Shown></Card>
	</Page>;
}

function Made({ token: t, close }: { token: Token; close: () => void }) {
	return <div className="sy-form">
		<Alert color="yellow">It is shown only now: take it to where it is
			used.</Alert>
		<Secret value={t.token ?? ""} label="Token" />
		<Text size="sm" c="dimmed">
			Send it as “Authorization: Bearer …” with each request.</Text>
		<div className="sy-acts sy-end">
			<Button onClick={close}>Done</Button></div>
	</div>;
}

function columns(write: boolean): Column<Token>[] {
	return [
		{ key: "name", title: "Name", bare: true, sort: (t) => t.name || t.id,
			cell: (t) => <><strong>{t.name || t.id}</strong>{" "}
				{t.configured && <Tag>from the configuration</Tag>}</> },
		{ key: "scopes", title: "Scopes", cell: (t) => <span
			className="sy-tags">{t.scopes.map((s) =>
				<Tag key={s} color={s === "*" ? "yellow" : "blue"}>
					{s === "*" ? "everything" : s}</Tag>)}</span> },
		{ key: "used", title: "Used", sort: (t) => t.lastUsedAt ?? "",
			cell: (t) => t.lastUsedAt ? <Ago at={t.lastUsedAt} /> :
				"never" },
		{ key: "expires", title: "Expires", sort: (t) => t.expiresAt ?? "",
			cell: (t) => t.expiresAt ? <Ago at={t.expiresAt} /> : "never" },
		...(write ? [{ key: "act", title: "", narrow: true, bare: true,
			cell: (t: Token) => !t.configured && <Revoke token={t} /> }] :
			[]),
	];
}

function Revoke({ token: t }: { token: Token }) {
	const perform = useDo();
	const name = t.name || t.id;

	return <ConfirmButton label="Revoke" title={`Revoke ${name}?`} danger
		aria-label={`Revoke ${name}`} confirm="Revoke"
		act={() => perform(`${name} is revoked`, ["tokens"],
			() => call("DELETE", `/api/tokens/${esc(t.id)}`))}>
		Who uses it is refused from now on, at all gateways.
	</ConfirmButton>;
}
