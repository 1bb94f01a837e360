// SPDX-License-Identifier: MIT
import { Anchor, Text } from "@mantine/core";
import { Link } from "wouter";
import { type Incident, TYPES } from "../../api/incidents";
import { useProviders, useRegistrations } from "../../api/live";
import type { Member, Node, Provider, Registration, Status }
	from "../../api/schema";
import { CircleCheck, TriangleAlert } from "../../icons";
import { plural } from "../../parts/format";
import { Card } from "../../parts/page";
import { Ago } from "../../parts/time";
import { useSession } from "../../session";
import { useIncidents } from "./use_incidents";

interface Matter { text: string; to: string; bad?: boolean; at?: number }

function ofNodes(nodes: Node[]): Matter[] {
	const all: Matter[] = [];

	if (!nodes.some((n) => n.state === "LIVE"))
		all.push({ text: "No node takes new calls", to: "/nodes", bad: true });
	for (const n of nodes) {
		const to = `/nodes/${n.id}`;

		if (n.state === "OVERLOADED")
			all.push({ text: `${n.id} is overloaded`, to, bad: true });
		else if (n.shed)
			all.push({ text: `${n.id} leaves out work to keep up`, to });
		if (n.state === "DRAINING")
			all.push({ text: n.hubs ? `${n.id} drains, ` +
				`${plural(n.hubs, "call")} left` : `${n.id} is drained`, to });
	}
	return all;
}

function ofVersions(members: (Member | Node)[]): Matter[] {
	const versions = new Set(members.map((m) => m.version));

	return versions.size > 1 ? [{ to: "/nodes",
		text: `Versions differ: ${[...versions].join(", ")}` }] : [];
}

function ofProviders(providers: Provider[]): Matter[] {
	return providers.filter((p) => p.enabled && (p.registers &&
		!p.registered || p.checked && !p.reachable)).map((p) => ({
		to: `/providers/${p.id}`, bad: true, text: `Provider ${p.id} ` +
			(p.registers && !p.registered ? "has no registration" :
				"does not answer") + (p.reason && `: ${p.reason}`) }));
}

function ofPhones(registrations: Registration[]): Matter[] {
	const silent = registrations.filter((r) => r.bindings.some((b) =>
		b.checkedAt && !b.reachable));

	return silent.length > 3 ? [{ to: "/phones",
		text: `${silent.length} phones do not answer` }] :
		silent.map((r) => ({ to: `/phones/${r.device}`,
			text: `Phone ${r.device} does not answer` }));
}

/** Members that have died of late, and what became of their calls. */
function ofIncidents(incidents: Incident[]): Matter[] {
	return incidents.map((i) => ({ bad: i.lost > 0, at: i.at,
		to: `/events?kinds=${TYPES}`,
		text: `${i.member} died` +
			(i.taken ? `: ${plural(i.taken, "call")} taken over` : "") +
			(i.lost ? `, ${plural(i.lost, "leg")} lost` : "") }));
}

/** What an operator should look at now. */
export function Attention({ status: s }: { status: Status }) {
	const { may } = useSession();
	const matters = [...ofNodes(s.nodes),
		...ofVersions([...s.nodes, ...s.routers, ...s.gateways]),
		...ofIncidents(useIncidents())];

	return <Card title="Needs attention" flush>
		<ul className="sy-list">
			{matters.map((m) => <Line key={m.text} matter={m} />)}
			{may("config:read") && <Providers />}
			{may("registrations:read") && <Phones />}
			<li className="sy-all-well">
				<CircleCheck size={18} aria-hidden />Nothing: all is well
			</li>
		</ul>
	</Card>;
}

function Line({ matter: m }: { matter: Matter }) {
	return <li>
		<TriangleAlert size={18} aria-label={m.bad ? "Wrong" : "Note"}
			className={m.bad ? "sy-bad" : "sy-warn"} />
		<Anchor component={Link} href={m.to} size="sm"
			className="sy-break sy-grow">{m.text}</Anchor>
		{m.at && <Text size="xs" c="dimmed" className="sy-nowrap">
			<Ago at={new Date(m.at).toISOString()} /></Text>}
	</li>;
}

function Providers() {
	return ofProviders(useProviders().data ?? []).map((m) =>
		<Line key={m.text} matter={m} />);
}

function Phones() {
	return ofPhones(useRegistrations().data ?? []).map((m) =>
		<Line key={m.text} matter={m} />);
}
