// SPDX-License-Identifier: MIT
import { useQuery } from "@tanstack/react-query";
import { call, type Page, query } from "../../api/client";
import type { Call, Event, Leg } from "../../api/schema";
import { Clock } from "../../icons";
import { clock, duration, wholeTime } from "../../parts/format";
import { Card } from "../../parts/page";
import { Empty } from "../../parts/states";
import { useNow } from "../../parts/time";
import { useSession } from "../../session";
import { ending, endWord, legName } from "../calls/names";
import { sentence } from "../events/sentence";

const ms = (at?: string) => at ? Date.parse(at) : 0;

export function Timeline({ call: c, live }: { call: Call; live: boolean }) {
	return <div className="sy-page">
		<Card title="Legs">
			{c.legs.length ? <Gantt call={c} live={live} /> :
				<Empty icon={Clock} title="No leg is known" />}
		</Card>
		<Moments call={c} live={live} />
	</div>;
}

function Gantt({ call: c, live }: { call: Call; live: boolean }) {
	const now = useNow();
	const from = ms(c.startedAt);
	const to = Math.max(from + 1000, live ? now : Math.max(ms(c.endedAt),
		...c.legs.map((l) => ms(l.endedAt))));
	const at = (t: number) => `${100 * (t - from) / (to - from)}%`;
	const part = (a: number, b: number) => ({ left: at(a),
		width: `${100 * Math.max(0, b - a) / (to - from)}%` });

	return <>
		<div className="sy-gantt">
			{c.legs.map((l) => {
				const begin = Math.max(from, ms(l.startedAt));
				const end = ms(l.endedAt) || to;
				const answer = Math.min(ms(l.answeredAt) || end, end);

				return [
					<div key={`${l.id}n`} className="sy-break">
						{legName(l)}</div>,
					<div key={l.id} className="sy-gantt-row" role="img"
						aria-label={spoken(l, from, answer, end)}>
						<span data-kind="rings" style={part(begin, answer)} />
						<span data-kind="talks" style={part(answer, end)} />
					</div>];
			})}
			<div />
			<div className="sy-gantt-axis">
				<span>{clock(from)}</span>
				<span>{live ? duration(to - from) :
					`${clock(to)}, ${duration(to - from)} later`}</span>
			</div>
		</div>
		<p className="sy-keys">
			<span className="sy-key" data-kind="rings">rings</span>
			<span className="sy-key">talks</span>
		</p>
	</>;
}

function spoken(l: Leg, from: number, answer: number, end: number) {
	const s = (t: number) => duration(t - from);

	return `${legName(l)}: from ${s(ms(l.startedAt))}, ` +
		(l.answeredAt ? `answered at ${s(answer)}, ` : "not answered, ") +
		(l.endedAt ? `until ${s(end)}` : "goes on");
}

interface Moment { at: number; text: string }

/** What the legs themselves say of when. */
function ofLegs(c: Call): Moment[] {
	const all: Moment[] = [{ at: ms(c.startedAt), text: "The call begins" }];
	const add = (at: string | undefined, text: string) => {
		if (at)
			all.push({ at: ms(at), text });
	};

	for (const l of c.legs) {
		add(l.startedAt, l.direction === "INBOUND" ?
			`${legName(l)} calls` : `${legName(l)} is called`);
		add(l.answeredAt, `${legName(l)} is connected`);
		add(l.endedAt, `${legName(l)} leaves` + (l.endReason ?
			`: ${endWord(l.endReason)}` : "") +
			(l.endCode >= 300 ? ` (${l.endCode})` : ""));
	}
	add(c.endedAt, `The call ends${c.endReason && `: ${ending(c)}`}`);
	return all;
}

const OWN = new Set(["CALL_STARTED", "CALL_CHANGED", "CALL_FINISHED",
	"LEG_ADDED", "LEG_CHANGED", "LEG_REMOVED"]);

function Moments({ call: c, live }: { call: Call; live: boolean }) {
	const { may } = useSession();
	const events = useQuery({
		queryKey: ["events", c.id], enabled: may("events:read"),
		retry: false, refetchInterval: live ? 3000 : false,
		queryFn: () => call<Page<Event>>("GET", "/api/events" + query(
			{ format: "json", call: c.id, limit: 500 })),
	});
	const more = (events.data?.items ?? []).filter((e) => !OWN.has(e.type))
		.map((e) => ({ at: ms(e.at), text: sentence(e) }));
	const all = [...ofLegs(c), ...more].sort((a, b) => a.at - b.at);
	const from = ms(c.startedAt);

	return <Card title="What happened" flush><ol className="sy-moments">
		{all.map((m, i) => <li key={i}>
			<time dateTime={new Date(m.at).toISOString()}
				title={wholeTime(m.at)}>
				{clock(m.at, true)}</time>
			<span>+{((m.at - from) / 1000).toFixed(3)} s</span>
			<span>{m.text}</span>
		</li>)}
	</ol></Card>;
}
