// SPDX-License-Identifier: MIT
// A page of the gateway's own in headless Chromium that watches what happens:
// /ws, which Chromium opens on its connection of HTTP/2 (RFC 8441).
//
//     node feed_page.mjs CHROMIUM HOST:PORT TOKEN
//
// Prints {"open":"h2"} by the page's connection, then each message that it
// hears, a JSON object a line; ends when its input ends.
import { chromium } from "playwright-core";

const [executablePath, address, token] = process.argv.slice(2);
const tell = (what) => process.stdout.write(JSON.stringify(what) + "\n");
const browser = await chromium.launch({ executablePath, args: [
	"--no-sandbox", "--ignore-certificate-errors",
	"--disable-features=LocalNetworkAccessChecks," +
		"LocalNetworkAccessChecksWebSockets",
] });
const context = await browser.newContext({ ignoreHTTPSErrors: true });
const page = await context.newPage();

await page.exposeFunction("hear", (text) => tell(JSON.parse(text)));
await page.goto(`https://${address}/healthz`);
await page.evaluate((key) => {
	const ws = new WebSocket(`wss://${location.host}/ws`);
	const say = (what) => ws.send(JSON.stringify(what));
	const [first] = performance.getEntriesByType("navigation");

	ws.onmessage = (e) => window.hear(e.data);
	ws.onclose = (e) => window.hear(JSON.stringify({ closed: e.code }));
	ws.onopen = () => {
		window.hear(JSON.stringify({ open: first.nextHopProtocol }));
		say({ id: 1, hello: { token: key } });
		say({ id: 2, subscribe: { topics: ["calls", "cluster"] } });
	};
}, token);
process.stdin.resume();
process.stdin.on("end", async () => {
	await browser.close();
	process.exit(0);
});
