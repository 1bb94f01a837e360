// SPDX-License-Identifier: MIT
//
// One webhook: what was and is to be sent to it, and what came of it.
import { Button, Drawer, Text } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, id as esc, type Page as ApiPage, query }
	from "../../api/client";
import type { DeliveryState, Webhook as Hook, WebhookDelivery }
	from "../../api/schema";
import { Webhook as WebhookIcon } from "../../icons";
import { useAction } from "../../parts/action";
import { Tag } from "../../parts/badge";
import { Copy } from "../../parts/copy";
import { Facts } from "../../parts/figures";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { type Column, Table } from "../../parts/table";
import { Ago, At } from "../../parts/time";
import { useSession } from "../../session";
import { kindName } from "../events/sentence";
import { Last } from "./webhooks";

const STATES: Partial<Record<DeliveryState, [string, string]>> = {
	DELIVERY_PENDING: ["waits", "blue"], DELIVERY_DONE: ["delivered", "green"],
	DELIVERY_DEAD: ["given up", "red"], DELIVERY_DROPPED: ["dropped", "red"],
};

export default function WebhookPage({ id }: { id: string }) {
	const { may } = useSession();
	const path = `/api/webhooks/${esc(id)}`;
	const hook = useQuery({ queryKey: ["webhooks", id], refetchInterval: 3000,
		queryFn: ({ signal }) => call<Hook>("GET", path, { signal }) });
	const test = useAction(() => call("POST", `${path}/test`), {
		done: "A test event is on its way", refresh: ["webhooks"],
		fails: "The test could not be sent" });

	return <Page title={hook.data?.name || "Webhook"} scope="webhooks:read"
		back={{ to: "/webhooks", label: "Webhooks" }} intro={hook.data?.url}
		actions={may("webhooks:write") && <Button variant="default" size="sm"
			loading={test.isPending} onClick={() => test.mutate()}>
			Send a test</Button>}>
		<Shown query={hook}>{(h) => <>
			<Card title="State"><Facts of={[
				["Address", h.url], ["Last", <Last of={h} />],
				["Events", h.events.map(kindName).join(", ") ||
					"all of calls"],
				["Waiting", h.pending],
				["Made", <><At at={h.createdAt} /> by {h.createdBy}</>],
			]} /></Card>
			<Deliveries path={path} id={id} />
		</>}</Shown>
	</Page>;
}

function Deliveries({ path, id }: { path: string; id: string }) {
	const { may } = useSession();
	const [open, setOpen] = useState<WebhookDelivery>();
	const sent = useInfiniteQuery({
		queryKey: ["webhooks", id, "deliveries"], initialPageParam: "",
		refetchInterval: 3000, queryFn: ({ pageParam, signal }) =>
			call<ApiPage<WebhookDelivery>>("GET", `${path}/deliveries` +
				query({ limit: 100, cursor: pageParam }), { signal }),
		getNextPageParam: (last) => last.nextCursor || undefined,
	});
	const again = useAction((delivery: string) =>
		call("POST", `${path}/deliveries/${esc(delivery)}`), {
		done: "It is sent once more", refresh: ["webhooks"],
		fails: "It could not be sent once more" });
	const send = may("webhooks:write") ? (d: WebhookDelivery) =>
		again.mutate(d.id) : undefined;

	return <Card title="Deliveries" flush>
		<Shown query={{ ...sent, data: sent.data?.pages.flatMap((p) =>
			p.items) }}>{(all) => all.length ? <>
				<Table label="Deliveries" rows={all} rowKey={(d) => d.id}
					columns={columns(setOpen, send)} />
				{sent.hasNextPage && <div className="sy-more">
					<Button size="xs" variant="default"
						loading={sent.isFetchingNextPage}
						onClick={() => sent.fetchNextPage()}>
						Older ones</Button>
				</div>}
			</> : <Empty icon={WebhookIcon} title="Nothing was sent yet">
				What is sent appears here, and what came of it. Send a test to
				see whether your server takes it.
			</Empty>}</Shown>
		<Drawer opened={!!open} onClose={() => setOpen(undefined)} size="lg"
			position="right" title={open ? nameOf(open) : ""}>
			{open && <Body of={open} />}
		</Drawer>
	</Card>;
}

const nameOf = (d: WebhookDelivery) =>
	d.eventId ? kindName(d.type) : "test";

function columns(open: (d: WebhookDelivery) => void,
	send?: (d: WebhookDelivery) => void): Column<WebhookDelivery>[] {
	return [
		{ key: "what", title: "Event", bare: true,
			cell: (d) => <strong>{nameOf(d)}</strong> },
		{ key: "at", title: "Since", cell: (d) => <Ago at={d.createdAt} /> },
		{ key: "state", title: "State", cell: (d) => {
			const [text, color] = STATES[d.state] ?? [d.state, "gray"];

			return <Tag color={d.state === "DELIVERY_PENDING" && d.attempts ?
				"yellow" : color}>{text}</Tag>;
		} },
		{ key: "tries", title: "Tries", right: true,
			cell: (d) => d.attempts },
		{ key: "answer", title: "Answer", cell: (d) => d.lastStatus ||
			d.lastError || "–" },
		{ key: "next", title: "Next try", cell: (d) =>
			d.state === "DELIVERY_PENDING" ? <Ago at={d.nextAttemptAt} /> :
				"–" },
		{ key: "act", title: "", narrow: true, bare: true, cell: (d) =>
			<div className="sy-acts">
				<Button size="xs" variant="default"
					aria-label={`Show ${nameOf(d)}`}
					onClick={() => open(d)}>Show</Button>
				{send && <Button size="xs" variant="default"
					aria-label={`Send again: ${nameOf(d)}`}
					onClick={() => send(d)}>Send again</Button>}
			</div> },
	];
}

function indented(text: string): string {
	try {
		return JSON.stringify(JSON.parse(text), null, 2);
	} catch {
		return text;
	}
}

function Body({ of: d }: { of: WebhookDelivery }) {
	const text = indented(d.body);

	return <div className="sy-form">
		<Facts of={[
			["Delivery", <span className="sy-mono">{d.id}</span>],
			["Last try", d.lastAttemptAt && <At at={d.lastAttemptAt} />],
			["Answer", d.lastStatus || d.lastError],
		]} />
		<div className="sy-card-head">
			<Text size="sm" c="dimmed" className="sy-grow">What is sent,
				indented here to be read</Text>
			<Copy value={d.body} label="Copy the body" />
		</div>
		<pre className="sy-payload" tabIndex={0}>{text}</pre>
	</div>;
}
