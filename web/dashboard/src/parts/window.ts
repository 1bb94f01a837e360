// SPDX-License-Identifier: MIT
//
// Which rows of a long table are drawn: those in sight, and some around them.
// The rest is two empty rows, as high as what they stand for.
import { type RefObject, useEffect, useLayoutEffect, useState } from "react";

const LEAST = 150;    // rows: of fewer all are drawn
const AROUND = 15;    // rows beyond what is seen: Tab finds the next one
const STEP = 10;      // rows that come and go together
const USUAL_PX = 44;  // of a row, until one was measured

export interface Part {
	from: number; to: number;      // rows drawn: from, and up to before `to`
	above: number; below: number;  // heights of what is left out [px]
}

/**
 * @param count   Rows that there are.
 * @param row     Height of one [px].
 * @param top     Where the first one is, seen from the window's top [px].
 * @param height  Of the window [px].
 */
export function partOf(count: number, row: number, top: number,
	height: number): Part {
	const step = (n: number) => Math.floor(n / STEP) * STEP;
	const first = Math.max(0, Math.min(count, -top / row));
	const from = Math.max(0, step(first - AROUND));
	const to = Math.max(from, Math.min(count,
		step(first + height / row + AROUND) + STEP));

	return { from, to, above: Math.round(from * row),
		below: Math.round((count - to) * row) };
}

const same = (a: Part, b: Part) => a.from === b.from && a.to === b.to &&
	a.above === b.above && a.below === b.below;

/** The rows to draw now in a table's body; they follow the page's scroll. */
export function useWindow(body: RefObject<HTMLElement | null>,
	count: number): Part {
	const long = count >= LEAST;
	const [row, setRow] = useState(USUAL_PX);
	const now = () => partOf(count, row,
		body.current?.getBoundingClientRect().top ?? 0, innerHeight);
	const [part, setPart] = useState(now);
	const [of, setOf] = useState(count); // rows that there were for `part`

	// Not after it is drawn: the page would be too short for its scroll.
	if (of !== count) {
		setOf(count);
		setPart(now());
	}

	useEffect(() => {
		if (!long)
			return;
		const look = () => {
			const next = now();

			setPart((old) => same(old, next) ? old : next);
		};

		look();
		addEventListener("scroll", look, { passive: true });
		addEventListener("resize", look);
		return () => {
			removeEventListener("scroll", look);
			removeEventListener("resize", look);
		};
	}, [body, count, long, row]); // eslint-disable-line

	// How high a row is, only the page knows.
	useLayoutEffect(() => {
		const drawn = body.current?.querySelectorAll("tr[aria-rowindex]");

		if (!long || !drawn?.length)
			return;
		// Of these alone: the empty rows may not have their heights yet.
		const found = (drawn[drawn.length - 1]!.getBoundingClientRect().bottom -
			drawn[0]!.getBoundingClientRect().top) / drawn.length;

		if (found > 0 && Math.abs(found - row) > 1)
			setRow(found);
	}, [body, long, part, row]);
	return long ? { ...part, to: Math.min(part.to, count) } :
		{ from: 0, to: count, above: 0, below: 0 };
}
