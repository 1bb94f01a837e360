// SPDX-License-Identifier: MIT
import assert from "node:assert/strict";
import { test } from "node:test";
import { patchOf } from "../src/api/patch";
import type { Route, Settings, Trunk } from "../src/api/schema";
import * as provider from "../src/pages/providers/model";
import { destinationOf, shown, targetOf } from "../src/pages/routes/target";
import * as settings from "../src/pages/settings/model";

// As the API shows it: without what has no default.
const TRUNK = { id: "acme", sources: ["192.0.2.1"], enabled: true,
	target: "sip.acme.example;transport=tls", username: "u", proxy: "",
	password: "", codecs: ["opus"], dtmf: "", srtp: "", certificates: [],
	registration: { registrar: "r", user: "", expiresS: 0, contactUser: "c" },
	countryCode: "49", nationalPrefix: "0", internationalPrefix: "00",
	numberFormat: "", identity: "", defaultNumber: "", anyCaller: false,
	maxCalls: 3, maxCallsPerSecond: 0, failoverCodes: [486], trusted: false,
	sendName: false, sendHistory: "", attemptSeconds: 0, fromDomain: "",
	messages: false, messagesOut: false, permissions: [],
	costlyCallsPerHour: 0, costlyCallsAtATime: 0,
	numbers: [{ number: "", first: "+493010", last: "+493019", name: "desks",
		target: { device: "10$1" } },
	{ number: "+4930", first: "", last: "", name: "" }],
	calledIn: [{ pattern: "0.", strip: 1, prefix: "+49" }], callerIn: [],
	calledOut: [], callerOut: [] } as unknown as Trunk;

test("a provider that nobody has changed needs no patch", () => {
	assert.deepEqual(patchOf(TRUNK, provider.trunkOf(provider.valuesOf(TRUNK),
		TRUNK)), {});
});

test("a provider: what is changed, and no more", () => {
	const v = provider.valuesOf(TRUNK);

	v.transport = "";
	v.registers = false;
	v.numbers[1] = { ...v.numbers[1]!, to: "+4939", kind: "group",
		value: "sales" };
	assert.deepEqual(patchOf(TRUNK, provider.trunkOf(v, TRUNK)), {
		target: "sip.acme.example", registration: null, numbers: [
			TRUNK.numbers[0],
			{ number: "", first: "+4930", last: "+4939", name: "",
				target: { group: "sales" } }] });
});

test("a provider's errors are shown where they are asked for", () => {
	const v = provider.valuesOf(TRUNK);

	assert.equal(provider.fieldOf("target"), "host");
	assert.equal(provider.fieldOf("registration.user"), "registrationUser");
	assert.equal(provider.fieldOf("numbers.0.last"), "numbers.0.to");
	assert.equal(provider.fieldOf("numbers.0.target.device"),
		"numbers.0.value");
	v.failoverCodes = ["200"];
	v.numbers[0]!.from = " ";
	const wrong = Object.entries(provider.checkValues(v)).filter(([, e]) => e);

	assert.deepEqual(wrong.map(([f]) => f).sort(),
		["failoverCodes", "numbers.0.from"]);
});

const SETTINGS = { realm: "sy", domains: [], registerMinS: 0, registerMaxS: 0,
	codecs: ["opus"], ringSeconds: 0, opusBitrateBps: 0, srtp: "",
	denoise: "", agc: false, comfortNoiseDb: 0, sessionMinS: 0, prack: "",
	udpMaxBytes: 0, qualifyS: 0, unreachable: "", parkSeconds: 0,
	parkOverflow: "", hep: "", hepCaptureId: 0, trace: "", traceSeconds: 0,
	costly: [], iceServers: [{ urls: ["stun:a"], secret: "",
		ttlSeconds: 0 }], iceSecrets: [] } as unknown as Settings;

test("settings that nobody has changed need no patch", () => {
	assert.deepEqual(patchOf(SETTINGS, settings.settingsOf(
		settings.valuesOf(SETTINGS), SETTINGS)), {});
	const said = { ...SETTINGS, sessionExpiresS: 0, musicOnHold: { tone:
		{ hz: 0, levelDb: -30 } }, guard: { ...settings.NO_GUARD, rate: 7 } };

	assert.deepEqual(patchOf(said, settings.settingsOf(
		settings.valuesOf(said as Settings), said as Settings)), {});
});

test("settings: another kind of music takes the old one away", () => {
	const old = { ...SETTINGS, musicOnHold: { file: "a.wav" } } as Settings;
	const v = settings.valuesOf(old);

	v.music = "tone";
	assert.deepEqual(patchOf(old, settings.settingsOf(v, old)),
		{ musicOnHold: { file: null, tone: { hz: 440, levelDb: -20 } } });
	v.music = "";
	assert.deepEqual(patchOf(old, settings.settingsOf(v, old)),
		{ musicOnHold: null });
});

test("settings: servers and prefixes are checked", () => {
	const v = settings.valuesOf(SETTINGS);

	v.iceServers = [{ urls: ["http://a"], secret: "", ttlSeconds: 0 }];
	v.costly = [{ prefix: "+88a", permission: "", callsPerHour: 0,
		callsAtATime: 0 }];
	const wrong = Object.entries(settings.checkValues(v)).filter(([, e]) => e);

	assert.deepEqual(wrong.map(([f]) => f),
		["iceServers.0.urls", "costly.0.prefix"]);
});

test("where a route leads to, there and back", () => {
	const targets: Route["target"][] = [{ device: "$0" }, { echo: true },
		{ group: "sales" }, { park: "$0" }, { pickup: "group" },
		{ external: { trunk: "a", number: "$0", failover: ["b"] } },
		{ feature: { code: "FORWARD_ALWAYS", number: "$1" } }];

	for (const t of targets)
		assert.deepEqual(destinationOf(targetOf(t)), t);
	assert.equal(shown(targets[5]), "$0 by a, then b");
	assert.equal(shown(undefined), "nowhere");
});
