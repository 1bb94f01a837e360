// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { SwitchyardError, microphoneError } from "../.test/errors.js";

test("why there is no microphone", () => {
	const of = (name) => microphoneError(Object.assign(new Error("x"),
		{ name }));

	assert.equal(of("NotAllowedError").code, "microphone-denied");
	assert.equal(of("NotFoundError").code, "no-microphone");
	assert.equal(of("NotReadableError").code, "microphone-busy");
	assert.equal(of("SomethingElse").code, "no-microphone");
	assert.match(of("NotAllowedError").message, /allow it/);
	assert.equal(of("NotAllowedError").cause.name, "NotAllowedError");
});

test("wrong fields are named", () => {
	const e = new SwitchyardError("bad-request", "no", [{ field: "to",
		cause: "is empty" }]);

	assert.ok(e instanceof Error);
	assert.equal(e.fields[0].field, "to");
	assert.deepEqual(new SwitchyardError("timeout", "x").fields, []);
});
