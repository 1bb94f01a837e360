// SPDX-License-Identifier: MIT
import { Button, Drawer, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call, id as esc, Problem } from "../../api/client";
import type { Call, CallTrace } from "../../api/schema";
import { Download, Waypoints } from "../../icons";
import { Copy } from "../../parts/copy";
import { clock, plural } from "../../parts/format";
import { Card } from "../../parts/page";
import { Empty, Shown } from "../../parts/states";
import { ladder, type Party, type Step } from "./ladder";

const LEAST = "min(190px, 34vw)"; // of a column

export function Trace({ call: c, live }: { call: Call; live: boolean }) {
	const trace = useQuery({
		queryKey: ["trace", c.id], refetchInterval: live ? 2000 : false,
		queryFn: async ({ signal }) => {
			try {
				return await call<CallTrace>("GET",
					`/api/calls/${esc(c.id)}/trace`, { signal });
			} catch (e) {
				if ((e as Problem).status === 404)
					return { call: c.id, messages: [] };
				throw e;
			}
		},
	});

	return <Shown query={trace} what="Collecting the messages">
		{(t) => t.messages.length ? <Ladder trace={t} /> :
			<Card><Empty icon={Waypoints} title="No SIP messages are kept">
				They stay for 15 minutes after a call
				(settings.traceSeconds), if settings.trace is not “off”.
			</Empty></Card>}
	</Shown>;
}

function save(trace: CallTrace) {
	const text = trace.messages.map((m) => `${m.at} ${m.transport} ` +
		`${m.source} -> ${m.target}\n\n${m.text}`).join("\n\n");
	const url = URL.createObjectURL(new Blob([text],
		{ type: "text/plain" }));
	const a = document.createElement("a");

	a.href = url;
	a.download = `${trace.call}.txt`;
	a.click();
	URL.revokeObjectURL(url);
}

function Ladder({ trace }: { trace: CallTrace }) {
	const { columns, steps } = ladder(trace.messages);
	const [open, setOpen] = useState(-1);
	const n = columns.length;
	const grid = { gridTemplateColumns:
		`84px repeat(${n}, minmax(${LEAST}, 300px))` };

	return <Card title={`SIP, ${plural(steps.length, "message")}`} flush
		extra={<Button size="xs" variant="default"
			leftSection={<Download size={14} />}
			onClick={() => save(trace)}>Save as text</Button>}>
		<div className="sy-ladder" tabIndex={0} role="group"
			aria-label="SIP ladder"><div className="sy-ladder-inner"
				style={{ minWidth: `calc(116px + ${n} * ${LEAST})` }}>
			<div className="sy-ladder-head" style={grid} aria-hidden>
				<small>seconds</small>
				{columns.map((p) => <div key={p.key}>
					{p.name || "?"}<small>{p.note}</small></div>)}
			</div>
			{steps.map((s, i) => <Row key={i} step={s} columns={columns}
				grid={grid} open={open === i} click={() => setOpen(i)} />)}
		</div></div>
		<Message steps={steps} columns={columns} at={open} go={setOpen} />
	</Card>;
}

function Row({ step: s, columns, grid, open, click }: {
	step: Step; columns: Party[]; grid: object; open: boolean;
	click: () => void;
}) {
	const left = Math.min(s.from, s.to);
	const right = Math.max(s.from, s.to);

	return <button type="button" className="sy-ladder-row" style={grid}
		onClick={click} aria-haspopup="dialog" aria-expanded={open}>
		<span className="sy-ladder-time" style={{ gridRow: 1 }}>
			{s.offset.toFixed(3)}</span>
		{columns.map((p, i) => <span key={p.key} className="sy-life"
			style={{ gridRow: 1, gridColumn: i + 2 }} />)}
		<span className="sy-arrow" data-class={s.kind}
			data-to={s.to > s.from ? "right" : "left"}
			style={{ gridRow: 1, gridColumn: `${left + 2} / ${right + 3}`,
				marginInline: `${50 / (right - left + 1)}%` }}>
			<span>{s.title}</span>
		</span>
		<span className="sy-hidden">{` from ${columns[s.from]!.name ||
			"?"} to ${columns[s.to]!.name || "?"}`}</span>
	</button>;
}

function Message({ steps, columns, at, go }: {
	steps: Step[]; columns: Party[]; at: number; go: (at: number) => void;
}) {
	const s = steps[at];

	return <Drawer opened={!!s} onClose={() => go(-1)} position="right"
		size="lg" title={s?.title ?? ""}>
		{s && <>
			<Text size="sm" c="dimmed" mb="sm">
				{columns[s.from]!.name || "?"} ({s.message.source}) to{" "}
				{columns[s.to]!.name || "?"} ({s.message.target}) by{" "}
				{s.message.transport}, {clock(s.message.at!, true)}
			</Text>
			<div className="sy-filter sy-plain">
				<Button size="xs" variant="default" disabled={at === 0}
					onClick={() => go(at - 1)}>Previous</Button>
				<Button size="xs" variant="default"
					disabled={at === steps.length - 1}
					onClick={() => go(at + 1)}>Next</Button>
				<Copy value={s.message.text} label="Copy the message" />
			</div>
			<pre className="sy-message" tabIndex={0}>
				{s.message.text.split(/\r?\n/).map(highlighted)}
			</pre>
			{s.message.cutBytes > 0 && <Text size="sm" c="dimmed">
				{s.message.cutBytes} bytes more were not kept.</Text>}
		</>}
	</Drawer>;
}

function highlighted(line: string, i: number) {
	const name = /^[A-Za-z-]+(?=\s*:)/.exec(line)?.[0];

	return <span key={i}>{name ? <><b>{name}</b>{line.slice(name.length)}</> :
		line}{"\n"}</span>;
}
