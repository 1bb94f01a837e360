// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { StatsReader, estimateMos } from "../.test/stats.js";

const report = (n, lost) => [
	{ type: "inbound-rtp", id: "I", kind: "audio", packetsReceived: n,
		packetsLost: lost, jitter: 0.004, codecId: "C",
		totalSamplesReceived: n * 960, concealedSamples: lost * 960,
		silentConcealedSamples: 0, jitterBufferDelay: n * 960 * 0.05,
		jitterBufferEmittedCount: n * 960 },
	{ type: "codec", id: "C", mimeType: "audio/opus" },
	{ type: "remote-inbound-rtp", id: "R", kind: "audio",
		roundTripTime: 0.1, fractionLost: 0.02 },
	{ type: "transport", id: "T", selectedCandidatePairId: "P" },
	{ type: "candidate-pair", id: "P", localCandidateId: "L" },
	{ type: "local-candidate", id: "L", candidateType: "relay" },
];

test("a good line is good, and loss and delay are not", () => {
	const good = estimateMos(0, 60);

	assert.ok(good > 4.3 && good <= 4.5, `${good}`);
	assert.ok(estimateMos(5, 60) < good - 0.3);
	assert.ok(estimateMos(0, 500) < good - 0.5);
	assert.equal(estimateMos(100, 2000), 1);
	assert.ok(estimateMos(50, 100) >= 1);
});

test("figures are of the time between two reports", () => {
	const reader = new StatsReader();

	reader.read(report(100, 50));
	const s = reader.read(report(190, 60));

	assert.equal(s.lossPercent, 10);
	assert.ok(Math.abs(s.bufferMs - 50) < 1e-6);
	assert.equal(s.roundTripMs, 100);
	assert.equal(s.jitterMs, 4);
	assert.equal(s.lossSentPercent, 2);
	assert.equal(s.codec, "opus");
	assert.equal(s.path, "relay");
});

test("another connection counts from zero", () => {
	const reader = new StatsReader();

	reader.read(report(1000, 500));
	assert.equal(reader.read(report(99, 1)).lossPercent, 1);
});

test("a report of nothing", () => {
	const s = new StatsReader().read([]);

	assert.equal(s.lossPercent, 0);
	assert.equal(s.mos, 0);
});

test("no score without packets, nor for a time in which none came", () => {
	const reader = new StatsReader();

	assert.equal(reader.read(report(0, 0)).mos, 0);
	assert.ok(reader.read(report(100, 0)).mos > 4);
	assert.equal(reader.read(report(100, 0)).mos, 0);
	const lost = reader.read(report(100, 50)).mos; // all that was due

	assert.ok(lost >= 1 && lost < 2, `${lost}`);
	assert.ok(reader.read(report(200, 50)).mos > 4);
});
