// SPDX-License-Identifier: MIT
//
// One call: while it runs its hub, its legs and what can be done with them;
// afterwards, and beside that, what happened, what was said in SIP, and how it
// sounded.
import { Alert, Anchor, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { call, id as esc, Problem } from "../../api/client";
import { useLiveCall } from "../../api/live";
import type { Call, CallRecord } from "../../api/schema";
import { PhoneOff } from "../../icons";
import { State, Tag } from "../../parts/badge";
import { Copy } from "../../parts/copy";
import { Facts } from "../../parts/figures";
import { destination, duration } from "../../parts/format";
import { Card, Page } from "../../parts/page";
import { useParam } from "../../parts/param";
import { Empty, ErrorBox, Loading } from "../../parts/states";
import { At, Lasts } from "../../parts/time";
import { useSession } from "../../session";
import { ending, peers } from "../calls/names";
import { CallActions } from "./actions";
import { Hub } from "./hub";
import { Legs } from "./legs";
import { Quality } from "./quality";
import { Timeline } from "./timeline";
import { Trace } from "./trace";
import "./call.css";

export default function CallPage({ id }: { id: string }) {
	const live = useLiveCall(id, true);
	const gone = (live.error as Problem)?.status === 404 ||
		live.data?.state === "CALL_ENDED";
	const record = useQuery({
		queryKey: ["cdr", id], enabled: gone,
		// It is written a moment after the call is gone.
		retry: (n, e) => n < 3 && (e as Problem).status !== 403,
		queryFn: ({ signal }) => call<CallRecord>("GET",
			`/api/cdr/${esc(id)}`, { signal }),
	});
	const c = gone ? record.data?.call ?? live.data : live.data;
	const back = gone ? { to: "/history", label: "History" } :
		{ to: "/calls", label: "Calls" };

	if (!c)
		return <Page title="Call" back={back} scope="calls:read">
			<Nothing error={live.error} gone={gone}
				waiting={record.isFetching} />
		</Page>;
	return <Page title={peers(c)} back={back} scope="calls:read"
		actions={!gone && <CallActions call={c} />}>
		<Content call={c} live={!gone} />
	</Page>;
}

function Nothing({ error, gone, waiting }: {
	error: unknown; gone: boolean; waiting: boolean;
}) {
	if (gone && !waiting)
		return <Card><Empty icon={PhoneOff} title="This call is not known">
			It has ended, and its record is no longer kept, or its address
			is wrong.
		</Empty></Card>;
	return error && !gone ? <ErrorBox error={error} /> : <Loading />;
}

const AFTER = ["timeline", "trace", "quality"]; // also once it has ended

function Content({ call: c, live }: { call: Call; live: boolean }) {
	const [tab, setTab] = useParam("tab");
	const tabs = live ? ["legs", ...AFTER] : AFTER;
	const shown = tabs.includes(tab) ? tab : tabs[0]!;

	return <>
		{c.adopting && <Alert color="yellow" title="Its node is gone">
			Another one takes the call over within seconds.</Alert>}
		<Summary call={c} live={live} />
		<Tabs value={shown} onChange={(t) => setTab(t ?? "")} keepMounted={false}>
			<Tabs.List aria-label="About the call">
				{live && <Tabs.Tab value="legs">Hub and legs</Tabs.Tab>}
				<Tabs.Tab value="timeline">Timeline</Tabs.Tab>
				<Tabs.Tab value="trace">Signalling</Tabs.Tab>
				<Tabs.Tab value="quality">Quality</Tabs.Tab>
			</Tabs.List>
			{live && <Tabs.Panel value="legs" pt="md">
				<div className="sy-call">
					<Hub call={c} /><Legs call={c} />
				</div>
			</Tabs.Panel>}
			<Tabs.Panel value="timeline" pt="md">
				<Timeline call={c} live={live} /></Tabs.Panel>
			<Tabs.Panel value="trace" pt="md">
				<Trace call={c} live={live} /></Tabs.Panel>
			<Tabs.Panel value="quality" pt="md">
				<Quality call={c} live={live} /></Tabs.Panel>
		</Tabs>
	</>;
}

function Summary({ call: c, live }: { call: Call; live: boolean }) {
	const { may } = useSession();
	const talked = c.answeredAt && c.endedAt ?
		duration(Date.parse(c.endedAt) - Date.parse(c.answeredAt)) : "";

	return <Card label="Summary"><div className="sy-summary">
		<Facts of={[
			["State", <><State name={live ? c.state : "CALL_ENDED"} />{" "}
				{!live && !c.answeredAt && <Tag color="yellow">
					not answered</Tag>}</>],
			["From", c.caller || "API"],
			["To", c.called || destination(c.destination)],
			["Leads to", destination(c.destination)],
		]} />
		<Facts of={[
			["Began", <At at={c.startedAt} />],
			["Answered", c.answeredAt ? <At at={c.answeredAt} /> :
				live ? "not yet" : "never"],
			[live ? "Duration" : "Talked", live ? <Lasts from={c.startedAt} /> :
				talked || "–"],
			["Ended", !live && ending(c)],
		].filter(([, v]) => v) as [string, string][]} />
		<Facts of={[
			["Node", may("nodes:read") ? <Anchor component={Link}
				href={`/nodes/${c.node}`} size="sm">{c.node}</Anchor> : c.node],
			["Parked by", c.parked && (c.parked.by || "himself")],
			["Sent on", c.diversions?.map((d) => `${d.device || d.trunk ||
				d.uri} (${d.reason})`).join(", ")],
			["Call id", <span className="sy-id"><span className="sy-mono">
				{c.id}</span><Copy value={c.id} label="Copy the call id" />
			</span>],
		]} />
	</div></Card>;
}
