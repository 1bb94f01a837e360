// SPDX-License-Identifier: MIT
// Builds all of web/ into build/web/dist, compressed files beside each one.
// Nothing is done when nothing of it has changed since.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync,
	rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const web = fileURLToPath(new URL(".", import.meta.url));
const out = join(web, "../build/web");
const LEAST_BYTES = 600; // smaller files are not worth a second form
const LEFT_OUT = new Set(["node_modules", "dist", ".test"]);

function* files(folder) {
	for (const e of readdirSync(folder, { withFileTypes: true }))
		if (e.isDirectory() && !LEFT_OUT.has(e.name))
			yield* files(join(folder, e.name));
		else if (e.isFile())
			yield join(folder, e.name);
}

function hash(paths) {
	const h = createHash("sha256");

	for (const path of [...paths].sort())
		h.update(path.slice(web.length)).update("\0")
			.update(readFileSync(path)).update("\0");
	return h.digest("hex");
}

const read = (path) => existsSync(path) ? readFileSync(path, "utf8") : "";

function run(...words) {
	try {
		execFileSync(words[0], words.slice(1), { cwd: web,
			encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
	} catch (e) {
		const said = `${e.stdout ?? ""}${e.stderr ?? ""}`.trim() || e.message;

		console.error(`deploy/build: web: ${words.join(" ")}:\n` +
			said.split("\n").filter((l) => !/ kB │|^npm error/.test(l))
				.slice(-25).join("\n"));
		process.exit(1);
	}
}

/** The packages of the lock file, installed once. */
function install() {
	const mark = join(web, "node_modules/.installed");
	const want = hash([join(web, "package-lock.json"),
		...["sdk", "dashboard"].map((d) => join(web, d, "package.json"))]);

	if (read(mark) === want)
		return;
	run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
	writeFileSync(mark, want);
}

function compress(folder) {
	for (const path of [...files(folder)]) {
		const data = readFileSync(path);

		if (data.length < LEAST_BYTES || /\.(br|gz|png|woff2)$/.test(path))
			continue;
		writeFileSync(`${path}.gz`, gzipSync(data, { level: 9 }));
		writeFileSync(`${path}.br`, brotliCompressSync(data, { params: {
			[constants.BROTLI_PARAM_QUALITY]: 11,
			[constants.BROTLI_PARAM_SIZE_HINT]: data.length } }));
	}
}

const schema = join(web, "../proto/switchyard.proto");
const stamp = join(out, "stamp");
const want = hash([...files(web)].filter((f) => !/(schema|fields)\.ts$/.test(f))) +
	hash([schema]);

if (read(stamp) === want && existsSync(join(out, "dist/index.html")))
	process.exit(0);
install();
// Whoever serves the old one goes on until the new one is whole.
const fresh = join(out, "fresh");

rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
process.env.SY_WEB_OUT = fresh;
run("npm", "run", "build", "--silent");
if (existsSync(join(web, "sdk/dist")))
	cpSync(join(web, "sdk/dist"), join(fresh, "sdk"), { recursive: true });
compress(fresh);
const size = (name) => statSync(join(fresh, "sdk", name)).size;

console.log(`web: sdk/index.js: ${size("index.js")} bytes, ` +
	`${size("index.js.br")} compressed`);
rmSync(join(out, "dist"), { recursive: true, force: true });
renameSync(fresh, join(out, "dist"));
writeFileSync(stamp, want);
