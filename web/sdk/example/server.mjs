// SPDX-License-Identifier: MIT
//
// The server of the page beside it, on http://localhost:3000.  It alone knows the
// cluster's API token, and gives pages tokens that can do nothing but be a phone
// of one device, for an hour.
//
//   SWITCHYARD_URL=https://gateway.example SWITCHYARD_TOKEN=... \
//       node server.mjs 1001

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const { SWITCHYARD_URL, SWITCHYARD_TOKEN, PORT = 3000 } = process.env;
const device = process.argv[2] ?? "1001"; // of who is logged in with you
const gateways = SWITCHYARD_URL.split(",");
const page = readFileSync(new URL("index.html", import.meta.url));

async function token() {
	const res = await fetch(`${gateways[0]}/api/tokens`, {
		method: "POST",
		headers: { authorization: `Bearer ${SWITCHYARD_TOKEN}`,
			"content-type": "application/json" },
		body: JSON.stringify({ name: "example", scopes: ["phone"], device,
			expiresAt: new Date(Date.now() + 3600_000) }),
	});
	const body = await res.json();

	if (!res.ok)
		throw new Error(body.detail);
	return body.token;
}

createServer(async (req, res) => {
	try {
		if (req.url === "/")
			res.setHeader("content-type", "text/html").end(page);
		else if (req.url === "/gateways")
			res.end(JSON.stringify({ gateways }));
		else if (req.url === "/token" && req.method === "POST")
			res.end(await token());
		else
			res.writeHead(404).end();
	} catch (e) {
		res.writeHead(502).end(String(e.message));
	}
}).listen(PORT, "localhost", () => console.log(`http://localhost:${PORT}`));
