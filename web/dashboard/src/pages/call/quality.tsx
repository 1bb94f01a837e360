// SPDX-License-Identifier: MIT
import { SegmentedControl, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, id as esc, Problem } from "../../api/client";
import type { Call, CallStats, LegStats, Quality as Sample }
	from "../../api/schema";
import { Activity } from "../../icons";
import { Chart, type Series } from "../../parts/chart";
import { Card } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { Mos } from "../calls/calls";
import { Recovered } from "./recovered";

interface Metric {
	label: string; unit: string; max: number; min?: number; says: string;
	lines: [string, keyof Sample, string][];
}

const METRICS: Record<string, Metric> = {
	mos: { label: "Score", unit: "", max: 4.5, min: 1, says:
		"Mean opinion score: 4.3 is a good telephone, below 3.6 many are " +
		"dissatisfied.",
		lines: [["Conversation", "mos", "--sy-accent"],
			["Listening", "mosListening", "--sy-series-2"]] },
	loss: { label: "Loss", unit: "%", max: 2, says:
		"What was lost on the way here, what of it the next packet told " +
		"once more (Opus FEC), made up for, and lost on the way to the " +
		"other side.",
		lines: [["Lost", "lossPercent", "--sy-series-3"],
			["Recovered", "recoveredPercent", "--sy-series-2"],
			["Made up", "concealedPercent", "--sy-accent"],
			["Lost at the peer", "peerLossPercent", "--sy-series-4"]] },
	delay: { label: "Delay", unit: "ms", max: 60, says:
		"Jitter of what comes, how long it waits in the buffer, and the " +
		"round trip to the peer.",
		lines: [["Jitter", "jitterMs", "--sy-accent"],
			["Buffer", "jitterBufferMs", "--sy-series-2"],
			["Round trip", "roundTripMs", "--sy-series-3"]] },
};

export function Quality({ call: c, live }: { call: Call; live: boolean }) {
	const [metric, setMetric] = useState("mos");
	const stats = useQuery({
		queryKey: ["stats", c.id], refetchInterval: live ? 5000 : false,
		queryFn: async ({ signal }) => {
			try {
				return await call<CallStats>("GET",
					`/api/calls/${esc(c.id)}/stats`, { signal });
			} catch (e) {
				if ((e as Problem).status === 404)
					return { call: c.id, legs: [] };
				throw e;
			}
		},
	});

	return <Shown query={stats} what="Collecting the figures">
		{(s) => s.legs.length ? <div className="sy-page">
			<SegmentedControl value={metric} onChange={setMetric}
				aria-label="What is shown" className="sy-start"
				data={Object.entries(METRICS).map(([value, m]) =>
					({ value, label: m.label }))} />
			<Text size="sm" c="dimmed">{METRICS[metric]!.says}</Text>
			<div className="sy-halves">
				{s.legs.map((l) => <LegChart key={l.leg} leg={l}
					metric={METRICS[metric]!} live={live} />)}
			</div>
		</div> : <Card><Empty icon={Activity} title="No figures are kept">
			A sample is taken each 10 seconds; they stay for 15 minutes
			after the call.
		</Empty></Card>}
	</Shown>;
}

function LegChart({ leg: l, metric: m, live }: {
	leg: LegStats; metric: Metric; live: boolean;
}) {
	const samples = l.samples;
	// Of what a peer does not tell there is nothing: 0 would be a lie.
	const series: Series[] = m.lines.map(([label, key, color]) => ({
		label, color, values: samples.map((x) =>
			(x[key] as number) || (m.min ? null : 0)) }));
	const whole = l.total ?? l.now;

	return <Card title={`${l.user || l.leg}, ${l.codec || "no codec"}`}
		extra={whole && <Text size="sm" c="dimmed">
			score <Mos value={whole.mos} />, loss{" "}
			{whole.lossPercent.toFixed(1)} %
			<Recovered percent={whole.recoveredPercent} before=", " /></Text>}>
		{samples.length ? <Chart label={`${m.label} of ${l.user}`}
			unit={m.unit} max={m.max} min={m.min} height={170}
			times={samples.map((x) => Date.parse(x.at!))} series={series} /> :
			<Text size="sm" c="dimmed">{live ? "The first sample comes after " +
				"10 seconds." : "It ended before the first sample, which is " +
				"taken after 10 seconds."}</Text>}
	</Card>;
}
