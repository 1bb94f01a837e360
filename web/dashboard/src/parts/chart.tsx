// SPDX-License-Identifier: MIT
//
// Values over time.  What draws them comes after the page that has them: the
// figures beside it say the same.
import { Suspense } from "react";
import { Boundary } from "./boundary";
import { later } from "./later";

export interface Series {
	label: string;
	color: string;      // a CSS variable: "--sy-accent"
	values: (number | null)[];
	fill?: boolean;
}

export interface ChartProps {
	label: string;
	times: number[];    // ms
	series: Series[];
	unit?: string;
	height?: number;
	max?: number;       // of the scale; it grows when there is more
	min?: number;
	counted?: boolean;  // whole numbers alone
}

export const HEIGHT = 180; // of the drawing [px]
const LEGEND = 34;         // below it [px]

export const Plot = later(() => import("./plot"));

export function Chart(props: ChartProps) {
	const height = (props.height ?? HEIGHT) + LEGEND;

	return <Boundary quiet what="The chart">
		<Suspense fallback={<div style={{ height }} />}>
			<Plot {...props} />
		</Suspense>
	</Boundary>;
}
