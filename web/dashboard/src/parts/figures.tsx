// SPDX-License-Identifier: MIT
import type { ReactNode } from "react";

/** A figure with its course since the page was opened. */
export function Stat({ label, value, note, course, color }: {
	label: string; value: ReactNode; note?: ReactNode;
	course?: number[]; color?: string;
}) {
	return <section className="sy-card sy-stat" aria-label={label}>
		<div className="sy-stat-label">{label}</div>
		<div className="sy-stat-value">{value}</div>
		<div className="sy-stat-note">{note}</div>
		{course && <Sparkline values={course} color={color} />}
	</section>;
}

const LEAST = 60; // values across a line: fewer begin at its right end

/** A line without axes: it shows a course, the figure beside it says it. */
export function Sparkline({ values, color = "var(--sy-accent)" }: {
	values: number[]; color?: string;
}) {
	const top = Math.max(1, ...values);
	const step = 100 / (Math.max(LEAST, values.length) - 1);
	const first = 100 - step * (values.length - 1);
	const line = values.map((v, i) => `${i ? "L" : "M"}` +
		`${(first + i * step).toFixed(2)} ` +
		`${(29 - v / top * 26).toFixed(2)}`).join("");

	return <svg className="sy-spark" viewBox="0 0 100 30" aria-hidden
		preserveAspectRatio="none">
		{values.length > 1 && <>
			<path d={`${line}L100 30L${first} 30Z`} fill={color} opacity={0.12} />
			<path d={line} fill="none" stroke={color} strokeWidth={1.6}
				strokeLinejoin="round" />
		</>}
	</svg>;
}

export function Bar({ value, label, warn = 60, bad = 85 }: {
	value: number; label: string; warn?: number; bad?: number;
}) {
	const v = Math.min(100, Math.max(0, value));

	return <div className="sy-bar" role="meter" aria-label={label}
		aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(v)}
		data-bad={v >= bad || undefined}
		data-warn={v >= warn && v < bad || undefined}>
		<span style={{ width: `${v}%` }} />
	</div>;
}

export function Facts({ of }: { of: [string, ReactNode][] }) {
	return <dl className="sy-facts">
		{of.filter(([, v]) => v !== undefined && v !== "").map(([k, v]) =>
			[<dt key={k}>{k}</dt>, <dd key={`${k}=`}>{v}</dd>])}
	</dl>;
}
