// SPDX-License-Identifier: MIT
//
// The drawing of a chart, by uPlot.  To a screen reader it is an image, named by
// what it shows and its last values.
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import { type ChartProps, HEIGHT } from "./chart";
import { clock } from "./format";

const css = (name: string) =>
	getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const SPAN_S = 60; // the least that a chart shows
// Between two lines of the scale: of what is counted never a half.
const COUNTED = [1, 2, 5].flatMap((n) => [n, 10 * n, 100 * n, 1000 * n])
	.sort((a, b) => a - b);

export default function Plot({ label, times, series, unit = "",
	height = HEIGHT, max, min = 0, counted }: ChartProps) {
	const room = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot>(undefined);
	const scheme = useComputedColorScheme("light");
	const data = [times.map((t) => t / 1000),
		...series.map((s) => s.values)] as uPlot.AlignedData;
	const names = series.map((s) => s.label).join("|");

	useEffect(() => {
		const div = room.current!;
		const text = css("--mantine-color-dimmed");
		const grid = { stroke: css("--sy-line"), width: 1 };
		const font = `12px ${getComputedStyle(document.body).fontFamily}`;
		const axis = { stroke: text, grid, font, ticks: { show: false } };

		plot.current = new uPlot({
			width: div.clientWidth || 300, height,
			legend: { live: false },
			cursor: { points: { size: 6 }, y: false, drag: { x: false } },
			scales: {
				x: { range: (_u, lo, hi) => [Math.min(lo, hi - SPAN_S), hi] },
				y: { range: (_u, _lo, hi) =>
					[min, Math.max(max ?? 1, hi * 1.1)] },
			},
			axes: [
				{ ...axis, grid: { show: false }, size: 26, space: 90,
					values: (_u, v) => v.map((t) => clock(t * 1000)) },
				{ ...axis, size: 50, ...counted && { incrs: COUNTED },
					values: (_u, v) =>
					v.map((x) => `${+x.toFixed(2)}${unit && ` ${unit}`}`) },
			],
			series: [{}, ...series.map((s) => ({
				label: s.label, stroke: css(s.color), width: 2,
				points: { show: times.length < 3 },
				fill: s.fill ? `${css(s.color)}1f` : undefined,
			}))],
			padding: [8, 30, 0, 0],
		}, data, div);
		const watch = new ResizeObserver(() =>
			plot.current?.setSize({ width: div.clientWidth, height }));
		watch.observe(div);
		return () => {
			watch.disconnect();
			plot.current?.destroy();
			plot.current = undefined;
		};
	}, [scheme, names, height, unit, max, min]); // eslint-disable-line

	useEffect(() => { plot.current?.setData(data); }, [data]);

	const last = series.map((s) => {
		const v = s.values.findLast((x) => x !== null);

		return `${s.label} ${v === undefined ? "unknown" :
			+v!.toFixed(2)} ${unit}`.trim();
	});
	return <div role="img" aria-label={`${label}: now ${last.join(", ")}`}
		ref={room} className="sy-chart" />;
}
