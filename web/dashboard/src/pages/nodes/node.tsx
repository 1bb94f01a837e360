// SPDX-License-Identifier: MIT
import { Anchor, Button, Menu } from "@mantine/core";
import { Link } from "wouter";
import { call, id as esc } from "../../api/client";
import { useCourse } from "../../api/course";
import { useCalls, useStatus } from "../../api/live";
import type { Call, Node as NodeState, Status } from "../../api/schema";
import { PhoneOff, Server } from "../../icons";
import { useAction } from "../../parts/action";
import { State } from "../../parts/badge";
import { Chart } from "../../parts/chart";
import { Facts } from "../../parts/figures";
import { Card, Page } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { Table } from "../../parts/table";
import { Ago, At, Lasts } from "../../parts/time";
import { useSession } from "../../session";
import { peers } from "../calls/names";
import { DrainButton, DrainProgress } from "./drain";
import { Load } from "./nodes";

const back = { to: "/nodes", label: "Nodes" };

export default function NodePage({ id }: { id: string }) {
	const status = useStatus();
	const { may } = useSession();
	const node = status.data?.nodes.find((n) => n.id === id);
	const others = status.data?.nodes.filter((n) => n.id !== id &&
		n.state === "LIVE") ?? [];

	return <Page title={id} back={back} scope="nodes:read"
		actions={node && may("nodes:write") &&
			<DrainButton node={node} others={others.length} />}>
		<Shown query={status}>{(s) => node ?
			<Content node={node} status={s} others={others} /> :
			<Empty icon={Server} title={`${id} is not in the cluster`}>
				It has left, or died; its calls are with other nodes.
			</Empty>}
		</Shown>
	</Page>;
}

function Content({ node: n, others }: {
	node: NodeState; status: Status; others: NodeState[];
}) {
	const course = useCourse().filter((x) => x.nodes[n.id]);
	const times = course.map((x) => x.at);

	return <>
		{n.state === "DRAINING" && <Card title="Drain">
			<DrainProgress node={n} /></Card>}
		<div className="sy-halves">
			<Card title="State"><Facts of={[
				["State", <State name={n.state} />],
				["Load", <Load node={n} />],
				["Calls", n.hubs], ["Legs", n.legs],
				["Version", n.version], ["Address", n.address],
				["Started", <><At at={n.startedAt} /> (<Ago
					at={n.startedAt} />)</>],
				["Late ticks", n.lateTicks],
				["Calls moved away", n.moved],
				["Moves that failed", n.moveFailures],
				["Calls taken from dead nodes", n.adopted],
				["Legs lost with dead nodes", n.lostLegs],
			]} /></Card>
			<Card title="Load, since this page was opened">
				<Chart label={`Load of ${n.id}`} unit="%" times={times}
					max={20} height={130} series={[{ label: "Load",
						color: "--sy-series-3", fill: true, values:
							course.map((x) => x.nodes[n.id]!.load) }]} />
				<Chart label={`Legs of ${n.id}`} times={times} max={4} counted
					height={130} series={[{ label: "Legs", fill: true,
						color: "--sy-accent", values:
							course.map((x) => x.nodes[n.id]!.legs) }]} />
			</Card>
		</div>
		<Calls node={n.id} others={others} />
	</>;
}

function Calls({ node, others }: { node: string; others: NodeState[] }) {
	const { may } = useSession();
	const calls = useCalls();

	if (!may("calls:read"))
		return null;
	return <Card title="Its calls" flush><Shown query={calls}>{(all) => {
		const own = all.filter((c) => c.node === node);

		return own.length ? <Table label={`Calls of ${node}`} rows={own}
			rowKey={(c) => c.id} href={(c) => `/calls/${c.id}`} columns={[
				{ key: "who", title: "Call", bare: true, cell: (c) =>
					<Anchor component={Link} href={`/calls/${c.id}`}>
						{peers(c)}</Anchor> },
				{ key: "state", title: "State",
					cell: (c) => <State name={c.state} /> },
				{ key: "legs", title: "Legs", right: true,
					cell: (c) => c.legs.length },
				{ key: "for", title: "Duration", right: true,
					sort: (c) => c.startedAt ?? "",
					cell: (c) => <Lasts from={c.startedAt} /> },
				...(may("calls:write") ? [{ key: "move", title: "",
					narrow: true, bare: true, cell: (c: Call) =>
						<Move call={c} others={others} /> }] : []),
			]} /> : <Empty icon={PhoneOff} title="It has no calls" />;
	}}</Shown></Card>;
}

/** Give a call to another node; without one named, by placement. */
export function Move({ call: c, others, size = "xs" }: {
	call: Call; others: NodeState[]; size?: string;
}) {
	const move = useAction((node: string) =>
		call("POST", `/api/calls/${esc(c.id)}/move`,
			{ body: node ? { node } : {} }), {
		done: "The call is on another node", refresh: ["calls", "call"],
		fails: "The call cannot be moved" });

	return <Menu position="bottom-end">
		<Menu.Target>
			<Button size={size} variant="default" loading={move.isPending}
				disabled={!others.length}
				aria-label={`Move ${peers(c)} to another node`}
				title={others.length ? undefined :
					"There is no other node that takes calls"}>Move</Button>
		</Menu.Target>
		<Menu.Dropdown>
			<Menu.Item onClick={() => move.mutate("")}>
				To where there is room</Menu.Item>
			<Menu.Divider />
			{others.map((o) => <Menu.Item key={o.id}
				onClick={() => move.mutate(o.id)}>To {o.id}</Menu.Item>)}
		</Menu.Dropdown>
	</Menu>;
}
