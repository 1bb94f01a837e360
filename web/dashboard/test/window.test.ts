// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { partOf } from "../src/parts/window";

const ROWS = 1000, ROW = 40, WINDOW = 800;

test("what is in sight is drawn, wherever the page is", () => {
	for (let y = -400; y < ROWS * ROW + 400; y += 37) {
		const p = partOf(ROWS, ROW, -y, WINDOW);
		const first = Math.max(0, Math.floor(y / ROW));
		const last = Math.min(ROWS, Math.ceil((y + WINDOW) / ROW));

		assert.ok(p.from <= first && p.to >= last || first >= ROWS,
			`${y}: ${JSON.stringify(p)}`);
		assert.ok(p.to - p.from <= 80, `${y}: ${JSON.stringify(p)}`);
		assert.equal(p.above + (p.to - p.from) * ROW + p.below, ROWS * ROW);
	}
});

test("a little scrolling draws nothing anew", () => {
	assert.deepEqual(partOf(ROWS, ROW, -8001, WINDOW),
		partOf(ROWS, ROW, -8090, WINDOW));
});

test("a list that became short, or is empty", () => {
	assert.deepEqual(partOf(0, ROW, -5000, WINDOW),
		{ from: 0, to: 0, above: 0, below: 0 });
	assert.equal(partOf(20, ROW, -5000, WINDOW).to, 20);
});
