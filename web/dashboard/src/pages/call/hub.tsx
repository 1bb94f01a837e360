// SPDX-License-Identifier: MIT
//
// The call as a hub with its legs, each line as wide as what is said there is
// loud.  The list of legs beside it says the same, so it is only an image.
import type { Call, Leg } from "../../api/schema";
import { legName } from "../calls/names";
import { loudness } from "./level";

const SIZE = 350;
const MID = SIZE / 2;
const RING = 118;
const MOST = 14; // more are not told apart

export function Hub({ call: c }: { call: Call }) {
	const legs = c.legs.slice(0, MOST);

	return <figure className="sy-card sy-hub">
		<svg viewBox={`0 0 ${SIZE} ${SIZE}`} role="img"
			aria-label={`A hub with ${c.legs.length} legs on ${c.node}`}>
			<circle cx={MID} cy={MID} r={RING} className="sy-hub-ring" />
			{legs.map((l, i) => <Spoke key={l.id} leg={l}
				angle={2 * Math.PI * (i / legs.length) - Math.PI / 2 -
					(legs.length === 2 ? Math.PI / 2 : 0)} />)}
			<circle cx={MID} cy={MID} r={38} className="sy-hub-mid" />
			<text x={MID} y={MID - 2} className="sy-hub-node">{c.node}</text>
			<text x={MID} y={MID + 14} className="sy-hub-note">
				{c.legs.length === 1 ? "1 leg" : `${c.legs.length} legs`}
			</text>
		</svg>
		{c.legs.length > MOST && <figcaption>
			and {c.legs.length - MOST} more</figcaption>}
	</figure>;
}

function Spoke({ leg: l, angle }: { leg: Leg; angle: number }) {
	const x = MID + RING * Math.cos(angle);
	const y = MID + RING * Math.sin(angle);
	const says = l.muted || l.held ? 0 : loudness(l.levelInDb);
	const short = legName(l).length > 11 ?
		legName(l).slice(0, 10) + "…" : legName(l);

	return <g data-state={l.state} data-held={l.held || undefined}
		data-muted={l.muted || undefined} className="sy-spoke">
		<line x1={MID} y1={MID} x2={x} y2={y} />
		<line x1={MID} y1={MID} x2={x} y2={y} className="sy-spoke-sound"
			style={{ strokeWidth: 1 + 11 * says, opacity: 0.25 + says }} />
		<circle cx={x} cy={y} r={27 + 5 * says} className="sy-spoke-halo"
			style={{ opacity: says }} />
		<circle cx={x} cy={y} r={26} className="sy-spoke-leg" />
		<text x={x} y={y + 4}>{short.slice(0, 7)}</text>
		<text x={x} y={y < MID ? y - 34 : y + 43} className="sy-hub-note">
			{l.state !== "LEG_ANSWERED" ? "rings" : l.held ? "on hold" :
				l.muted ? "muted" : l.codec}
		</text>
	</g>;
}
