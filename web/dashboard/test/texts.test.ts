// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { forgetOthers, textsKey } from "../src/phone/kept";
import { Texts, tooLong } from "../src/phone/texts";

/** A tab's storage. */
function storage() {
	const of = new Map<string, string>();

	return { get length() { return of.size; },
		key: (i: number) => [...of.keys()][i] ?? null,
		getItem: (k: string) => of.get(k) ?? null,
		setItem: (k: string, v: string) => { of.set(k, v); },
		removeItem: (k: string) => { of.delete(k); } };
}

test("who wrote last is first, and what is new is counted until it is read",
	() => {
		let changes = 0;
		const t = new Texts("1001", () => changes++, storage());

		t.came({ number: "1002", name: "Bo" }, "one");
		t.came({ number: "1003", name: "" }, "two");
		t.came({ number: "1002", name: "Bo" }, "three");
		assert.deepEqual(t.threads().map((x) => [x.peer, x.name, x.unread,
			x.last.text]), [["1002", "Bo", 2, "three"],
			["1003", "", 1, "two"]]);
		assert.equal(t.unread, 3);
		t.read("1002");
		assert.equal(t.unread, 1);
		assert.equal(changes, 4);
		t.read("1002"); // nothing new: nothing is drawn again
		assert.equal(changes, 4);
	});

test("what has come of a text is seen at it; it can be sent again",
	async () => {
		const t = new Texts("1001", () => {}, storage());
		let refuse = true;
		const send = async () => {
			if (refuse)
				throw new Error("nobody is there");
		};

		await t.write("1002", "hello", send);
		assert.deepEqual(t.all.map((x) => [x.state, x.why]),
			[["failed", "nobody is there"]]);
		refuse = false;
		await t.write("1002", "hello", send, t.all[0]!.id);
		assert.deepEqual(t.all.map((x) => [x.state, x.why]), [["sent", ""]]);
	});

test("a reload keeps all; of what was being sent nobody knows", () => {
	const kept = storage();
	const t = new Texts("1001", () => {}, kept);

	t.came({ number: "1002", name: "" }, "one");
	void t.write("1002", "two", () => new Promise(() => {}));
	const after = new Texts("1001", () => {}, kept);

	assert.deepEqual(after.all.map((x) => x.state), ["new", "failed"]);
	assert.match(after.all[1]!.why, /nobody knows/);
	assert.equal(new Texts("1002", () => {}, kept).all.length, 0);
	after.forget();
	assert.equal(new Texts("1001", () => {}, kept).all.length, 0);
});

test("nobody reads what another user of the device was written", () => {
	const kept = storage();
	const written = (user: string) => new Texts(textsKey(user, "1001"),
		() => {}, kept);
	const count = (user: string) => written(user).all.length;

	for (const user of ["ada", "ada/b", "bo"])
		written(user).came({ number: "1002", name: "" }, "one");
	kept.setItem("sy-texts-1001", "[]"); // of before users were told apart
	kept.setItem("other", "1");
	assert.equal(count("olga"), 0);
	forgetOthers("ada", kept);
	assert.deepEqual(["ada", "ada/b", "bo"].map(count), [1, 0, 0]);
	assert.equal(kept.getItem("sy-texts-1001"), null);
	forgetOthers("", kept);
	assert.equal(count("ada"), 0);
	assert.equal(kept.getItem("other"), "1");
});

test("bytes are counted, not letters", () => {
	assert.equal(tooLong("x".repeat(900)), "");
	assert.match(tooLong("x".repeat(901)), /by 1 of 900/);
	assert.match(tooLong("ü".repeat(451)), /by 2 of 900/);
});
