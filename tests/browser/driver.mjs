// SPDX-License-Identifier: MIT
// Runs headless Chromium for browser.py.  Commands are JSON objects, one a
// line, on stdin; results and events the same on stdout:
//
//   {"id":1,"do":"open","page":"a","lib":"jssip","options":{...}}
//   {"id":1,"do":"reload","page":"a","lib":"sdk","options":{...}}
//   {"id":2,"page":"a","do":"call","args":["600"]}   any method of phone.js
//   {"id":2,"result":...} or {"id":2,"error":"..."}
//   {"event":"established","page":"a",...}
//
// The end of stdin closes all.

import { build } from "esbuild";
import { chromium } from "playwright-core";
import { createInterface } from "node:readline";

const [wav, executablePath, conf = "{}"] = process.argv.slice(2);
const { microphone = "file" } = JSON.parse(conf);
// This file is a copy in build/browser.
const sdk = new URL("../../web/sdk/src/index.ts", import.meta.url).pathname;
const origin = "http://localhost"; // a secure context, never asked for
const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");

// One bundle a library: a phone with the same methods and events.
async function bundle(lib) {
	const out = await build({
		entryPoints: [new URL(`phone_${lib}.js`, import.meta.url).pathname],
		bundle: true, write: false, format: "iife", logLevel: "error",
		define: { global: "window" },
		alias: { "@switchyard/sdk": sdk },
	});
	return out.outputFiles[0].text;
}

// The user has one and allows it, has one and does not, has none.
const fake = ["--use-fake-device-for-media-stream",
	`--use-file-for-fake-audio-capture=${wav}`];
const microphones = {
	file: ["--use-fake-ui-for-media-stream", ...fake],
	denied: ["--use-fake-ui-for-media-stream=deny", ...fake],
	none: ["--use-fake-ui-for-media-stream"],
};

const browser = await chromium.launch({
	executablePath,
	args: [
		"--no-sandbox",
		"--ignore-certificate-errors",
		...microphones[microphone],
		"--autoplay-policy=no-user-gesture-required",
		"--allow-loopback-in-peer-connection",
		"--disable-features=WebRtcHideLocalIpsWithMdns," +
			"LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets",
	],
});
const context = await browser.newContext({ ignoreHTTPSErrors: true });
await context.grantPermissions(["microphone"], { origin });
await context.route(`${origin}/**`, (route) => route.fulfill({
	contentType: "text/html", body: "<!doctype html><title>phone</title>",
}));

const pages = new Map();
const bundles = new Map();

async function open(name, lib, options) {
	if (!bundles.has(lib))
		bundles.set(lib, await bundle(lib));
	const page = await context.newPage();
	pages.set(name, page);
	page.on("pageerror", (e) => tell({ event: "pageerror", page: name,
		text: String(e) }));
	page.on("console", (m) => tell({ event: "console", page: name,
		text: m.text() }));
	await page.exposeFunction("tell", (event, more) =>
		tell({ event, page: name, ...more }));
	await load(page, () => page.goto(`${origin}/`), lib, options);
}

async function load(page, go, lib, options) {
	await go();
	await page.addScriptTag({ content: bundles.get(lib) });
	await page.evaluate((o) => window.phone.start(o), options);
}

async function run(cmd) {
	if (cmd.do === "open")
		return open(cmd.page, cmd.lib, cmd.options);
	if (cmd.do === "reload") {
		const page = pages.get(cmd.page);

		return load(page, () => page.reload(), cmd.lib, cmd.options);
	}
	if (cmd.do === "close")
		return pages.get(cmd.page).close();
	if (cmd.do === "click")
		return pages.get(cmd.page).mouse.click(5, 5);
	return pages.get(cmd.page).evaluate(
		([method, args]) => window.phone[method](...args),
		[cmd.do, cmd.args ?? []]);
}

tell({ event: "ready", version: browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
	const cmd = JSON.parse(line);
	run(cmd).then((result) => tell({ id: cmd.id, result: result ?? null }),
		(e) => tell({ id: cmd.id, error: String(e) }));
}
await browser.close();
