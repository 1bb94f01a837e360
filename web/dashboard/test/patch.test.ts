// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, patchOf, same } from "../src/api/patch";
import { pathOf, placeOf } from "../src/parts/place";

test("only what is different, and nothing that the form does not ask", () => {
	assert.deepEqual(patchOf({ id: "a", order: 1, more: "kept" },
		{ id: "a", order: 2 }), { order: 2 });
	assert.deepEqual(patchOf({ a: [1, 2] }, { a: [2, 1] }), { a: [2, 1] });
	assert.deepEqual(patchOf({ a: 1 }, { a: undefined }), { a: null });
});

test("below a field what is not there any more is taken away", () => {
	assert.deepEqual(patchOf({ target: { device: "$0" } },
		{ target: { group: "sales" } }),
	{ target: { device: null, group: "sales" } });
	assert.deepEqual(patchOf({ guard: { rate: 1, burst: 2 } },
		{ guard: { rate: 1, burst: 3 } }), { guard: { burst: 3 } });
	assert.deepEqual(patchOf({}, { guard: { rate: 1 } }),
		{ guard: { rate: 1 } });
});

test("the order of fields and what is undefined say nothing", () => {
	assert.ok(same({ a: 1, b: [{ c: 1, d: 2 }] },
		{ b: [{ d: 2, c: 1 }], a: 1, e: undefined }));
	assert.ok(!same([1, 2], [2, 1]));
	assert.ok(!same("1", 1));
	assert.deepEqual(differences({ a: 1, b: 2 }, { a: 1, b: 3, c: 4 }),
		["b", "c"]);
});

test("errors of the API find their field", () => {
	const form = { id: "", numbers: [{ from: "" }], sources: ["x"],
		guard: { rate: 0 }, none: [] as string[] };

	assert.equal(pathOf("trunks[3].numbers[0].first"), "numbers.0.first");
	assert.equal(pathOf("numbers[0].from"), "numbers.0.from");
	assert.equal(pathOf("settings.guard.rate"), "guard.rate");
	assert.equal(placeOf(form, "numbers.0.from"), "numbers.0.from");
	assert.equal(placeOf(form, "sources.0"), "sources");
	assert.equal(placeOf(form, "none.2"), "none");
	assert.equal(placeOf(form, "guard.rate"), "guard.rate");
	assert.equal(placeOf(form, "guard.more"), undefined);
	assert.equal(placeOf(form, "other"), undefined);
});
