// SPDX-License-Identifier: MIT
import { Progress, Text } from "@mantine/core";
import { call, id as esc } from "../../api/client";
import type { Node } from "../../api/schema";
import { ConfirmButton, useDo } from "../../parts/action";
import { plural } from "../../parts/format";
import { Ago } from "../../parts/time";

// How many calls a drain began with, as far as this page has seen it.
const begun = new Map<string, { since: string; hubs: number }>();

function atBegin(n: Node): number {
	const since = n.drainStartedAt ?? "";
	const seen = begun.get(n.id);
	const hubs = seen?.since === since ? Math.max(seen.hubs, n.hubs) : n.hubs;

	begun.set(n.id, { since, hubs });
	return hubs;
}

export function DrainProgress({ node: n }: { node: Node }) {
	const all = atBegin(n);
	const gone = all - n.hubs;
	const value = n.hubs ? 100 * gone / Math.max(1, all) : 100;

	return <div className="sy-drain">
		<Progress value={value} color={n.hubs ? "yellow" : "green"}
			animated={n.hubs > 0} aria-label={`Drain of ${n.id}`} />
		<Text size="xs" c="dimmed" role="status">
			{n.hubs ? `${plural(n.hubs, "call")} left` +
				(gone ? `, ${gone} moved` : "") :
				"Drained: it has no calls and may be stopped"}
			{n.moveFailures > 0 && `; ${n.moveFailures} could not be moved ` +
				"at once and are tried again"}
			{n.drainStartedAt && <> · begun <Ago at={n.drainStartedAt} /></>}
		</Text>
	</div>;
}

export function DrainButton({ node: n, others }: {
	node: Node; others: number;
}) {
	const drains = n.state === "DRAINING";
	const perform = useDo();
	const path = `/api/nodes/${esc(n.id)}/drain`;

	if (drains)
		return <ConfirmButton label="Take calls again" danger={false}
			title={`Let ${n.id} take calls again?`} confirm="Take calls"
			aria-label={`Take calls again on ${n.id}`}
			act={() => perform(`${n.id} takes calls again`, ["status"],
				() => call("DELETE", path))}>
			New calls are placed on it from now on. Calls that it has given
			away stay where they are.
		</ConfirmButton>;
	return <ConfirmButton label="Drain" title={`Drain ${n.id}?`}
		confirm="Drain" danger={false} disabled={n.state === "STATE_UNKNOWN"}
		aria-label={`Drain ${n.id}`}
		act={() => perform(`${n.id} gives its calls to others`, ["status"],
			() => call("POST", path))}>
		It takes no new calls and gives its {plural(n.hubs, "call")} to other
		nodes, without a gap that anybody hears.
		{!others && <strong> There is no other node that takes calls: they
			stay until one has joined, and new ones are refused.</strong>}
	</ConfirmButton>;
}
