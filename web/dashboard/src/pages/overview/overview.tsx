// SPDX-License-Identifier: MIT
import { Anchor, Text } from "@mantine/core";
import { Server } from "../../icons";
import { Link } from "wouter";
import { type Sample, useCourse } from "../../api/course";
import { useStatus } from "../../api/live";
import type { Member, Node, Status } from "../../api/schema";
import { State } from "../../parts/badge";
import { Chart } from "../../parts/chart";
import { Bar, Stat } from "../../parts/figures";
import { percent, plural } from "../../parts/format";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { Ago } from "../../parts/time";
import { Attention } from "./attention";
import { Latest } from "./latest";

export default function Overview() {
	const status = useStatus();
	const course = useCourse();

	return <Page title="Overview" scope="nodes:read">
		<Shown query={status} what="Asking the cluster">
			{(s) => <Content status={s} course={course} />}
		</Shown>
	</Page>;
}

function Content({ status: s, course }: { status: Status; course: Sample[] }) {
	const last = course.at(-1);
	const talked = last ? last.answered + last.failed : 0;
	const of = (f: (x: Sample) => number) => course.map(f);

	return <>
		<div className="sy-grid-stats">
			<Stat label="Calls now" value={s.calls.toLocaleString()}
				note={plural(s.legs, "leg")} course={of((x) => x.calls)} />
			<Stat label="New calls per minute" value={last?.started ?? 0}
				note={talked ? `${last!.answered} of ${talked} that ended ` +
					"were answered" : "in the last 60 seconds"}
				course={of((x) => x.started)} color="var(--sy-series-2)" />
			<Stat label="Unanswered per minute"
				value={<span className={last?.failed ? "sy-warn" : ""}>
					{last?.failed ?? 0}</span>}
				note={talked ? `${percent(100 * last!.failed / talked)} of ` +
					"those that ended" : "busy, no answer, failed"}
				course={of((x) => x.failed)} color="var(--sy-series-3)" />
			<Stat label="Phones registered"
				value={s.registrations.toLocaleString()}
				note={<Anchor component={Link} href="/phones" size="sm">
					See them</Anchor>}
				course={of((x) => x.registrations)}
				color="var(--sy-series-4)" />
		</div>
		<div className="sy-cols">
			<Card title="Nodes" flush extra={<Anchor component={Link}
				href="/nodes" size="sm">All about nodes</Anchor>}>
				{s.nodes.length ? <NodeTiles nodes={s.nodes} /> :
					<Empty icon={Server} title="No media node runs">
						Calls are refused until one has joined: start
						switchyard-node with this cluster’s Redis.
					</Empty>}
			</Card>
			<Attention status={s} />
		</div>
		<div className="sy-halves">
			<Card title="Calls and legs">
				<Chart label="Calls and legs" height={190}
					times={of((x) => x.at)} series={[
						{ label: "Calls", color: "--sy-accent", fill: true,
							values: of((x) => x.calls) },
						{ label: "Legs", color: "--sy-series-2",
							values: of((x) => x.legs) }]} max={4} counted />
			</Card>
			<Card title="Load of the fullest node">
				<Chart label="Load of the fullest node" height={190} unit="%"
					times={of((x) => x.at)} max={20} series={[
						{ label: "Load", color: "--sy-series-3", fill: true,
							values: of((x) => x.load) }]} />
			</Card>
		</div>
		<div className="sy-cols">
			<Latest />
			<Card title="Routers and gateways" flush>
				<Members of={[...s.routers, ...s.gateways]} />
			</Card>
		</div>
	</>;
}

function NodeTiles({ nodes }: { nodes: Node[] }) {
	return <div className="sy-tiles">
		{nodes.map((n) => <Link key={n.id} href={`/nodes/${n.id}`}
			className="sy-tile">
			<div className="sy-tile-head">
				<strong className="sy-grow sy-break">{n.id}</strong>
				<State name={n.state} />
			</div>
			<Bar value={n.tickUsedPercent} label={`Load of ${n.id}`} />
			<Text size="sm" c="dimmed">
				{percent(n.tickUsedPercent)} used · {plural(n.hubs, "call")} ·{" "}
				{plural(n.legs, "leg")}
			</Text>
		</Link>)}
	</div>;
}

function Members({ of }: { of: Member[] }) {
	return <ul className="sy-list">
		{of.map((m) => <li key={m.id}>
			<div className="sy-grow">
				<div className="sy-break">{m.id}</div>
				<Text size="xs" c="dimmed">
					{m.version}, started <Ago at={m.startedAt} />
				</Text>
			</div>
			<State name={m.state} />
		</li>)}
	</ul>;
}
