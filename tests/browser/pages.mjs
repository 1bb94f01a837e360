// SPDX-License-Identifier: MIT
// Uses web pages as a person does, for pages.py.  Commands are JSON objects,
// one a line, on stdin; results the same on stdout:
//
//   {"id":1,"do":"click","role":"button","name":"Save"}
//   {"id":1,"result":...} or {"id":1,"error":"..."}
//
// What the browser complains of (errors on the console, the content security
// policy) is kept until "faults" asks.  The end of stdin closes all.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [wav, executablePath] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url)
	.resolve("axe-core/axe.min.js"), "utf8");
const WAIT_MS = 30_000; // on a busy machine; a wait ends with what it waits for

const browser = await chromium.launch({ executablePath, args: [
	"--no-sandbox", "--ignore-certificate-errors",
	"--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
	`--use-file-for-fake-audio-capture=${wav}`,
	"--autoplay-policy=no-user-gesture-required",
	"--allow-loopback-in-peer-connection",
	"--disable-features=WebRtcHideLocalIpsWithMdns"] });
const pages = new Map(); // by name: { page, faults }

async function open({ page: name = "a", url, dark, width = 1280,
	height = 850 }) {
	const context = await browser.newContext({ ignoreHTTPSErrors: true,
		baseURL: url, colorScheme: dark ? "dark" : "light",
		reducedMotion: "reduce", viewport: { width, height },
		permissions: ["microphone"] });
	const page = await context.newPage();
	const faults = [];

	page.setDefaultTimeout(WAIT_MS);
	page.on("pageerror", (e) => faults.push(`error: ${e.stack ?? e}`));
	page.on("console", (m) => {
		if (m.type() === "error" || /Content Security Policy/.test(m.text()))
			faults.push(`${m.type()}: ${m.text()} ${m.location().url}`);
	});
	await page.exposeFunction("syFault", (text) => faults.push(text));
	await page.addInitScript(() => addEventListener(
		"securitypolicyviolation", (e) => window.syFault("policy: " +
			`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`)));
	pages.set(name, { page, faults });
}

function locate(page, { role, name, label, text, css, exact = false,
	inside }) {
	const root = inside ? locate(page, inside) : page;

	if (role)
		return root.getByRole(role, name ? { name, exact } : {});
	if (label)
		return root.getByLabel(label, { exact });
	return css ? root.locator(css) : root.getByText(text, { exact });
}

const commands = {
	async goto(page, { path }) {
		await page.goto(path);
	},
	// Within the page, as its own links do.
	async go(page, { path }) {
		await page.evaluate((p) => history.pushState(null, "", p), path);
	},
	async click(page, cmd) {
		await locate(page, cmd).first().click();
	},
	async fill(page, cmd) {
		await locate(page, cmd).first().fill(cmd.value);
	},
	async press(page, { keys }) {
		await page.keyboard.press(keys);
	},
	// Of a list that opens under a field.
	async pick(page, cmd) {
		await locate(page, cmd).first().click();
		await page.getByRole("option", { name: cmd.option }).first().click();
	},
	async see(page, cmd) {
		await locate(page, cmd).first().waitFor({ state: "visible" });
	},
	async gone(page, cmd) {
		await locate(page, cmd).first().waitFor({ state: "hidden" });
	},
	async text(page, cmd) {
		return locate(page, cmd).first().innerText();
	},
	async count(page, cmd) {
		return locate(page, cmd).count();
	},
	async value(page, cmd) {
		return locate(page, cmd).first().inputValue();
	},
	async attribute(page, cmd) {
		return locate(page, cmd).first().getAttribute(cmd.attribute);
	},
	// The other colours: "light" or "dark".
	async scheme(page, { scheme }) {
		await page.emulateMedia({ colorScheme: scheme });
		await page.locator(`html[data-mantine-color-scheme=${scheme}]`)
			.waitFor({ state: "attached" });
		// What passes from one colour to the other has come there.
		await page.evaluate(() => new Promise((done) => {
			const look = () => document.getAnimations().some((a) =>
				a instanceof CSSTransition) ?
				requestAnimationFrame(look) : done();
			requestAnimationFrame(() => requestAnimationFrame(look));
		}));
	},
	// Faults of accessibility that are serious or worse; `rules`: only of
	// these.
	async axe(page, { rules }) {
		if (!await page.evaluate("typeof axe === 'object'"))
			await page.evaluate(axe);
		const found = await page.evaluate((only) => axe.run(document,
			{ resultTypes: ["violations"], preload: false,
				...only && { runOnly: only } }), rules);

		return found.violations.filter((v) =>
			["serious", "critical"].includes(v.impact)).map((v) =>
			`${v.id}: ${v.help}: ` + v.nodes.slice(0, 3).map((n) =>
				`${n.html.slice(0, 200)} ` +
				n.failureSummary.replace(/\s+/g, " ").slice(0, 200))
				.join(" | "));
	},
	// Pixels that stick out to the right.
	async overflow(page) {
		return page.evaluate(
			"document.documentElement.scrollWidth - innerWidth");
	},
	async offline(page, { on }) {
		await page.context().setOffline(on);
	},
	// What is asked for by such a path is not reached; `body`: gets this.
	async block(page, { path, body }) {
		await page.route(path, (route) => body === undefined ? route.abort() :
			route.fulfill({ body, contentType: body[0] === "{" ?
				"application/json" : "text/html" }));
	},
	async unblock(page, { path }) {
		await page.unroute(path);
	},
	async picture(page, { path }) {
		await page.screenshot({ path });
	},
	async reload(page) {
		await page.reload();
	},
	async evaluate(page, { script }) {
		return page.evaluate(script);
	},
};

async function run(cmd) {
	if (cmd.do === "open")
		return open(cmd);
	const { page, faults } = pages.get(cmd.page ?? "a");

	if (cmd.do === "faults")
		return faults.splice(0);
	if (cmd.do === "close")
		return page.context().close();
	return commands[cmd.do](page, cmd);
}

const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");

tell({ event: "ready", version: browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
	const cmd = JSON.parse(line);

	run(cmd).then((result) => tell({ id: cmd.id, result: result ?? null }),
		(e) => tell({ id: cmd.id, error: String(e) }));
}
await browser.close();
